#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/micro/stopwatch.hpp"

namespace bench {

namespace {

namespace protocol = rocketpush::protocol;
using protocol::header_encoding;

/// As a 5.5.0 broker writes it.
constexpr std::string_view json_response =
    R"({"code":0,"extFields":{"suggestWhichBrokerId":"0","groupSysFlag":"0","nextBeginOffset":"1000032",)"
    R"("maxOffset":"2000000","minOffset":"0","topicSysFlag":"0"},"flag":1,"language":"JAVA","opaque":655361,)"
    R"("remark":"FOUND","serializeTypeCurrentRPC":"JSON","version":513})";

const protocol::pull_request pull{.consumer_group = "replay",
                                  .topic          = "orders",
                                  .queue_id       = 3,
                                  .queue_offset   = 1'000'032,
                                  .sys_flag       = 3,
                                  .commit_offset  = 1'000'000,
                                  .sub_version    = 1'700'000'000'000,
                                  .max_bytes      = 256 * 1024,
                                  .broker_name    = "broker-a"};

std::string binary_response() {
    std::string frame;
    protocol::append_response(frame, header_encoding::rocketmq, 0, 655361, "FOUND",
                              protocol::pull_response{.next_begin_offset = 1'000'032, .max_offset = 2'000'000}, {},
                              407);
    return frame.substr(protocol::frame_prefix_size);
}

/// What a pull's answer needs: the header, and its fields.
void scan(header_encoding encoding, std::string_view text) {
    const auto header = protocol::parse_header(encoding, text);
    if (!header)
        throw std::logic_error("no header");
    const auto fields = protocol::read_fields<protocol::pull_response>(*header);
    if (!fields)
        throw std::logic_error("no pull answer");
    keep(fields->next_begin_offset);
}

} // namespace

std::vector<micro_figure> measure_headers() {
    std::vector<micro_figure> figures;
    const auto binary = binary_response();
    figures.push_back(time_of("read pull answer, JSON, envelope only",
                              [] { keep(protocol::parse_header(header_encoding::json, json_response)); }));
    figures.push_back(time_of("read pull answer, JSON", [] { scan(header_encoding::json, json_response); }));
    figures.push_back(time_of("read pull answer, binary", [&] { scan(header_encoding::rocketmq, binary); }));
    std::string out;
    for (const auto encoding : {header_encoding::json, header_encoding::rocketmq})
        figures.push_back(
            time_of(encoding == header_encoding::json ? "write pull, JSON" : "write pull, binary", [&, encoding] {
                out.clear();
                protocol::append_request(out, encoding, pull, {.opaque = 655361});
                keep(out.data());
            }));
    return figures;
}

} // namespace bench

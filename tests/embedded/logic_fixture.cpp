#include "tests/embedded/logic_fixture.hpp"

#include <rocketpush/protocol/message_decoder.hpp>

#include <algorithm>
#include <array>
#include <system_error>

namespace rocketpush::test {

sent_frame::sent_frame(std::string from) : bytes(std::move(from)) {
    const auto prefix = protocol::parse_frame_prefix(bytes.data()).value();
    const std::string_view all(bytes);
    header = protocol::parse_header(prefix.encoding, all.substr(8, prefix.header_size)).value();
    body   = all.substr(8 + prefix.header_size, prefix.body_size);
}

logic_fixture::logic_fixture(embedded::broker_options options, std::optional<endpoint> slave)
    : logic(std::move(options), {"127.0.0.1", 10911}, {std::array<unsigned char, 4>{127, 0, 0, 1}, 10911}, 7,
            std::move(slave)) {
    using namespace std::chrono_literals;
    now.steady += 1000h;
    now.system += std::chrono::seconds(1'700'000'000);
}

logic_fixture::~logic_fixture() = default;

logic_fixture::client logic_fixture::connect(bool to_slave) {
    return logic.connect({std::array<unsigned char, 4>{10, 0, 0, 1}, 5000}, now, to_slave);
}

void logic_fixture::deliver(client from, std::string bytes) {
    const sent_frame frame(std::move(bytes));
    logic.handle(from, frame.header, frame.body, now);
}

result<embedded::sent_message> logic_fixture::store(std::string_view topic, std::string_view body,
                                                              const embedded::send_options& with) {
    return logic.send(topic, body, with, now);
}

std::vector<std::string> logic_fixture::take_frames(client to) {
    std::string bytes;
    logic.out().take_frames(to, bytes);
    std::vector<std::string> frames;
    for (std::string_view rest = bytes; !rest.empty();) {
        const auto size = protocol::parse_frame_prefix(rest.data()).value().frame_size();
        frames.emplace_back(rest.substr(0, size));
        rest.remove_prefix(size);
    }
    return frames;
}

std::optional<std::string> logic_fixture::take_answer(client of, std::int32_t opaque) {
    std::optional<std::string> answer;
    for (auto& bytes : take_frames(of)) {
        const sent_frame frame(bytes);
        if (frame.header.is_response() && frame.header.opaque == opaque)
            answer = bytes;
        else
            notices.emplace_back(of, frame.header.code);
    }
    return answer;
}

void logic_fixture::pass(std::chrono::milliseconds time) {
    const auto end = now.steady + time;
    for (auto due = logic.next_due(); due && *due <= end; due = logic.next_due()) {
        move_to(std::max(*due, now.steady));
        logic.tick(now);
    }
    move_to(end);
}

void logic_fixture::move_to(std::chrono::steady_clock::time_point at) {
    now.system += std::chrono::duration_cast<std::chrono::system_clock::duration>(at - now.steady);
    now.steady = at;
}

response_code logic_fixture::join(client one, std::string group, const std::string& topic, std::string_view expression,
                                  std::string client_id) {
    protocol::heartbeat_data beat{.client_id = client_id.empty() ? "client-" + std::to_string(one) : client_id};
    beat.consumers.push_back({.group_name = group});
    auto& wanted = beat.consumers.back().subscriptions;
    wanted.push_back(make_subscription(topic, tags(expression), 1).value());
    wanted.push_back(make_subscription(retry_topic(group), all_messages, 1).value());
    return ask(one, protocol::heartbeat_request{}, protocol::encode(beat)).code();
}

protocol::pull_request logic_fixture::pull_of(std::string group, std::string topic, std::int32_t queue,
                                              std::int64_t offset) {
    protocol::pull_request pull{.consumer_group = std::move(group), .topic = std::move(topic)};
    pull.queue_id     = queue;
    pull.queue_offset = offset;
    pull.sub_version  = 1;
    return pull;
}

std::vector<std::string> logic_fixture::bodies(std::string_view records) {
    const message_queue queue;
    const detail::message_origin origin{.queue = &queue};
    detail::byte_arena arena;
    std::vector<detail::message_fields> found;
    protocol::decode_messages(records, origin, {}, arena, found,
                              [](std::error_code failure, auto&&...) { FAIL(failure.message()); });
    std::vector<std::string> all;
    for (const auto& fields : found)
        all.emplace_back(message_view(fields).body());
    return all;
}

embedded::broker_options like_4_9_7() {
    embedded::broker_options options;
    options.version  = embedded::version_4_9_7;
    options.encoding = embedded::answer_encoding::as_request;
    return options;
}

} // namespace rocketpush::test

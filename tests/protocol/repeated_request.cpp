#include <rocketpush/protocol/repeated_request.hpp>
#include <rocketpush/protocol/requests_pull.hpp>

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace rocketpush::protocol;

namespace {

pull_request pull_of_orders() {
    return {.consumer_group = "billing \"q\"",
            .topic          = "orders",
            .queue_id       = 3,
            .sub_version    = 7,
            .broker_name    = "broker-a"};
}

header_view header_of(std::string_view frame) {
    const auto prefix = parse_frame_prefix(frame.data());
    REQUIRE(prefix);
    REQUIRE(prefix->frame_size() == frame.size());
    const auto header = parse_header(prefix->encoding, frame.substr(frame_prefix_size, prefix->header_size));
    REQUIRE(header);
    return *header;
}

} // namespace

TEST_CASE("a repeated request says what the whole request says, whatever changes", "[protocol]") {
    const repeated_pull pulls(pull_of_orders());
    for (const auto& position : {pull_position{}, pull_position{INT64_MAX, 3, INT64_MIN}}) {
        std::string frame;
        append_request(frame, header_encoding::rocketmq, pulls.with(position), {.opaque = 4711});
        const auto header = header_of(frame);
        CHECK(header.code == 11);
        CHECK(header.opaque == 4711);
        CHECK(header.version == client_version);
        CHECK(header.flag == 0);
        CHECK(frame.find(R"("language":"CPP")") != std::string::npos);
        const auto read = read_fields<pull_request>(header);
        REQUIRE(read);
        CHECK(read->queue_offset == position.queue_offset);
        CHECK(read->sys_flag == position.sys_flag);
        CHECK(read->commit_offset == position.commit_offset);
        CHECK(read->consumer_group == "billing \"q\"");
        CHECK(read->topic == "orders");
        CHECK(read->queue_id == 3);
        CHECK(read->max_messages == 32);
        CHECK(read->suspend_millis == 15000);
        CHECK(read->sub_version == 7);
        CHECK(read->expression_type == "TAG");
        CHECK(!read->max_bytes);
        CHECK(read->broker_name == "broker-a");
    }
}

TEST_CASE("repeated requests stand behind other frames, and may have a body", "[protocol]") {
    const repeated_pull pulls(pull_of_orders());
    std::string bytes = "before";
    append_request(bytes, header_encoding::json, pulls.with({}), {.opaque = 1}, "body");
    const auto frame = std::string_view(bytes).substr(6);
    CHECK(parse_frame_prefix(frame.data())->body_size == 4);
    CHECK(frame.ends_with("}body"));
    CHECK(bytes.starts_with("before"));
}

TEST_CASE("a repeated request tells a namespace of the second kind", "[protocol]") {
    const repeated_pull pulls(pull_of_orders());
    std::string frame;
    append_request(frame, header_encoding::json, pulls.with({.queue_offset = 7}),
                   {.opaque = 4711, .name_space = "a \"cloud\""}, "body");
    const auto header = header_of(frame);
    CHECK(header.field("nsd")->to_string() == "true");
    CHECK(header.field("ns")->to_string() == "a \"cloud\"");
    CHECK(header.opaque == 4711);
    const auto read = read_fields<pull_request>(header);
    REQUIRE(read);
    CHECK(read->queue_offset == 7);
    CHECK(read->topic == "orders");
    CHECK(frame.ends_with("}body"));
}

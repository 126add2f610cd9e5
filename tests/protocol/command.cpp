#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <string>
#include <string_view>

#include "tests/support/allocation_count.hpp"
#include "tests/support/captured_frames.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
namespace captured = rocketpush::test::captured;

namespace {

/// A request with every kind of member.
struct mixed_request {
    static constexpr request_code code = request_code::get_route_info;

    std::string text;
    std::int64_t number = 0;
    bool truth          = false;
    std::string optional_text{};
    std::optional<std::int32_t> optional_number{};
    std::optional<std::string> optional_string{};

    static constexpr auto fields() noexcept {
        using self = mixed_request;
        return std::array{required_field<&self::text>("text"),
                          required_field<&self::number>("number"),
                          optional_field<&self::truth>("truth"),
                          optional_field<&self::optional_text>("optionalText"),
                          optional_field<&self::optional_number>("optionalNumber"),
                          optional_field<&self::optional_string>("optionalString")};
    }
    friend bool operator==(const mixed_request&, const mixed_request&) = default;
};

struct large_code_request : no_fields {
    static constexpr request_code code = request_code::pop_message;
};

struct cut_frame {
    frame_prefix prefix;
    header_view header;
    std::string_view body;
};

/// The first frame of `bytes`, taken out of them.
cut_frame cut(std::string_view& bytes) {
    const auto prefix = parse_frame_prefix(bytes.data());
    REQUIRE(prefix);
    REQUIRE(bytes.size() >= prefix->frame_size());
    const auto header = parse_header(prefix->encoding, bytes.substr(frame_prefix_size, prefix->header_size));
    REQUIRE(header);
    const auto body = bytes.substr(frame_prefix_size + prefix->header_size, prefix->body_size);
    bytes.remove_prefix(prefix->frame_size());
    return {*prefix, *header, body};
}

cut_frame only(std::string_view bytes) {
    const auto frame = cut(bytes);
    CHECK(bytes.empty());
    return frame;
}

constexpr header_encoding both[] = {header_encoding::json, header_encoding::rocketmq};

} // namespace

TEST_CASE("a binary route request agrees with the captured one, which did not ask for standard JSON", "[protocol]") {
    std::string frame;
    append_request(frame, header_encoding::rocketmq, route_request{.topic = "probe"}, {.opaque = 2, .version = 477});
    const auto sent = only(frame);
    const auto seen = only(captured::route_request_binary);
    CHECK(frame.substr(8, 17) == captured::route_request_binary.substr(8, 17));
    CHECK(sent.header.raw_fields.starts_with(seen.header.raw_fields));
}

TEST_CASE("a binary pull request is the captured one to the byte", "[protocol]") {
    pull_request request{.consumer_group = "g", .topic = "wire4"};
    request.max_messages   = 1;
    request.sys_flag       = pull_flags::suspend | pull_flags::subscription;
    request.suspend_millis = 15000;
    request.sub_version    = 1700000000000;
    request.subscription   = "*";
    request.max_bytes      = 262144;
    request.broker_name    = "broker-w";
    std::string frame;
    append_request(frame, header_encoding::rocketmq, request, {.opaque = 6, .version = 477});
    CHECK(frame == captured::pull_request_binary);
}

TEST_CASE("what is written is read again, in both encodings", "[protocol]") {
    mixed_request request{.text = "tab\t quote\" slash\\ KEYS\x01k\x02 \xF0\x9F\x98\x80"};
    request.number          = INT64_MIN;
    request.truth           = true;
    request.optional_text   = "here";
    request.optional_number = -1;
    request.optional_string = "\n";
    for (const auto encoding : both) {
        std::string bytes = "before";
        append_request(bytes, encoding, request, {.opaque = -7, .flag = oneway_flag}, "body");
        CHECK(bytes.starts_with("before"));
        const auto frame = only(std::string_view(bytes).substr(6));
        CHECK(frame.prefix.encoding == encoding);
        CHECK(frame.header.code == 105);
        CHECK(frame.header.opaque == -7);
        CHECK(frame.header.is_oneway());
        CHECK(!frame.header.is_response());
        CHECK(frame.header.version == client_version);
        CHECK(frame.body == "body");
        const auto read = read_fields<mixed_request>(frame.header);
        REQUIRE(read);
        CHECK(*read == request);
    }
}

TEST_CASE("empty optional fields are not written, empty required ones are", "[protocol]") {
    std::string bytes;
    append_request(bytes, header_encoding::json, mixed_request{.text = ""}, {.opaque = 1});
    const auto frame = only(bytes);
    CHECK(frame.header.raw_fields == R"({"text":"","number":"0","truth":"false"})");
}

TEST_CASE("frames are appended one behind the other", "[protocol]") {
    std::string bytes;
    append_request(bytes, header_encoding::json, heartbeat_request(), {.opaque = 1}, "one");
    append_request(bytes, header_encoding::rocketmq, heartbeat_request(), {.opaque = 2}, "two");
    append_response(bytes, header_encoding::json, response_code::pull_not_found, 3, "NO_MESSAGE_IN_QUEUE", no_fields());
    std::string_view rest = bytes;
    CHECK(cut(rest).body == "one");
    CHECK(cut(rest).header.opaque == 2);
    const auto response = cut(rest);
    CHECK(response.header.code == 19);
    CHECK(response.header.remark() == "NO_MESSAGE_IN_QUEUE");
    CHECK(response.header.is_response());
    CHECK(response.body.empty());
    CHECK(rest.empty());
}

TEST_CASE("a response has its code, remark and fields in both encodings", "[protocol]") {
    for (const auto encoding : both) {
        std::string bytes;
        append_response(bytes, encoding, 1, 42, "no such \"thing\"\n", offset_response{.offset = 9}, "b", 513);
        const auto frame = only(bytes);
        CHECK(frame.header.code == 1);
        CHECK(frame.header.opaque == 42);
        CHECK(frame.header.flag == response_flag);
        CHECK(frame.header.version == 513);
        CHECK(frame.header.remark() == "no such \"thing\"\n");
        CHECK(read_fields<offset_response>(frame.header)->offset == 9);
        CHECK(frame.body == "b");
    }
}

TEST_CASE("a code beyond 16 bits goes out in JSON whatever was asked for", "[protocol]") {
    std::string bytes;
    append_request(bytes, header_encoding::rocketmq, large_code_request(), {.opaque = 1});
    const auto frame = only(bytes);
    CHECK(frame.prefix.encoding == header_encoding::json);
    CHECK(frame.header.code == 200050);
}

TEST_CASE("we say that we are C++ and version 441", "[protocol]") {
    std::string bytes;
    append_request(bytes, header_encoding::json, heartbeat_request(), {.opaque = 1});
    CHECK(bytes.find(R"("language":"CPP")") != std::string::npos);
    CHECK(bytes.find(R"("version":477)") != std::string::npos);
}

TEST_CASE("a pull allocates nothing: neither its request nor reading the answer's header", "[protocol]") {
    pull_request request{.consumer_group = "a group whose name is long", .topic = "a topic whose name is long"};
    request.broker_name = "a broker whose name is long";
    std::string out;
    out.reserve(4096);
    const repeated_pull again(request);
    std::int64_t next  = 0;
    const auto& json   = captured::pull_response_json;
    const auto& binary = captured::pull_response_binary_497;
    const test::allocation_counter allocations;
    for (const auto encoding : both) {
        out.clear();
        append_request(out, encoding, request, {.opaque = 1});
        append_request(out, encoding, again.with(pull_position{.queue_offset = 1}), {.opaque = 2});
        for (const auto* answer : {&json, &binary}) {
            const auto prefix = parse_frame_prefix(answer->data());
            const auto header =
                parse_header(prefix->encoding, {answer->data() + frame_prefix_size, prefix->header_size});
            next += read_fields<pull_response>(*header)->next_begin_offset;
        }
    }
    const auto count = allocations.count();
    CHECK(count == 0);
    CHECK(next == 4);
}

#if ROCKETPUSH_WITH_OPENSSL
TEST_CASE("to sign a pull allocates nothing but what OpenSSL does", "[protocol]") {
    credentials keys("a-service-with-a-long-name", "a secret key that is long as well");
    request_signer signer(keys);
    const repeated_pull pulls({.consumer_group = "billing", .topic = "orders", .broker_name = "broker-a"});
    const std::string body(100, 'x');
    std::string out;
    append_request(out, header_encoding::json, pulls.with({.queue_offset = 1}), {.opaque = 1, .signer = &signer}, body);
    const test::allocation_counter allocations;
    for (int i = 0; i < 100; ++i) {
        out.clear();
        append_request(out, header_encoding::json, pulls.with({.queue_offset = 1}), {.opaque = 1, .signer = &signer}, body);
    }
    const auto count = allocations.count();
    CHECK(count == 0);
}
#endif

TEST_CASE("a namespace of the second kind is told with the fields, in both encodings", "[protocol]") {
    for (const auto encoding : both) {
        std::string frame;
        append_request(frame, encoding, route_request{.topic = "orders"}, {.opaque = 1, .name_space = "a \"cloud\""});
        const auto sent = only(frame);
        CHECK(sent.header.field("nsd")->to_string() == "true");
        CHECK(sent.header.field("ns")->to_string() == "a \"cloud\"");
        CHECK(sent.header.field("topic")->to_string() == "orders");
        std::string bare;
        append_request(bare, encoding, heartbeat_request(), {.opaque = 1, .name_space = "ns"}, "body");
        CHECK(only(bare).header.field("ns")->to_string() == "ns");
        CHECK(only(bare).body == "body");
    }
}

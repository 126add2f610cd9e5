// JSON of both dialects, and every body that is made of it. The standard form is a fixed point, values lie in their text, and a body
// that can be read is written and read again to the same.
//
// Input: the body. Each decoder gets it.

#include <rocketpush/detail/java_string.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/bodies_progress.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/support/fuzz_input.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
using rocketpush::test::must;

namespace {

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto [value, size] = detail::first_code_point(text);
        if (value == 0xFFFD && size == 1)
            return false;
        text.remove_prefix(size);
    }
    return true;
}

template <class T>
void check_way_back(result<T> (*decode)(std::string_view), std::string_view text) {
    const auto read = decode(text);
    if (!read) {
        must(read.error() == error::body_malformed, "a body that cannot be read is malformed");
        return;
    }
    // What is not UTF-8 is written as U+FFFD: so the first time may change names, and no later one.
    const auto once = decode(encode(*read));
    must(once.has_value(), "a body that was written can be read");
    must(!is_utf8(text) || *once == *read, "a body of UTF-8 is written and read to the same");
    const auto twice = decode(encode(*once));
    must(twice.has_value() && *twice == *once, "a body that was written is read to the same");
}

template <class T>
void check_reading(result<T> (*decode)(std::string_view), std::string_view text) {
    if (const auto read = decode(text); !read)
        must(read.error() == error::body_malformed, "a body that cannot be read is malformed");
}

/// Goes through a value the way decoders do.
void check_members(const json_value& value, std::string_view text, int depth) {
    must(test::lies_in(value.raw, text), "values lie in their text");
    if (value.type == json_cursor::kind::string) {
        std::string unescaped, escaped;
        append_json_unescaped(unescaped, value.raw);
        append_json_escaped(escaped, unescaped);
        std::string again;
        append_json_unescaped(again, escaped);
        must(again == unescaped, "what is escaped is unescaped to the same");
    }
    if (value.type == json_cursor::kind::object && depth != 0)
        must(read_members(value,
                          [&](std::string_view, const json_value& member) {
                              check_members(member, text, depth - 1);
                              return true;
                          }),
             "an object that was read as a value has members");
}

void check_dialect(std::string_view text) {
    const auto standard = to_standard_json(text);
    if (!standard)
        return;
    // A key that is an object is escaped, with up to six characters for one.
    must(standard->size() <= 6 * text.size() + 2, "the standard form is not much longer");
    const auto again = to_standard_json(*standard);
    must(again.has_value() && *again == *standard, "the standard form is a fixed point");
    json_cursor cursor(*standard);
    json_value value;
    must(cursor.read_value(value) && cursor.at_end(), "the standard form is one value");
    check_members(value, *standard, 4);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const test::exact_bytes bytes(test::fuzz_input(data, size).rest());
    const auto text = bytes.view();
    check_dialect(text);
    check_way_back(decode_route, text);
    check_way_back(decode_assignment_query, text);
    check_way_back(decode_assignment_answer, text);
    check_way_back(decode_request_mode_setting, text);
    check_way_back(decode_heartbeat, text);
    check_way_back(decode_running_info, text);
    check_way_back(decode_consumer_connections, text);
    check_way_back(decode_consumer_list, text);
    check_way_back(decode_lock, text);
    check_way_back(decode_locked_queues, text);
    check_way_back(decode_client_check, text);
    check_way_back(decode_batch_ack, text);
    check_way_back(decode_direct_result, text);
    check_way_back(decode_consumer_status, text);
    check_reading(decode_reset, text);
    check_reading(decode_subscription_set, text);
    check_reading(decode_consume_stats, text);
    check_reading(decode_topic_stats, text);
    check_reading(decode_held_queues, text);
    return 0;
}

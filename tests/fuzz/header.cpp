// Headers in JSON and binary. What can be read as the header of a request or response is written in both encodings and read again
// to the same; the quick way through numbers in their usual order finds what the careful way finds.
//
// Input: a byte that chooses the encoding, the header.

#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/field_table.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "tests/fuzz/support/fuzz_input.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
using rocketpush::test::must;

namespace {

/// The fields of a header that was read, as it would be written.
template <field_header T>
std::string text_of(const T& fields) {
    std::string text;
    detail::append_json_fields(text, true, fields);
    return text;
}

/// What is not written cannot come again: a required text that is empty, in a binary header, where it counts as absent, as in Java;
/// and an optional one of which the default is not empty.
template <field_header T>
bool has_unwritten_text(const T& fields, header_encoding encoding) {
    const T untouched{};
    const fields_view view(fields);
    const fields_view defaults(untouched);
    for (const auto& row : view.rows())
        if (row.type->is_left_out(view.member(row)) &&
            (row.required ? encoding == header_encoding::rocketmq : !row.type->is_left_out(defaults.member(row))))
            return true;
    return false;
}

template <field_header T>
void check_written(const header_view& header, const T& read, header_encoding encoding) {
    std::string frame;
    append_response(frame, encoding, header.code, header.opaque, header.remark(), read, "body", header.version);
    const auto prefix = parse_frame_prefix(frame.data());
    must(prefix && prefix->frame_size() == frame.size() && prefix->body_size == 4, "a frame is written with its lengths");
    const auto again =
        parse_header(prefix->encoding, std::string_view(frame).substr(frame_prefix_size, prefix->header_size));
    must(again.has_value(), "a header that was written can be read");
    must(again->code == header.code && again->opaque == header.opaque, "code and opaque are as they were");
    must(again->remark() == header.remark(), "the remark is as it was");
    must(again->is_response(), "a response says that it is one");
    if (has_unwritten_text(read, encoding))
        return;
    const auto reread = read_fields<T>(*again);
    must(reread.has_value() && text_of(*reread) == text_of(read), "fields are as they were");
}

template <field_header T>
void check_fields(const header_view& header) {
    const auto read = read_fields<T>(header);
    if (header.encoding == header_encoding::json && header.raw_fields.starts_with('{')) {
        // With a blank in it the object is not what the quick way expects.
        const std::string spaced = "{ " + std::string(header.raw_fields.substr(1));
        auto slow                = header;
        slow.raw_fields          = spaced;
        const auto carefully     = read_fields<T>(slow);
        must(carefully.has_value() == read.has_value(), "the quick way takes what the careful way takes");
        must(!read || text_of(*read) == text_of(*carefully), "the quick way reads what the careful way reads");
    }
    if (!read || header.remark().size() > std::numeric_limits<std::int16_t>::max())
        return;
    check_written(header, *read, header_encoding::json);
    check_written(header, *read, header_encoding::rocketmq);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::fuzz_input input(data, size);
    const auto encoding = input.below(2) == 0 ? header_encoding::json : header_encoding::rocketmq;
    const test::exact_bytes bytes(input.rest());
    const auto header = parse_header(encoding, bytes);
    if (!header)
        return 0;
    must(test::lies_in(header->raw_fields, bytes) && test::lies_in(header->raw_remark, bytes),
         "the parts of a header lie in it");
    std::size_t fields = 0;
    const bool whole   = header->for_each_field([&](std::string_view key, const field_value& value) {
        ++fields;
        must(test::lies_in(key, bytes) && test::lies_in(value.raw, bytes), "fields lie in their header");
        static_cast<void>(value.to_string());
        static_cast<void>(value.to_bool());
        if (const auto number = value.to_int<std::int32_t>())
            must(value.to_int<std::int64_t>() == std::int64_t{*number}, "a number is the same in all widths");
    });
    must(whole || encoding == header_encoding::json, "a binary header's fields were looked at when it was parsed");
    must(fields <= bytes.view().size(), "fields have bytes");

    check_fields<pull_response>(*header);
    check_fields<pop_response>(*header);
    check_fields<change_invisible_time_response>(*header);
    check_fields<offset_response>(*header);
    check_fields<heartbeat_response>(*header);
    check_fields<send_response>(*header);
    check_fields<pull_request>(*header);
    check_fields<pop_request>(*header);
    check_fields<ack_request>(*header);
    check_fields<send_request>(*header);
    check_fields<send_back_request>(*header);
    check_fields<reset_offset_notice>(*header);
    return 0;
}

#ifndef ROCKETPUSH_PROTOCOL_COMMAND_HPP
#define ROCKETPUSH_PROTOCOL_COMMAND_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/protocol/acl_signature.hpp>
#include <rocketpush/protocol/codes.hpp>
#include <rocketpush/protocol/field_table.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/// What a frame's header says besides its code, remark and fields.
struct command_meta {
    std::int32_t opaque  = 0;
    std::int32_t flag    = 0;
    std::int32_t version = client_version;
    language spoken      = language::cpp;
    std::string_view name_space{}; ///< Of the second kind: told with the fields, unless it is empty.
    request_signer* signer = nullptr; ///< Of requests; null: they are not signed.
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

template <std::integral T>
void append_big(std::string& out, T value) {
    char bytes[sizeof value];
    store_big(bytes, value);
    out.append(bytes, sizeof bytes);
}

template <std::integral T>
void append_decimal(std::string& out, T value) {
    out.append(field_text(value).view());
}

inline bool is_named_by(std::span<const protocol::field_row> rows, std::string_view name) noexcept {
    for (const auto& row : rows)
        if (row.name == name)
            return true;
    return false;
}

/// `,"name":"value"` for each row that is written. @param without  Not the fields that these rows name.
inline void append_json_fields(std::string& out, bool first, const protocol::fields_view& fields,
                               std::span<const protocol::field_row> without = {}) {
    for (const auto& row : fields.rows()) {
        if (!fields.has(row) || is_named_by(without, row.name))
            continue;
        out.append(first ? "\"" : ",\"").append(row.name).append("\":\"");
        row.type->append_json_text(out, fields.member(row)); // every value is a string on the wire
        out.push_back('"');
        first = false;
    }
}

/// Says with a request's fields that its names are of this namespace.
inline void append_json_namespace(std::string& out, std::string_view name_space) {
    out.append(R"("nsd":"true","ns":")");
    protocol::append_json_escaped(out, name_space);
    out.push_back('"');
}

inline void append_json_header(std::string& out, std::int32_t code, const protocol::command_meta& meta,
                               std::string_view remark, const protocol::fields_view& fields) {
    out.append(R"({"code":)");
    append_decimal(out, code);
    out.append(R"(,"flag":)");
    append_decimal(out, meta.flag);
    out.append(R"(,"language":")").append(to_string(meta.spoken));
    out.append(R"(","opaque":)");
    append_decimal(out, meta.opaque);
    out.append(R"(,"version":)");
    append_decimal(out, meta.version);
    if (!remark.empty()) {
        out.append(R"(,"remark":")");
        protocol::append_json_escaped(out, remark);
        out.push_back('"');
    }
    out.append(R"(,"extFields":{)");
    if (!meta.name_space.empty())
        append_json_namespace(out, meta.name_space);
    append_json_fields(out, meta.name_space.empty(), fields);
    out.append("}}");
}

inline void append_binary_header(std::string& out, std::int32_t code, const protocol::command_meta& meta,
                                 std::string_view remark, const protocol::fields_view& fields) {
    append_big(out, static_cast<std::int16_t>(code));
    append_big(out, static_cast<std::uint8_t>(meta.spoken));
    append_big(out, static_cast<std::int16_t>(meta.version));
    append_big(out, meta.opaque);
    append_big(out, meta.flag);
    append_big(out, static_cast<std::uint32_t>(remark.size()));
    out.append(remark);
    const auto size_at = out.size();
    append_big(out, std::uint32_t{0});
    const auto put_text = [&out](std::string_view name, std::string_view value) {
        append_big(out, static_cast<std::uint16_t>(name.size()));
        out.append(name);
        append_big(out, static_cast<std::uint32_t>(value.size()));
        out.append(value);
    };
    if (!meta.name_space.empty()) {
        put_text("nsd", "true");
        put_text("ns", meta.name_space);
    }
    for (const auto& row : fields.rows()) {
        if (!fields.has(row))
            continue;
        append_big(out, static_cast<std::uint16_t>(row.name.size()));
        out.append(row.name);
        const auto value_at = out.size();
        append_big(out, std::uint32_t{0});
        row.type->append_text(out, fields.member(row));
        store_big(out.data() + value_at, static_cast<std::uint32_t>(out.size() - value_at - 4));
    }
    store_big(out.data() + size_at, static_cast<std::uint32_t>(out.size() - size_at - 4));
}

/// The header of a repeated_request: a copy of what was begun, and numbers. Each pull comes by here.
inline void append_repeated_header(std::string& out, const protocol::request_view& request,
                                   const protocol::command_meta& meta) {
    constexpr std::size_t row_room = most_digits + 16; // with the quotes and commas around name and value
    const auto put                 = [](char* to, std::string_view text) {
        std::memcpy(to, text.data(), text.size());
        return to + text.size();
    };
    auto room = request.begun().size() + row_room;
    for (const auto& row : request.rows())
        room += row.name.size() + row_room;
    const auto begin = out.size();
    out.resize(begin + room);
    char* to = put(out.data() + begin, request.begun());
    for (const auto& row : request.rows()) {
        to = put(to, ",\"");
        to = put(to, row.name);
        to = put(to, "\":\"");
        to = row.type->write_digits(to, request.member(row));
        to = put(to, "\"");
    }
    if (!meta.name_space.empty()) [[unlikely]] {
        out.resize(static_cast<std::size_t>(to - out.data()));
        out.push_back(',');
        append_json_namespace(out, meta.name_space);
        out.append(R"(},"opaque":)");
        append_decimal(out, meta.opaque);
        out.push_back('}');
        return;
    }
    to = put(to, R"(},"opaque":)");
    to = std::to_chars(to, to + most_digits, meta.opaque).ptr;
    to = put(to, "}");
    out.resize(static_cast<std::size_t>(to - out.data()));
}

/// Leaves room for the frame's lengths. @return Where it begins.
inline std::size_t begin_frame(std::string& out) {
    const auto begin = out.size();
    out.append(protocol::frame_prefix_size, '\0');
    return begin;
}

/// Behind a frame's header: its body, and its lengths.
inline void end_frame(std::string& out, std::size_t begin, protocol::header_encoding encoding, std::string_view body) {
    const auto header_size = out.size() - begin - protocol::frame_prefix_size;
    ROCKETPUSH_ASSERT(header_size <= protocol::max_header_size,
                      "a header's names and properties are shorter than 16 MiB");
    out.append(body);
    store_big(out.data() + begin, static_cast<std::uint32_t>(out.size() - begin - 4));
    store_big(out.data() + begin + 4,
              static_cast<std::uint32_t>(encoding) << 24 | static_cast<std::uint32_t>(header_size));
}

inline void append_frame(std::string& out, protocol::header_encoding encoding, std::int32_t code,
                         const protocol::command_meta& meta, std::string_view remark,
                         const protocol::fields_view& fields, std::string_view body) {
    // A binary code has 16 bits: a larger one would arrive as another code.
    if (code > std::numeric_limits<std::int16_t>::max() || code < std::numeric_limits<std::int16_t>::min() || meta.signer)
        encoding = protocol::header_encoding::json;
    const auto begin = begin_frame(out);
    if (encoding == protocol::header_encoding::json)
        append_json_header(out, code, meta, remark, fields);
    else
        append_binary_header(out, code, meta, remark, fields);
    if (meta.signer)
        meta.signer->sign(out, begin + protocol::frame_prefix_size, body);
    end_frame(out, begin, encoding, body);
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Appends one request frame to `out`, in place: nothing is allocated but by `out` itself, as it grows.
 * @param encoding  A wish: a code beyond 32767 goes out in JSON, and so does a repeated_request, and what is signed.
 */
inline void append_request(std::string& out, header_encoding encoding, const request_view& request,
                           const command_meta& meta, std::string_view body = {}) {
    if (!request.begun().empty()) {
        const auto begin = detail::begin_frame(out);
        detail::append_repeated_header(out, request, meta);
        if (meta.signer)
            meta.signer->sign(out, begin + frame_prefix_size, body);
        return detail::end_frame(out, begin, header_encoding::json, body);
    }
    detail::append_frame(out, encoding, static_cast<std::int32_t>(request.code()), meta, {}, request, body);
}

/// Appends one response frame to `out`. @param opaque  The request's. @param version  What the sender says that it is.
inline void append_response(std::string& out, header_encoding encoding, int code, std::int32_t opaque,
                            std::string_view remark, const fields_view& fields, std::string_view body = {},
                            std::int32_t version = client_version) {
    detail::append_frame(out, encoding, code, {.opaque = opaque, .flag = response_flag, .version = version}, remark,
                         fields, body);
}

inline void append_response(std::string& out, header_encoding encoding, response_code code, std::int32_t opaque,
                            std::string_view remark, const fields_view& fields, std::string_view body = {},
                            std::int32_t version = client_version) {
    append_response(out, encoding, static_cast<int>(code), opaque, remark, fields, body, version);
}

} // namespace rocketpush::protocol

#endif

#ifndef ROCKETPUSH_PROTOCOL_REPEATED_REQUEST_HPP
#define ROCKETPUSH_PROTOCOL_REPEATED_REQUEST_HPP

#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/field_table.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/// A JSON header as far as `append_request` does not write it anew each time: all but the opaque and the fields of `changing`.
inline std::string begin_repeated_header(const protocol::request_view& request,
                                         std::span<const protocol::field_row> changing) {
    const protocol::command_meta meta;
    std::string begun = R"({"code":)";
    append_decimal(begun, static_cast<std::int32_t>(request.code()));
    begun.append(R"(,"flag":)");
    append_decimal(begun, meta.flag);
    begun.append(R"(,"language":")").append(to_string(meta.spoken));
    begun.append(R"(","version":)");
    append_decimal(begun, meta.version);
    begun.append(R"(,"extFields":{)");
    append_json_fields(begun, true, request, changing);
    begun.shrink_to_fit();
    return begun;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief A request that is sent again and again while few of its fields change: the others are written once, as JSON, and
 *        copied into each frame.
 *
 * @tparam Changing  Names some of `Request`'s fields in its table: those that change. Their members are numbers.
 */
template <request_header Request, field_header Changing>
class repeated_request {
    static_assert(std::ranges::all_of(field_rows<Changing>, [](const auto& row) { return row.type->write_digits; }),
                  "what changes are numbers");
    static_assert(std::size(field_rows<Request>) > std::size(field_rows<Changing>), "something stays");

  public:
    explicit repeated_request(const Request& constant)
        : begun_(detail::begin_repeated_header(constant, field_rows<Changing>)) {}

    /// To be sent. Both this and `changing` must outlive the view.
    request_view with(const Changing& changing) const noexcept { return {Request::code, begun_, changing}; }

  private:
    std::string begun_;
};

} // namespace rocketpush::protocol

#endif

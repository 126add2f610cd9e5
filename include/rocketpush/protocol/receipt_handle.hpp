#ifndef ROCKETPUSH_PROTOCOL_RECEIPT_HANDLE_HPP
#define ROCKETPUSH_PROTOCOL_RECEIPT_HANDLE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush::protocol {

/// In which topic a popped message is stored; the digit of receipts and offset lists.
enum class pop_topic : std::uint8_t {
    normal   = 0, ///< The topic that was popped.
    retry_v1 = 1, ///< `%RETRY%group_topic`
    retry_v2 = 2, ///< `%RETRY%group+topic`
};

/// By the name that a message is stored under. @par Source  Java `ExtraInfoUtil.getRetry`.
constexpr pop_topic kind_of_topic(std::string_view stored_topic) noexcept {
    if (!is_retry_topic(stored_topic))
        return pop_topic::normal;
    return stored_topic.find('+') != stored_topic.npos ? pop_topic::retry_v2 : pop_topic::retry_v1;
}

/// The name that messages of a kind are stored under. @par Source  Java `KeyBuilder`.
inline std::string real_topic(pop_topic kind, std::string_view group, std::string_view topic) {
    if (kind == pop_topic::normal)
        return std::string(topic);
    return retry_topic(group).append(kind == pop_topic::retry_v2 ? "+" : "_").append(topic);
}

/// Of a receipt: its message was popped in order.
inline constexpr std::int32_t orderly_revive_queue = 999;

/**
 * @brief What acknowledges one popped message: `1 1795372672059 60000 2 0 broker-a 3 1`.
 * @par Source  Java `ExtraInfoUtil`.
 */
struct receipt_handle {
    std::int64_t start_offset = 0; ///< Smallest offset of that pop in the queue: names the check point at the broker.
    std::int64_t pop_time     = 0; ///< ms since 1970, the broker's clock.
    std::int64_t invisible_millis = 0;
    std::int32_t revive_queue_id  = 0;
    pop_topic topic               = pop_topic::normal;
    std::string_view broker_name{}; ///< A view: of what was parsed, or of the name that the receipt was made with.
    std::int32_t queue_id     = 0;
    std::int64_t queue_offset = -1; ///< -1: the receipt of a very old broker, without an offset.

    /// When the message comes again if nothing is done; ms since 1970, the broker's clock.
    std::int64_t deadline() const noexcept {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(pop_time) +
                                         static_cast<std::uint64_t>(invisible_millis));
    }
    bool is_orderly() const noexcept { return revive_queue_id == orderly_revive_queue; }

    friend bool operator==(const receipt_handle&, const receipt_handle&) = default;
};

} // namespace rocketpush::protocol

namespace rocketpush::detail {

/// Takes what stands before the next `separator`, and that too; all if there is none.
constexpr std::string_view take_token(std::string_view& rest, char separator) noexcept {
    const auto end   = std::min(rest.find(separator), rest.size());
    const auto token = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return token;
}

/// Whether the whole text is a number that is not negative and fits.
template <std::integral T>
bool read_natural(std::string_view text, T& number) noexcept {
    const auto* end          = text.data() + text.size();
    const auto [stopped, ec] = std::from_chars(text.data(), end, number);
    return ec == std::errc() && stopped == end && number >= 0;
}

inline bool read_pop_topic(std::string_view text, protocol::pop_topic& kind) noexcept {
    if (text.size() != 1 || text[0] < '0' || text[0] > '2')
        return false;
    kind = static_cast<protocol::pop_topic>(text[0] - '0');
    return true;
}

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Reads a receipt of eight words, or of seven: without the last one.
 * @retval error::header_malformed  Another number of words, or one that is no number where one must be.
 */
inline result<receipt_handle> parse_receipt(std::string_view text) {
    using namespace rocketpush::detail;
    receipt_handle receipt;
    auto rest       = text;
    const auto word = [&rest] { return take_token(rest, ' '); };
    const bool good = read_natural(word(), receipt.start_offset) && read_natural(word(), receipt.pop_time) &&
                      read_natural(word(), receipt.invisible_millis) && read_natural(word(), receipt.revive_queue_id) &&
                      read_pop_topic(word(), receipt.topic) && !(receipt.broker_name = word()).empty() &&
                      read_natural(word(), receipt.queue_id) &&
                      (rest.empty() || (read_natural(word(), receipt.queue_offset) && rest.empty()));
    if (!good || text.ends_with(' '))
        return error::header_malformed;
    return receipt;
}

inline void append_receipt(std::string& out, const receipt_handle& receipt) {
    const auto number = [&out](std::int64_t value, char behind) {
        char digits[rocketpush::detail::most_digits];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
        if (behind)
            out.push_back(behind);
    };
    number(receipt.start_offset, ' ');
    number(receipt.pop_time, ' ');
    number(receipt.invisible_millis, ' ');
    number(receipt.revive_queue_id, ' ');
    number(static_cast<int>(receipt.topic), ' ');
    out.append(receipt.broker_name).push_back(' ');
    number(receipt.queue_id, '\0');
    if (receipt.queue_offset >= 0) {
        out.push_back(' ');
        number(receipt.queue_offset, '\0');
    }
}

inline std::string to_string(const receipt_handle& receipt) {
    std::string text;
    append_receipt(text, receipt);
    return text;
}

/// The receipt that a message has after its invisible time was changed; the one before does nothing any more.
/// (An orderly one's check point stays.)
inline receipt_handle changed_receipt(receipt_handle before, const change_invisible_time_response& answer) noexcept {
    if (!before.is_orderly())
        before.start_offset = before.queue_offset;
    before.pop_time         = answer.pop_time;
    before.invisible_millis = answer.invisible_millis;
    before.revive_queue_id  = answer.revive_queue_id;
    return before;
}

} // namespace rocketpush::protocol

#endif

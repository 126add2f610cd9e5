#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_ID_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_ID_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/hex.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace rocketpush::protocol {

/**
 * @brief Names a stored message by where it is stored; SEND answers it, VIEW_MESSAGE and direct consumption want it.
 * @par Source  Java `MessageId`.
 */
struct offset_message_id {
    host_address store_host;
    std::int64_t commit_log_offset = 0;

    friend bool operator==(const offset_message_id&, const offset_message_id&) = default;
};

/// `7F00000100002A9F0000000000000000` is offset 0 at 127.0.0.1:10911.
inline std::string to_string(const offset_message_id& id) {
    std::string bytes;
    id.store_host.append_to(bytes);
    char offset[8];
    detail::store_big(offset, id.commit_log_offset);
    bytes.append(offset, sizeof offset);

    std::string text;
    text.reserve(2 * bytes.size());
    detail::append_hex(text, bytes);
    return text;
}

/**
 * @brief The other way, for what `to_string` or Java `MessageDecoder.createMessageId` wrote.
 * @retval error::header_malformed  not 32 or 56 hex digits.
 */
inline result<offset_message_id> parse_offset_message_id(std::string_view text) noexcept {
    char bytes[28];
    const bool v6 = text.size() == 56;
    if ((!v6 && text.size() != 32) || !detail::parse_hex(text, bytes))
        return error::header_malformed;
    return offset_message_id{host_address::read(bytes, v6), detail::load_big<std::int64_t>(bytes + (v6 ? 20 : 8))};
}

/**
 * @brief Makes the unique keys (property UNIQ_KEY) of a producer's messages: 32 hex digits, 56 with an IPv6 address.
 *
 * address | process id (2) | process number (4) | ms since the month began (4) | counter (2). Java's tools read the
 * address, the process and the time of birth out of it, so the layout is kept to the byte; the month is that of the
 * local time zone, as there.
 *
 * @par Thread safety  None.
 * @par Source         Java `MessageClientIDSetter.createUniqID`.
 */
class unique_id_generator {
  public:
    /**
     * @param address         4 or 16 bytes of an address of this machine; its port is not used.
     * @param process_id      Its low 16 bits count.
     * @param process_number  Tells apart processes that share the other two (containers do): random, from Runtime.
     */
    unique_id_generator(const host_address& address, std::uint64_t process_id, std::uint32_t process_number) {
        char numbers[6];
        detail::store_big(numbers, static_cast<std::uint16_t>(process_id));
        detail::store_big(numbers + 2, process_number);
        detail::append_hex(prefix_, address.address_bytes());
        detail::append_hex(prefix_, {numbers, sizeof numbers});
    }

    /// @param now  From Runtime; need not rise.
    std::string next(std::chrono::system_clock::time_point now) {
        if (now >= next_month_)
            find_month(now);
        std::string id;
        id.reserve(prefix_.size() + 2 * tail_size);
        append_id(id, now, counter_++);
        return id;
    }

    /**
     * @brief Appends the id of a moment, with a count that the caller keeps. The month is that of the last `next`.
     * @par Thread safety  From any thread, if `next` is called no more.
     */
    void append_id(std::string& out, std::chrono::system_clock::time_point when, std::uint16_t count) const {
        char tail[tail_size];
        detail::store_big(tail, milliseconds_into_month(when));
        detail::store_big(tail + 4, count);
        out += prefix_;
        detail::append_hex(out, {tail, sizeof tail});
    }

  private:
    static constexpr std::size_t tail_size = 6;

    std::int32_t milliseconds_into_month(std::chrono::system_clock::time_point now) const noexcept {
        const auto past = std::chrono::floor<std::chrono::milliseconds>(now - month_).count();
        // A clock set back over the month's begin, but by less than a quarter of an hour: as Java does.
        return past < 0 && past > -1'000'000 ? 0 : static_cast<std::int32_t>(past);
    }

    void find_month(std::chrono::system_clock::time_point now) {
        const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
        std::tm local{};
#ifdef _WIN32
        ::localtime_s(&local, &seconds);
#else
        ::localtime_r(&seconds, &local);
#endif
        std::tm first{};
        first.tm_year  = local.tm_year;
        first.tm_mon   = local.tm_mon;
        first.tm_mday  = 1;
        first.tm_isdst = -1; // the zone's rules say whether it is summer time then
        auto following = first;
        ++following.tm_mon;
        month_      = std::chrono::system_clock::from_time_t(std::mktime(&first));
        next_month_ = std::chrono::system_clock::from_time_t(std::mktime(&following));
    }

    std::string prefix_; ///< In hex already.
    std::chrono::system_clock::time_point month_      = std::chrono::system_clock::time_point::min();
    std::chrono::system_clock::time_point next_month_ = std::chrono::system_clock::time_point::min();
    std::uint16_t counter_                            = 0;
};

} // namespace rocketpush::protocol

#endif

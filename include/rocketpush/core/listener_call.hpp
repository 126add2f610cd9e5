#ifndef ROCKETPUSH_CORE_LISTENER_CALL_HPP
#define ROCKETPUSH_CORE_LISTENER_CALL_HPP

#include <rocketpush/core/message.hpp>

#include <chrono>
#include <cstdint>

namespace rocketpush {

/// How a listener call ended. @par Source Java `ConsumeReturnType`, with its numbers.
enum class call_outcome : std::uint8_t {
    succeeded = 0,
    timed_out = 1, ///< Whatever was answered, it came after `options::consume_timeout`.
    threw     = 2,
    failed    = 4 ///< The messages come again. (3 is Java's for a listener that returns null.)
};

/// One call of the listener, from its begin to its end: the same number in both events.
struct listener_call {
    std::uint64_t number = 0; ///< Of this consumer's calls no other has it. Made of when the call began and a count.
    message_time ended{};     ///< Once it has ended.
    call_outcome outcome = call_outcome::succeeded; ///< Once it has ended.
    bool success         = true;                    ///< What was answered, however late.

    /// By the system clock.
    message_time began() const noexcept {
        return message_time(std::chrono::milliseconds(static_cast<std::int64_t>(number >> count_bits)));
    }
    /// Tells apart calls that began in one millisecond.
    std::uint16_t count() const noexcept { return static_cast<std::uint16_t>(number); }

    static std::uint64_t make_number(message_time began, std::uint16_t count) noexcept {
        return static_cast<std::uint64_t>(began.time_since_epoch().count()) << count_bits | count;
    }

  private:
    static constexpr int count_bits = 16;
};

} // namespace rocketpush

#endif

#ifndef ROCKETPUSH_REMOTING_BACKOFF_HPP
#define ROCKETPUSH_REMOTING_BACKOFF_HPP

#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <system_error>

namespace rocketpush {

/**
 * @brief How long to wait before the next attempt: doubles with each failure, and is spread by up to half so that
 *        members that lost the same broker do not come back in one wave.
 *
 * 50 ms, 100 ms, 200 ms ... 2 s by default, each times 0.5 to 1.0.
 */
class backoff {
  public:
    using milliseconds = std::chrono::milliseconds;

    constexpr explicit backoff(milliseconds first = milliseconds(50), milliseconds most = milliseconds(2000)) noexcept
        : first_(first), most_(most), next_(first) {}

    /// @param random  Any random number; decides the spread.
    constexpr milliseconds failed(std::uint64_t random) noexcept {
        const auto full = next_;
        next_           = std::min(next_ * 2, most_);
        const auto half = static_cast<std::uint64_t>(full.count() / 2);
        return full - milliseconds(static_cast<std::int64_t>(half ? random % (half + 1) : 0));
    }
    constexpr void succeeded() noexcept { next_ = first_; }

  private:
    milliseconds first_;
    milliseconds most_;
    milliseconds next_;
};

/// Nothing that a server has denied for lack of permission is tried again sooner: only people can help.
inline constexpr std::chrono::milliseconds denied_delay{1000};

/// How long to wait after a failure. @param usual  After one of another kind.
inline std::chrono::milliseconds delay_after(std::error_code failure, std::chrono::milliseconds usual) noexcept {
    return failure == response_code::no_permission ? std::max(usual, denied_delay) : usual;
}

} // namespace rocketpush

#endif

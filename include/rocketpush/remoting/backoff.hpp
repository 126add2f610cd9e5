#ifndef ROCKETPUSH_REMOTING_BACKOFF_HPP
#define ROCKETPUSH_REMOTING_BACKOFF_HPP

#include <algorithm>
#include <chrono>
#include <cstdint>

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

} // namespace rocketpush

#endif

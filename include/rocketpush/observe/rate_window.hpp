#ifndef ROCKETPUSH_OBSERVE_RATE_WINDOW_HPP
#define ROCKETPUSH_OBSERVE_RATE_WINDOW_HPP

#include <rocketpush/observe/statistics.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace rocketpush {

/// Of what was done, the sums that windows are kept of.
struct rate_sums {
    std::uint64_t pulls = 0, pulled = 0, calls = 0, succeeded = 0, failed = 0;
    std::chrono::nanoseconds pull_time{0}, consume_time{0};

    rate_sums() = default;
    explicit rate_sums(const work_counts& counts) noexcept
        : pulls(counts.pulls),
          pulled(counts.pulled),
          calls(counts.calls),
          succeeded(counts.succeeded),
          failed(counts.failed),
          pull_time(counts.pull_time),
          consume_time(counts.consume_time) {}

    rate_sums& operator+=(const rate_sums& more) noexcept {
        pulls += more.pulls, pulled += more.pulled, calls += more.calls;
        succeeded += more.succeeded, failed += more.failed;
        pull_time += more.pull_time, consume_time += more.consume_time;
        return *this;
    }
};

/**
 * @brief Sums of the last while: samples of them at intervals, of which the newest are kept.
 *
 * With a sample every 10 s and seven kept, what is read is that of the last 60 to 70 s.
 *
 * @par Source  Java `StatsItem`. Differs: read up to now, not to the newest sample.
 */
template <std::size_t Kept>
class rate_window {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    void sample(time_point now, const rate_sums& sums) noexcept {
        std::ranges::rotate(samples_, samples_.begin() + 1);
        samples_.back() = {now, sums};
        filled_         = std::min(filled_ + 1, Kept);
    }

    /// From the oldest kept sample to `sums` of `now`; nothing without a sample.
    window_statistics up_to(time_point now, const rate_sums& sums) const noexcept {
        if (filled_ == 0)
            return {};
        const auto& oldest = samples_[Kept - filled_];
        window_statistics found{.length    = std::chrono::duration_cast<std::chrono::milliseconds>(now - oldest.at),
                                .pulls     = sums.pulls - oldest.sums.pulls,
                                .pulled    = sums.pulled - oldest.sums.pulled,
                                .calls     = sums.calls - oldest.sums.calls,
                                .succeeded = sums.succeeded - oldest.sums.succeeded,
                                .failed    = sums.failed - oldest.sums.failed};
        found.pull_milliseconds    = mean(sums.pull_time - oldest.sums.pull_time, found.pulls);
        found.consume_milliseconds = mean(sums.consume_time - oldest.sums.consume_time, found.calls);
        const auto seconds         = std::chrono::duration<double>(now - oldest.at).count();
        const auto rate = [seconds](std::uint64_t of) { return seconds > 0 ? static_cast<double>(of) / seconds : 0; };
        found.pulls_per_second    = rate(found.pulls);
        found.pulled_per_second   = rate(found.pulled);
        found.consumed_per_second = rate(found.succeeded);
        found.failed_per_second   = rate(found.failed);
        return found;
    }

  private:
    struct taken {
        time_point at{};
        rate_sums sums;
    };

    static double mean(std::chrono::nanoseconds sum, std::uint64_t of) noexcept {
        return of == 0 ? 0 : std::chrono::duration<double, std::milli>(sum).count() / static_cast<double>(of);
    }

    std::array<taken, Kept> samples_{};
    std::size_t filled_ = 0;
};

} // namespace rocketpush

#endif

#ifndef ROCKETPUSH_DEMO_NEWS_HPP
#define ROCKETPUSH_DEMO_NEWS_HPP

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// What happened, with its time since the begin. @par Thread safety  All from any thread.
class news {
  public:
    void tell(std::string_view what) {
        const std::chrono::duration<double> since = std::chrono::steady_clock::now() - began_;
        const std::lock_guard lock(mutex_);
        lines_.push_back(fmt::format("{:5.1f} s  {}", since.count(), what));
    }
    /// The lines from number `first` on.
    std::vector<std::string> from(std::size_t first) const {
        const std::lock_guard lock(mutex_);
        return {lines_.begin() + static_cast<std::ptrdiff_t>(std::min(first, lines_.size())), lines_.end()};
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return lines_.size();
    }

  private:
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

} // namespace demo

#endif

#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_TALLY_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_TALLY_HPP

#include <rocketpush/core/message.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace rocketpush::test {

/**
 * @brief Counts what listeners in several threads get, and lets the test wait for it.
 * @par Thread safety  All.
 */
class tally {
  public:
    void note(const message_view& message) {
        const std::lock_guard lock(mutex_);
        ++counts_[std::string(message.body())];
        ++sum_;
        changed_.notify_all();
    }

    /// @return Whether so many had come within half a minute.
    bool wait_for(std::size_t count) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return sum_ >= count; });
    }

    std::size_t sum() const {
        const std::lock_guard lock(mutex_);
        return sum_;
    }
    std::map<std::string, int> counts() const {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::map<std::string, int> counts_;
    std::size_t sum_ = 0;
};

} // namespace rocketpush::test

#endif

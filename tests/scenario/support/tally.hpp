#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_TALLY_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_TALLY_HPP

#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>

#include <algorithm>
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

    /// One that notes what it gets, and is content with it; it must not outlive this.
    auto listener() {
        return [this](const message_view& message) {
            note(message);
            return consume_result::success;
        };
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
    /// Whether `count` different bodies came, none of them twice.
    bool each_once(std::size_t count) const {
        const std::lock_guard lock(mutex_);
        return counts_.size() == count && std::ranges::all_of(counts_, [](const auto& each) { return each.second == 1; });
    }

  private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::map<std::string, int> counts_;
    std::size_t sum_ = 0;
};

} // namespace rocketpush::test

#endif

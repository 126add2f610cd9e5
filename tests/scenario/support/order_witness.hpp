#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_ORDER_WITNESS_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_ORDER_WITNESS_HPP

#include <rocketpush/core/message.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace rocketpush::test {

/**
 * @brief Sees every listener call of all members of a group, and whether the group keeps its word: one call at a time in
 *        a queue, and offsets that never go back but to be repeated from where they were left.
 * @par Thread safety  All.
 */
class order_witness {
  public:
    void begin(const message_view& message) {
        const std::lock_guard lock(mutex_);
        const auto queue = name(message);
        overlaps_ += !running_.insert(queue).second;
        ++calls_;
        ++times_[{queue, message.queue_offset()}];
        auto& done = done_[queue];
        gaps_ += message.queue_offset() > done;
        repeats_ += message.queue_offset() < done;
    }
    void end(const message_view& message, bool good = true) {
        const std::lock_guard lock(mutex_);
        const auto queue = name(message);
        running_.erase(queue);
        if (good && message.queue_offset() >= done_[queue])
            done_[queue] = message.queue_offset() + 1;
    }

    /// Calls that began while another one of the queue ran.
    std::size_t overlaps() const { return get(overlaps_); }
    /// Calls for a message before the one in front of it was consumed.
    std::size_t gaps() const { return get(gaps_); }
    /// Calls for messages that had been consumed.
    std::size_t repeats() const { return get(repeats_); }
    std::size_t calls() const { return get(calls_); }
    /// Different messages.
    std::size_t distinct() const {
        const std::lock_guard lock(mutex_);
        return times_.size();
    }

  private:
    static std::string name(const message_view& message) {
        return std::string(message.stored_topic()) + '/' + std::to_string(message.queue_id());
    }
    std::size_t get(const std::size_t& figure) const {
        const std::lock_guard lock(mutex_);
        return figure;
    }

    mutable std::mutex mutex_;
    std::set<std::string> running_;
    std::map<std::string, queue_offset> done_; ///< The next offset of each queue.
    std::map<std::pair<std::string, queue_offset>, int> times_;
    std::size_t overlaps_ = 0, gaps_ = 0, repeats_ = 0, calls_ = 0;
};

} // namespace rocketpush::test

#endif

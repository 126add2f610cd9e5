#ifndef ROCKETPUSH_TESTS_LIFECYCLE_LEDGER_HPP
#define ROCKETPUSH_TESTS_LIFECYCLE_LEDGER_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::lifecycle {

/// A promise was broken.
struct violation {
    std::string what;
};

/**
 * @brief What became of every message of a topic, and what may not be. Messages are numbered in the order in which they are sent; the
 *        number is the body.
 *
 * A message is settled, so that an offset may pass it, when a listener was successful or the broker confirmed that it took it back.
 */
class ledger {
  public:
    using number = std::size_t;

    static number number_of(const message_view& message) {
        const auto body = message.body();
        number which    = 0;
        std::from_chars(body.data(), body.data() + body.size(), which);
        return which;
    }

    /// The next one is stored there.
    void sent(std::int32_t queue, queue_offset offset) {
        auto& numbers = queues_[queue];
        if (offset != static_cast<queue_offset>(numbers.size()))
            broken(fmt::format("queue {} has an offset {} behind {} messages", queue, offset, numbers.size()));
        numbers.push_back(all_.size());
        all_.push_back({});
    }

    /// A listener call begins.
    void begun(number which) {
        if (closed_)
            broken(fmt::format("message {} came to the listener of a consumer that had stopped", which));
        auto& one = all_.at(which);
        if (one.done && !may_repeat_)
            broken(fmt::format("message {} came twice, though every stop was clean", which));
        ++begun_;
        if (const auto then = std::exchange(next_call_, nullptr))
            then();
    }
    void succeeded(number which) {
        auto& one   = all_.at(which);
        one.settled = true;
        done_ += !std::exchange(one.done, true);
    }
    void sent_back(number which) { all_.at(which).settled = true; }

    /// What the group has committed in a queue.
    void committed(std::int32_t queue, queue_offset offset) {
        const auto& numbers = queues_[queue];
        auto& checked       = checked_[queue];
        if (offset > static_cast<queue_offset>(numbers.size()))
            broken(fmt::format("queue {} is committed at {}, and has {} messages", queue, offset, numbers.size()));
        for (; checked < offset && checked < static_cast<queue_offset>(numbers.size()); ++checked)
            if (const auto which = numbers[static_cast<std::size_t>(checked)]; !all_[which].settled)
                broken(fmt::format("queue {} is committed at {}, past message {}, which nobody has consumed", queue, offset, which));
    }

    /// From now on no listener call may begin, or it may again.
    void close() noexcept { closed_ = true; }
    void open() noexcept { closed_ = false; }
    /// What was consumed may come again: a consumer was not given the time to commit.
    void allow_repeats(bool may) noexcept { may_repeat_ = may; }
    /// The next listener call does this first; nothing: it does not.
    void at_next_call(std::function<void()> then) { next_call_ = std::move(then); }

    std::size_t size() const noexcept { return all_.size(); }
    std::size_t size(std::int32_t queue) const { return queues_.at(queue).size(); }
    std::size_t done() const noexcept { return done_; }
    std::size_t calls() const noexcept { return begun_; }
    bool is_done(number which) const { return all_.at(which).done; }

    /// The first thing that was wrong; empty: nothing was.
    const std::string& problem() const noexcept { return problem_; }
    /// @throw violation
    void check() const {
        if (!problem_.empty())
            throw violation{problem_};
    }

  private:
    struct entry {
        bool done    = false;
        bool settled = false;
    };

    /// Not thrown here: the consumer would take it for an exception of its listener.
    void broken(std::string what) {
        if (problem_.empty())
            problem_ = std::move(what);
    }

    std::vector<entry> all_;
    std::map<std::int32_t, std::vector<number>> queues_;
    std::map<std::int32_t, queue_offset> checked_; ///< All before it were settled when an offset passed them.
    std::function<void()> next_call_;
    std::size_t done_ = 0, begun_ = 0;
    bool closed_ = false, may_repeat_ = false;
    std::string problem_;
};

} // namespace rocketpush::lifecycle

#endif

#ifndef ROCKETPUSH_FETCH_MEMORY_BUDGET_HPP
#define ROCKETPUSH_FETCH_MEMORY_BUDGET_HPP

#include <rocketpush/detail/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace rocketpush {

/// What a consumer holds of messages at a moment, bytes.
struct memory_use {
    std::size_t held = 0; ///< Of all memory that counts.
    std::size_t own  = 0; ///< Of it, messages of this consumer; without any of them nobody would make room.
};

/**
 * @brief One budget of bytes for all queues of a consumer, and the line of those that wait for room.
 *
 * While there is room a queue pulls as it likes. An answer that comes when the budget is used up is not kept, and its queue
 * stands in line with what it needs; nobody passes the line. The first in it is let in when there is room for what it needs,
 * which is set aside until its answer has come. So each gets its turn, and nothing is ever held beyond the budget but the
 * answer that a connection is reading.
 *
 * A consumer that holds nothing always lets one in, whatever that needs: a budget smaller than an answer makes it slow, not dead.
 *
 * An answer to a pop is kept whatever it holds, since its messages would count as tried: so popping goes beyond the budget by what
 * polls bring that brokers held when it was used up.
 *
 * A value: it is told what is held, and knows no memory. `Queue` is a shared pointer to what has `dropped`, `in_memory_line` and
 * `memory_set_aside`.
 *
 * @par Thread safety  None; on the strand.
 */
template <class Queue>
class memory_budget {
  public:
    /// @param limit  Bytes. @param answer  Bytes that a queue needs that does not know better.
    memory_budget(std::size_t limit, std::size_t answer) noexcept : limit_(limit), answer_(answer) {}

    std::size_t limit() const noexcept { return limit_; }
    void limit(std::size_t bytes) noexcept { limit_ = bytes; }

    /// Whether a queue that was not let in may pull.
    bool open(memory_use use) const noexcept {
        return line_.empty() && (use.held + set_aside_ < limit_ || (use.own == 0 && set_aside_ == 0));
    }

    /// Whether an answer may be kept. @param use  With the answer in `held`, and without it in `own`.
    bool fits(memory_use use) const noexcept { return use.held <= limit_ || use.own == 0; }

    bool waiting() const noexcept { return !line_.empty(); }

    /**
     * @brief Stands in line.
     * @param need   Bytes that its answer had; 0: it does not know.
     * @param ahead  It has had its turn, and what was set aside was not enough.
     */
    void enter(const Queue& queue, std::size_t need, bool ahead = false) {
        if (queue->in_memory_line)
            return;
        queue->in_memory_line = true;
        const place taken{queue, std::min(need != 0 ? need : answer_, limit_)};
        if (ahead)
            line_.push_front(taken);
        else
            line_.push_back(taken);
    }

    /// The next one that may pull now; what it needs is set aside.
    std::optional<Queue> let_in(memory_use use) {
        while (!line_.empty() && line_.front().queue->dropped)
            leave();
        if (line_.empty())
            return std::nullopt;
        const auto need    = line_.front().need;
        const bool is_room = use.held + set_aside_ + need <= limit_;
        if (!is_room && (use.own != 0 || set_aside_ != 0))
            return std::nullopt;
        auto first              = leave();
        first->memory_set_aside = need;
        set_aside_ += need;
        return first;
    }

    /// It has its answer, or does not pull after all.
    template <class Each>
    void take_back(Each& queue) noexcept {
        ROCKETPUSH_ASSERT(queue.memory_set_aside <= set_aside_, "what is taken back was set aside");
        set_aside_ -= std::exchange(queue.memory_set_aside, 0);
    }

  private:
    struct place {
        Queue queue;
        std::size_t need;
    };

    Queue leave() {
        auto first = std::move(line_.front().queue);
        line_.pop_front();
        first->in_memory_line = false;
        return first;
    }

    std::size_t limit_;
    std::size_t answer_;
    std::size_t set_aside_ = 0;
    std::deque<place> line_;
};

} // namespace rocketpush

#endif

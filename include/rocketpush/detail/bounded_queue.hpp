#ifndef ROCKETPUSH_DETAIL_BOUNDED_QUEUE_HPP
#define ROCKETPUSH_DETAIL_BOUNDED_QUEUE_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace rocketpush::detail {

/**
 * @brief A queue of a fixed number of places, filled by any thread and emptied by one, which never makes a filler wait: when it
 *        is full, it says so.
 *
 * Places are filled and read where they are, so what they own (the memory of strings) is used again.
 *
 * @tparam T  Default constructible; `push` finds in a place what the last one left there.
 * @par Thread safety  `push` and `size` from any thread; `pop` from one at a time.
 * @par Source  The bounded queue of Dmitry Vyukov: a sequence number in each place says whose turn it is.
 */
template <class T>
class bounded_queue {
  public:
    /// @param capacity  Becomes the next power of two.
    explicit bounded_queue(std::size_t capacity)
        : mask_(std::bit_ceil(capacity) - 1), places_(std::make_unique<place[]>(mask_ + 1)) {
        for (std::size_t i = 0; i <= mask_; ++i)
            places_[i].turn.store(i, std::memory_order_relaxed);
    }

    std::size_t capacity() const noexcept { return mask_ + 1; }
    /// About how many there are; those that are just being filled count.
    std::size_t size() const noexcept {
        const auto taken = taken_.load(std::memory_order_relaxed);
        const auto given = given_.load(std::memory_order_relaxed);
        return given - taken <= capacity() ? given - taken : 0;
    }

    /// @param fill  Is given the place. What it throws is for the caller, and leaves an empty T in the queue.
    /// @return False: the queue is full, `fill` was not called.
    template <class Fill>
    bool push(Fill&& fill) {
        auto turn = given_.load(std::memory_order_relaxed);
        for (;;) {
            const auto free = places_[turn & mask_].turn.load(std::memory_order_acquire);
            if (free == turn) {
                if (given_.compare_exchange_weak(turn, turn + 1, std::memory_order_relaxed))
                    break;
            } else if (free < turn) {
                return false;
            } else {
                turn = given_.load(std::memory_order_relaxed);
            }
        }
        auto& mine = places_[turn & mask_];
        try {
            fill(mine.value);
        } catch (...) {
            mine.value = T(); // or whoever empties the queue would wait for it for ever
            mine.turn.store(turn + 1, std::memory_order_release);
            throw;
        }
        mine.turn.store(turn + 1, std::memory_order_release);
        return true;
    }

    /// @param take  Is given the oldest. @return False: there is none, or the oldest is still being filled.
    template <class Take>
    bool pop(Take&& take) {
        const auto turn = taken_.load(std::memory_order_relaxed);
        auto& oldest    = places_[turn & mask_];
        if (oldest.turn.load(std::memory_order_acquire) != turn + 1)
            return false;
        take(oldest.value);
        taken_.store(turn + 1, std::memory_order_relaxed);
        oldest.turn.store(turn + mask_ + 1, std::memory_order_release);
        return true;
    }

  private:
    struct place {
        std::atomic<std::size_t> turn{0};
        T value{};
    };

    const std::size_t mask_;
    const std::unique_ptr<place[]> places_;
    alignas(64) std::atomic<std::size_t> given_{0}; // each on a line of its own: threads fill while one empties
    alignas(64) std::atomic<std::size_t> taken_{0};
};

} // namespace rocketpush::detail

#endif

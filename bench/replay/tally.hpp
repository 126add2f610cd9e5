#ifndef BENCH_REPLAY_TALLY_HPP
#define BENCH_REPLAY_TALLY_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace bench {

/**
 * @brief What listeners saw, counted by each thread for itself: a counter that all share would cost more than the
 *        consumer.
 */
class tally {
  public:
    static void add(std::uint64_t messages, std::uint64_t bytes) {
        if (!mine_) [[unlikely]]
            mine_ = &take();
        bump(mine_->messages, messages);
        bump(mine_->bytes, bytes);
    }

    struct sums {
        std::uint64_t messages = 0, bytes = 0;
    };
    /// Of all threads since the program began.
    static sums total() noexcept {
        sums all;
        const auto used = used_.load();
        for (std::size_t i = 0; i < used; ++i) {
            all.messages += slots_[i].messages.load(std::memory_order_acquire);
            all.bytes += slots_[i].bytes.load(std::memory_order_acquire);
        }
        return all;
    }

  private:
    struct alignas(64) slot {
        std::atomic<std::uint64_t> messages, bytes;
    };

    static void bump(std::atomic<std::uint64_t>& number, std::uint64_t by) noexcept {
        number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_release); // one writer: no lock
    }
    static slot& take() {
        const auto index = used_.fetch_add(1);
        if (index >= most_threads)
            throw std::runtime_error("more threads than a replay has");
        return slots_[index];
    }

    static constexpr std::size_t most_threads = 2048; ///< Over all cases that one process runs.
    static inline slot slots_[most_threads];
    static inline std::atomic<std::size_t> used_{0};
    static inline thread_local constinit slot* mine_ = nullptr;
};

} // namespace bench

#endif

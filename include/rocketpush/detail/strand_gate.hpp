#ifndef ROCKETPUSH_DETAIL_STRAND_GATE_HPP
#define ROCKETPUSH_DETAIL_STRAND_GATE_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief How other threads reach the strand, until it is shut: afterwards nothing is posted any more, so a listener call that
 *        outlives its consumer (stop() has a deadline) never touches an executor whose context may be gone.
 *
 * @par Thread safety  `post` from any thread, `shut` from one.
 */
template <class Executor>
class strand_gate {
  public:
    explicit strand_gate(const Executor& executor) : executor_(executor) {}

    /// Runs `what` on the strand later. False: the gate is shut, `what` is dropped.
    template <class F>
    bool post(F&& what) {
        state_.fetch_add(1, std::memory_order_acquire);
        const bool open = (state_.load(std::memory_order_acquire) & shut_bit) == 0;
        if (open)
            asio::post(executor_, std::forward<F>(what));
        state_.fetch_sub(1, std::memory_order_release);
        return open;
    }

    /// After this returns nothing is posted, and no post is under way.
    void shut() noexcept {
        state_.fetch_or(shut_bit, std::memory_order_acq_rel);
        while ((state_.load(std::memory_order_acquire) & ~shut_bit) != 0)
            std::this_thread::yield();
    }

  private:
    static constexpr std::uint32_t shut_bit = 1u << 31;

    Executor executor_;
    std::atomic<std::uint32_t> state_{0}; ///< Posts under way, and whether it is shut.
};

} // namespace rocketpush::detail

#endif

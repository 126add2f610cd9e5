#ifndef ROCKETPUSH_RUNTIME_ASIO_RUNTIME_HPP
#define ROCKETPUSH_RUNTIME_ASIO_RUNTIME_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/context_thread.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <unistd.h> // getentropy
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace rocketpush {

/**
 * @brief Real time on Asio: a thread of its own, or the executor that it is given.
 *
 * The executor must not run two handlers at once: that of an io_context which one thread runs, or a strand.
 *
 * @tparam Executor  `asio::io_context::executor_type` (asio_runtime), `asio::strand<...>` (strand_runtime), ...
 * @par Thread safety  All from any thread; a timer on the executor only.
 */
template <class Executor>
class basic_asio_runtime {
  public:
    using executor_type = Executor;

    /// Asio's timer on this executor. Neither copied nor moved.
    class timer : public detail::steady_timer<Executor> {
      public:
        explicit timer(const basic_asio_runtime& runtime) : detail::steady_timer<Executor>(runtime.get_executor()) {}
    };

    /// With a thread of its own, which start() begins.
    basic_asio_runtime()
        requires std::constructible_from<Executor, asio::io_context::executor_type>
        : state_(std::make_shared<state>()) {}

    /// On the caller's executor, whose context has to outlive all copies.
    explicit basic_asio_runtime(const Executor& executor) : state_(std::make_shared<state>(executor)) {}

    /// On a strand of its own, for contexts that several threads run.
    template <class Inner>
        requires(!std::same_as<Inner, Executor> && !std::same_as<Inner, basic_asio_runtime> &&
                 detail::asio_executor_type<Inner> && std::constructible_from<Executor, const Inner&>)
    explicit basic_asio_runtime(const Inner& inner) : basic_asio_runtime(Executor(inner)) {}

    executor_type get_executor() const noexcept { return state_->executor; }

    std::chrono::steady_clock::time_point now() const noexcept { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point system_now() const noexcept { return std::chrono::system_clock::now(); }

    /// Not for secrets: jitter, ids, choices.
    std::uint64_t random() const noexcept {
        // splitmix64 (Steele, Lea, Flood 2014): a counter and a mix of its bits, so that threads need no lock.
        auto bits = state_->seed.fetch_add(0x9E3779B97F4A7C15, std::memory_order_relaxed);
        bits      = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits      = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31);
    }

    bool owns_thread() const noexcept { return state_->thread.has_value(); }

    /// False also where the executor does not know.
    bool running_in_this_thread() const noexcept {
        if constexpr (detail::knows_its_threads<Executor>)
            return state_->executor.running_in_this_thread();
        else
            return false;
    }

    void start() {
        if (state_->thread)
            state_->thread->start();
    }

    bool join(std::chrono::milliseconds limit) { return !state_->thread || state_->thread->join(limit); }

  private:
    struct state {
        state()
            requires std::constructible_from<Executor, asio::io_context::executor_type>
            : thread(std::in_place), executor(thread->context().get_executor()) {}
        explicit state(const Executor& given) : executor(given) {}

        std::optional<detail::context_thread> thread;
        Executor executor;
        std::atomic<std::uint64_t> seed = new_seed();
    };

    static std::uint64_t new_seed() {
        std::uint64_t seed = 0;
        if (::getentropy(&seed, sizeof seed) != 0) // not std::random_device: <random> is slow to compile
            seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
        return seed;
    }

    std::shared_ptr<state> state_;
};

template <class Executor>
    requires detail::asio_executor_type<Executor>
basic_asio_runtime(Executor) -> basic_asio_runtime<Executor>;

/// The default: an io_context of its own with one thread, or one that the user runs in one thread.
using asio_runtime = basic_asio_runtime<asio::io_context::executor_type>;

/// A strand on an io_context that several threads run: `strand_runtime{context.get_executor()}`.
using strand_runtime = basic_asio_runtime<asio::strand<asio::io_context::executor_type>>;

static_assert(runtime<asio_runtime>);
static_assert(runtime<strand_runtime>);

} // namespace rocketpush

#endif

#ifndef ROCKETPUSH_TESTS_SUPPORT_MANUAL_RUNTIME_HPP
#define ROCKETPUSH_TESTS_SUPPORT_MANUAL_RUNTIME_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <asio/associated_cancellation_slot.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::test {

struct time_stands_still : std::runtime_error {
    time_stands_still() : std::runtime_error("time stands still: handlers make each other run for ever") {}
};

/**
 * @brief Virtual time: one io_context that the test polls, clocks that move when the test says so, a seeded random
 *        generator.
 *
 * The same calls in the same order give the same run. Sockets and other real input do not belong here: nothing
 * waits for them. Copies are the same runtime; the one that the test made first owns it, and drops what is still
 * pending when it goes, so declare it before all that uses it.
 *
 * Handlers that make each other run for ever at one moment are found: whatever lets them run throws time_stands_still, once, and
 * nothing runs any more.
 *
 * @par Thread safety  One thread; `now` in any.
 */
class manual_runtime {
  public:
    using executor_type     = asio::io_context::executor_type;
    using time_point        = std::chrono::steady_clock::time_point;
    using system_time_point = std::chrono::system_clock::time_point;
    using duration          = std::chrono::steady_clock::duration;

    class timer;

    explicit manual_runtime(std::uint64_t seed = 1) : state_(std::make_shared<state>(seed)), owned_(state_) {}
    manual_runtime(const manual_runtime& other) noexcept : state_(other.state_) {}
    manual_runtime& operator=(const manual_runtime&) = delete;
    ~manual_runtime() {
        if (owned_) owned_->abandon();
    }

    executor_type get_executor() const noexcept { return state_->executor; }
    time_point now() const noexcept { return state_->now.load(std::memory_order_relaxed); }
    system_time_point system_now() const noexcept {
        return system_epoch +
               std::chrono::duration_cast<system_time_point::duration>(now() - epoch + state_->skew);
    }
    std::uint64_t random() const noexcept { return state_->random(); }
    bool owns_thread() const noexcept { return false; }
    bool running_in_this_thread() const noexcept { return state_->executor.running_in_this_thread(); }
    void start() noexcept {}
    bool join(std::chrono::milliseconds) noexcept { return true; }

    /// Runs what is ready and what is due now, and what follows from it, without moving the clocks.
    void run_ready() { advance({}); }

    /// Moves the clocks by `by`, stopping at each timer on the way to run its handlers and what follows from them.
    void advance(duration by) {
        const auto target = now() + by;
        while (run_one(target)) {
        }
        pass_to(target);
    }

    /**
     * @brief Runs, jumping from timer to timer, until `done()` holds; it is asked after every handler.
     * @return Whether it did; false after `limit` of virtual time.
     */
    template <class Predicate>
    bool run_until(Predicate done, duration limit) {
        const auto target = now() + limit;
        while (!done()) {
            if (!run_one(target)) {
                pass_to(target);
                return false;
            }
        }
        return true;
    }

    /// As if somebody had set the wall clock; the steady clock and timers do not notice.
    void skew_system_clock(duration by) { state_->skew += by; }

    /// While it is deaf, a timer's wait is not ended by a cancel, as if a wake-up had got lost.
    void be_deaf(bool deaf) { state_->deaf = deaf; }

    /// When the next timer is due, if there is one.
    std::optional<time_point> next_timer() const {
        if (state_->waits.empty()) return std::nullopt;
        return state_->waits.begin()->first.at;
    }

  private:
    /// Neither clock begins at zero, so that a zero somewhere is seen to be wrong.
    static constexpr time_point epoch{std::chrono::hours(1000)};
    static constexpr system_time_point system_epoch{std::chrono::seconds(1'700'000'000)};

    struct wait_key {
        time_point at;
        std::uint64_t sequence;
        friend auto operator<=>(const wait_key&, const wait_key&) = default;
    };

    struct wait_base {
        explicit wait_base(timer* of) : owner(of) {}
        virtual ~wait_base()                   = default;
        virtual void complete(std::error_code) = 0; // posts the handler
        timer* owner;
    };

    /// More handlers at one moment are taken for work that makes work for ever.
    static constexpr std::size_t most_at_a_moment = 2'000'000;

    template <class Handler>
    struct wait;

    struct state {
        explicit state(std::uint64_t seed)
            : random(seed), context(std::in_place, 1), executor(context->get_executor()), work(executor) {}

        void complete(wait_key key, std::error_code code);

        void abandon() {
            ended = true; // handlers own timers, whose ends come here again
            std::exchange(waits, {}).clear();
            work.reset();
            context.reset();
        }

        std::atomic<time_point> now = epoch;
        duration skew{};
        std::mt19937_64 random;
        std::uint64_t sequence = 0;
        bool ended             = false;
        bool deaf              = false;
        bool stands_still      = false;
        std::size_t handlers   = 0; // that have run at this moment
        std::map<wait_key, std::unique_ptr<wait_base>> waits;
        std::optional<asio::io_context> context;
        executor_type executor;
        asio::executor_work_guard<executor_type> work; // or poll() would stop the context for good
    };

    /// Runs one handler, or completes the next wait up to `target`. False: there is none.
    bool run_one(time_point target) {
        if (state_->stands_still) return false;
        if (state_->context->poll_one() == 0) return complete_next(target);
        if (++state_->handlers > most_at_a_moment) {
            state_->stands_still = true;
            throw time_stands_still();
        }
        return true;
    }

    void pass_to(time_point at) noexcept {
        if (at <= now()) return;
        state_->now      = at;
        state_->handlers = 0;
    }

    /// Completes the next wait up to `target`. False: there is none.
    bool complete_next(time_point target) {
        const auto next = state_->waits.begin();
        if (next == state_->waits.end() || next->first.at > target) return false;
        pass_to(next->first.at);
        state_->complete(next->first, {});
        return true;
    }

    std::shared_ptr<state> state_;
    std::shared_ptr<state> owned_; // null in copies
};

/// A timer in virtual time. Its waits complete when the test moves the clock, in the order of their times.
class manual_runtime::timer {
  public:
    using executor_type = manual_runtime::executor_type;

    explicit timer(const manual_runtime& runtime) : state_(runtime.state_) {}
    timer(const timer&)            = delete;
    timer& operator=(const timer&) = delete;
    ~timer() { end_waits(); }

    executor_type get_executor() const noexcept { return state_->executor; }

    /// @return How many waits it cancelled.
    std::size_t expires_at(time_point at) {
        const auto cancelled = end_waits();
        at_                  = at;
        return cancelled;
    }
    time_point expiry() const noexcept { return at_; }

    std::size_t cancel() { return state_->deaf ? 0 : end_waits(); }

    /// @param token  Completion signature `void(std::error_code)`.
    template <class Token>
    auto async_wait(Token&& token) {
        return asio::async_initiate<Token, void(std::error_code)>(
            [](auto handler, timer* self) {
                using wait_type = wait<decltype(handler)>;
                const wait_key key{self->at_, ++self->state_->sequence};
                const auto slot = asio::get_associated_cancellation_slot(handler);
                self->state_->waits.emplace(
                    key, std::make_unique<wait_type>(self, self->state_->executor, std::move(handler)));
                self->waits_.push_back(key);
                if (slot.is_connected()) {
                    auto connected = slot;
                    connected.assign([state = std::weak_ptr(self->state_), key](asio::cancellation_type) {
                        if (const auto alive = state.lock()) alive->complete(key, asio::error::operation_aborted);
                    });
                }
            },
            token, this);
    }

  private:
    friend struct manual_runtime::state;

    std::size_t end_waits() {
        if (state_->ended) return 0;
        const auto count = waits_.size();
        while (!waits_.empty()) state_->complete(waits_.front(), asio::error::operation_aborted);
        return count;
    }

    std::shared_ptr<state> state_;
    time_point at_ = epoch;
    std::vector<wait_key> waits_; // those that are pending, as they began
};

inline void manual_runtime::state::complete(wait_key key, std::error_code code) {
    const auto found = waits.extract(key);
    if (!found) return;
    std::erase(found.mapped()->owner->waits_, key);
    found.mapped()->complete(code);
}

template <class Handler>
struct manual_runtime::wait final : wait_base {
    wait(timer* of, const executor_type& executor, Handler to_call)
        : wait_base(of), handler(std::move(to_call)), work(asio::get_associated_executor(handler, executor)) {}

    void complete(std::error_code code) override {
        asio::post(work.get_executor(), [to_call = std::move(handler), code]() mutable {
            if (auto slot = asio::get_associated_cancellation_slot(to_call); slot.is_connected()) slot.clear();
            std::move(to_call)(code);
        });
    }

    Handler handler;
    asio::executor_work_guard<asio::associated_executor_t<Handler, executor_type>> work;
};

static_assert(runtime<manual_runtime>);

} // namespace rocketpush::test

#endif

#ifndef ROCKETPUSH_CONSUME_CALL_WATCH_HPP
#define ROCKETPUSH_CONSUME_CALL_WATCH_HPP

#include <rocketpush/core/listener_call.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>

namespace rocketpush {

/**
 * @brief Numbers the calls of a listener, and tells observers that follow calls of each one's begin and end. Where none does,
 *        nothing is left of it: no clock is read and nothing is counted.
 *
 * A call is carried beside the listener's: in its frame, or as a number where the listener answers later.
 *
 * @par Thread safety  `begin`, `end` from any thread.
 */
template <observer Observer, runtime Runtime, bool Followed = follows_calls<Observer>>
class call_watch {
  public:
    struct call {
        std::uint64_t number = 0;
        bool threw           = false;
    };

    call_watch(Observer& observer, Runtime& runtime) noexcept : observer_(observer), runtime_(runtime) {}

    /// @param time_out  From when on a call counts as one that took too long.
    void start(std::chrono::milliseconds time_out) noexcept {
        time_out_ = time_out;
        wanted_   = detail::wants_calls(observer_);
    }

    call begin(std::span<const message_view> messages) {
        if (!wanted_)
            return {};
        const auto count = count_.fetch_add(1, std::memory_order_relaxed);
        const call begun{listener_call::make_number(now(), count)};
        observer_.on_call_begun(messages, listener_call{begun.number});
        return begun;
    }
    void end(std::span<const message_view> messages, const call& begun, bool succeeded) {
        if (!wanted_)
            return;
        listener_call ended{begun.number, now()};
        ended.outcome = begun.threw                                ? call_outcome::threw
                        : ended.ended - ended.began() >= time_out_ ? call_outcome::timed_out
                        : succeeded                                ? call_outcome::succeeded
                                                                   : call_outcome::failed;
        ended.success = succeeded;
        observer_.on_call_ended(messages, ended);
    }

    // For listeners that answer later: what is kept of a call meanwhile.
    static std::uint64_t keep(const call& begun) noexcept { return begun.number; }
    static call kept(std::uint64_t number, bool threw) noexcept { return {number, threw}; }
    static void threw(call& begun) noexcept { begun.threw = true; }

  private:
    message_time now() const noexcept { return std::chrono::floor<std::chrono::milliseconds>(runtime_.system_now()); }

    Observer& observer_;
    Runtime& runtime_;
    std::chrono::milliseconds time_out_ = std::chrono::minutes(15);
    bool wanted_                        = true;
    std::atomic<std::uint16_t> count_{0};
};

template <observer Observer, runtime Runtime>
class call_watch<Observer, Runtime, false> {
  public:
    struct call {};

    call_watch(Observer&, Runtime&) noexcept {}
    void start(std::chrono::milliseconds) noexcept {}
    static constexpr call begin(std::span<const message_view>) noexcept { return {}; }
    static constexpr void end(std::span<const message_view>, call, bool) noexcept {}
    static constexpr std::uint64_t keep(call) noexcept { return 0; }
    static constexpr call kept(std::uint64_t, bool) noexcept { return {}; }
    static constexpr void threw(call&) noexcept {}
};

} // namespace rocketpush

#endif

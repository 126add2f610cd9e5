#ifndef ROCKETPUSH_OBSERVE_OBSERVER_DESK_HPP
#define ROCKETPUSH_OBSERVE_OBSERVER_DESK_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/strand_gate.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief What an observer gets that has work of its own, beside hearing of the consumer's: one that has `attach(access)`.
 *
 * It is attached when the consumer has started, and before the first listener call. What it spawns runs on the strand, side by
 * side with the consumer's duties, on its connections and in its time. When the last listener call has ended the work is woken
 * with `closing()` and has until the deadline of the stop to end.
 *
 * @tparam Core  A consumer_core, which outlives this.
 * @par Thread safety  None, on the strand; but `wake` from any thread.
 */
template <class Core>
class observer_access {
  public:
    using runtime_type = typename Core::runtime_type;
    using milliseconds = std::chrono::milliseconds;
    using time_point   = std::chrono::steady_clock::time_point;
    template <class T>
    using task = typename Core::template task<T>;

    explicit observer_access(Core& core) : core_(core), gate_(core.runtime().get_executor()), due_(core.runtime()) {}

    runtime_type& runtime() const noexcept { return core_.runtime(); }
    const options& settings() const noexcept { return core_.settings(); } ///< The group is with its namespace.
    const std::string& client_id() const { return core_.client_id(); }

    /// Has `wait_until` return; how often, it is not counted.
    void wake() {
        gate_.post([keep = core_.shared_from_this(), this] { due_.wake(); });
    }
    /// Returns then, or when woken. One coroutine at a time.
    task<bool> wait_until(time_point then) {
        if (closing_)
            co_return true;
        const bool woken = co_await due_.wait_until(then);
        co_return woken;
    }
    /// No listener call comes any more.
    bool closing() const noexcept { return closing_; }

    /// Runs until it ends; a stop waits for it until its deadline.
    void spawn(task<void> work) { work_->spawn(held(core_.shared_from_this(), std::move(work))); }

    /// Sends a message to a broker that takes messages of its topic, whose route is found first.
    /// @retval error::no_route  The topic does not exist, and no broker makes topics by itself.
    task<store_outcome> send(message_copy message, milliseconds timeout) {
        co_await find(message.topic);
        if (core_.routes().writers(message.topic).empty())
            co_await find(std::string(auto_create_topic));
        const auto outcome = co_await core_.calls().send(std::move(message), timeout);
        co_return outcome;
    }

    /// All of the consumer's observers.
    auto& observe() noexcept { return core_.observe(); }

    /// For the desk.
    task<void> close(time_point deadline) {
        closing_ = true;
        due_.wake();
        co_await work_->wait_until(deadline);
        gate_.shut();
    }

  private:
    static task<void> held(std::shared_ptr<Core>, task<void> work) { co_await std::move(work); }

    task<void> find(std::string topic) {
        if (core_.routes().writers(topic).empty())
            co_await core_.client().refresh_now(std::move(topic));
    }

    Core& core_;
    detail::strand_gate<typename Core::executor_type> gate_;
    detail::wake_up<runtime_type> due_;
    std::shared_ptr<detail::wait_group<runtime_type>> work_ =
        std::make_shared<detail::wait_group<runtime_type>>(core_.runtime());
    bool closing_ = false;
};

/// Whether an observer, or one of those that it joins, has work of its own.
template <class O, class Access>
inline constexpr bool attaches = requires(O& one, Access& access) { one.attach(access); };
template <observer... Each, class Access>
inline constexpr bool attaches<observers<Each...>, Access> = (attaches<Each, Access> || ...);

/// Where a consumer's observers with work of their own are attached; see observer_access.
template <class Core>
class observer_desk {
  public:
    explicit observer_desk(Core& core) noexcept : core_(core) {}

    void open() {
        for_each_observer(core_.observe(), [this](auto& one) {
            if constexpr (attaches<std::remove_reference_t<decltype(one)>, observer_access<Core>>)
                one.attach(*seats_.emplace_back(std::make_unique<observer_access<Core>>(core_)));
        });
    }

    typename Core::template task<void> close(std::chrono::steady_clock::time_point deadline) {
        for (auto& each : seats_)
            co_await each->close(deadline);
    }

  private:
    Core& core_;
    std::vector<std::unique_ptr<observer_access<Core>>> seats_;
};

/// In its place where no observer has.
template <class Core>
class no_observer_desk {
  public:
    explicit no_observer_desk(Core&) noexcept {}
};

} // namespace rocketpush

#endif

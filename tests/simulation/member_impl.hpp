#ifndef ROCKETPUSH_TESTS_SIMULATION_MEMBER_IMPL_HPP
#define ROCKETPUSH_TESTS_SIMULATION_MEMBER_IMPL_HPP

#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <utility>

#include "tests/simulation/member.hpp"

/// For the sources that compile a kind of member.
namespace rocketpush::simulation {

inline std::size_t number_of(const message_view& message) {
    const auto body    = message.body();
    std::size_t number = 0;
    std::from_chars(body.data(), body.data() + body.size(), number);
    return number;
}

inline std::vector<std::size_t> numbers_of(std::span<const message_view> messages) {
    std::vector<std::size_t> numbers;
    numbers.reserve(messages.size());
    for (const auto& each : messages)
        numbers.push_back(number_of(each));
    return numbers;
}

/// Ends a call as the audience wanted.
template <class Context>
consume_result conclude(const std::string& name, audience& who, const message_queue& queue, std::span<const std::size_t> numbers,
                        const behaviour& now, Context& context) {
    using enum behaviour::end;
    std::size_t succeeded = now.how == success ? numbers.size() : 0;
    if constexpr (std::same_as<Context, consume_context>)
        if (now.how == part) {
            succeeded         = numbers.size() / 2;
            context.succeeded = succeeded;
        }
    who.call_ends(name, queue, numbers, succeeded);
    if (now.how == thrown)
        throw std::runtime_error("on purpose");
    return now.how == success || (now.how == part && std::same_as<Context, consume_context>) ? consume_result::success
                                                                                              : consume_result::reconsume_later;
}

/// Tells the audience of what matters to it, and of all else as lines.
struct sim_observer : no_observer {
    sim_observer(std::string of, audience& to) : name(std::move(of)), who(&to) {}

    std::string name;
    audience* who;

    template <class... Arguments>
    void tell(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        who->told(name, fmt::format(text, std::forward<Arguments>(arguments)...));
    }

    void on_send_back(const message_view& message, std::error_code failure) {
        if (failure)
            tell("sending {} back failed: {}", number_of(message), failure.message());
        else
            who->sent_back(name, number_of(message));
    }
    void on_bad_message(const message_queue& queue, queue_offset at, std::error_code why, bad_message done) {
        tell("cannot read {} of {}: {}", at, to_string(queue), why.message());
        who->unreadable(name, queue, at, done);
    }
    void on_dropped(const message_view& message) { who->dropped(name, number_of(message)); }
    void on_queue_acquired(const message_queue& queue, queue_offset first) { who->acquired(name, queue, first); }
    void on_queue_released(const message_queue& queue, queue_offset committed) { who->released(name, queue, committed); }
    void on_commit(const message_queue& queue, queue_offset offset, std::error_code failure) { who->committed(name, queue, offset, failure); }
    void on_offset_store(std::string_view where, std::error_code failure) { tell("offsets in {}: {}", where, failure.message()); }
    void on_connect(const endpoint& peer, std::error_code failure) {
        tell("connects to {}{}{}", to_string(peer), failure ? ": " : "", failure ? failure.message() : std::string());
    }
    void on_disconnect(const endpoint& peer, std::error_code why) { tell("lost {}: {}", to_string(peer), why.message()); }
    void on_pull(const message_queue& queue, std::size_t messages, std::size_t, std::chrono::nanoseconds) {
        if (messages != 0)
            tell("pulled {} of {}", messages, to_string(queue));
    }
    void on_pull_failure(const message_queue& queue, std::error_code why) { tell("pulling {} failed: {}", to_string(queue), why.message()); }
    void on_offset_corrected(const message_queue& queue, queue_offset from, queue_offset to) {
        tell("offset of {} corrected: {} to {}", to_string(queue), from, to);
    }
    void on_flow_control(const message_queue& queue, flow_state why, const cache_level& level) {
        tell("pulls nothing of {}: flow state {}, {} messages of {} bytes, span {}", to_string(queue), static_cast<int>(why), level.messages, level.bytes, level.span);
    }
    void on_lock_lost(const message_queue& queue, std::error_code why) { tell("lost the lock of {}: {}", to_string(queue), why.message()); }
    void on_rebalance_failure(const std::string& topic, std::error_code why) { tell("cannot share out {}: {}", topic, why.message()); }
    void on_stalled(const message_queue& queue, std::string_view what, std::chrono::milliseconds since) {
        tell("stalled: {} {} for {} ms", to_string(queue), what, since.count());
    }
    void on_consume_timeout(const message_view& message, std::chrono::milliseconds) { tell("message {} takes too long", number_of(message)); }
    void on_ack(const message_queue& queue, std::size_t messages, std::error_code failure) {
        tell("acknowledges {} of {}{}", messages, to_string(queue), failure ? " in vain" : "");
    }
};

using slow_result = asio::awaitable<consume_result, executor_type>;

/// Does what the audience says.
template <class Context>
struct sim_listener {
    manual_runtime runtime;
    std::string name;
    audience* who;

    slow_result operator()(std::span<const message_view> messages, Context& context) const {
        return call(runtime, name, *who, context.queue, numbers_of(messages), context);
    }

  private:
    static slow_result call(manual_runtime runtime, std::string name, audience& who, message_queue queue, std::vector<std::size_t> numbers,
                            Context& context) {
        const auto now = who.call_begins(name, queue, numbers);
        if (now.time.count() != 0 || now.how == behaviour::end::never) {
            manual_runtime::timer timer(runtime);
            timer.expires_at(now.how == behaviour::end::never ? time_point::max() : runtime.now() + now.time);
            co_await timer.async_wait(rocketpush::detail::await_tuple<executor_type>);
        }
        co_return conclude(name, who, queue, numbers, now, context);
    }
};

/// The same at once; a call takes no time.
struct plain_sim_listener {
    std::string name;
    audience* who;

    consume_result operator()(std::span<const message_view> messages, consume_context& context) const {
        const auto numbers = numbers_of(messages);
        return conclude(name, *who, context.queue, numbers, who->call_begins(name, context.queue, numbers), context);
    }
};

/// The same some time after it was called.
struct deferring_sim_listener {
    manual_runtime runtime;
    std::string name;
    audience* who;

    void operator()(deferred_message message) const {
        const auto number = number_of(*message);
        const auto queue  = message->queue();
        const auto now    = who->call_begins(name, queue, std::span(&number, 1));
        auto end          = [number, queue, now, who_ = who, name_ = name, held = std::move(message)]() mutable {
            const auto succeeded = now.how == behaviour::end::success;
            who_->call_ends(name_, queue, std::span(&number, 1), succeeded ? 1 : 0);
            held.complete(succeeded ? consume_result::success : consume_result::reconsume_later);
        };
        if (now.time.count() == 0 && now.how != behaviour::end::never)
            return end();
        const auto timer = std::make_shared<manual_runtime::timer>(runtime);
        timer->expires_at(now.how == behaviour::end::never ? time_point::max() : runtime.now() + now.time);
        timer->async_wait([timer, end = std::move(end)](std::error_code) mutable { end(); });
    }
};

template <class Consumer>
class member_of final : public member {
  public:
    template <class Listener, class... Policies>
    member_of(const member_plan& of, Listener listener, Policies... policies) : consumer_(of.with, std::move(listener), std::move(policies)...) {
        for (const auto& topic : of.topics)
            consumer_.subscribe(topic);
    }

    void start(std::function<void(std::error_code)> done) override { consumer_.async_start(std::move(done)); }
    void stop(std::chrono::milliseconds limit, std::function<void(std::error_code)> done) override {
        consumer_.async_stop(limit, std::move(done));
    }
    void suspend() override { consumer_.suspend(); }
    void resume() override { consumer_.resume(); }
    consumer_statistics statistics() override { return consumer_.statistics(); }

  private:
    Consumer consumer_;
};

/// A member with these policies; the transport, the observer and the runtime are the world's.
template <class Allocation = average_allocation, class Listener, class Store = broker_offset_store, class Executor = inline_executor>
std::unique_ptr<member> make(const member_plan& of, Listener listener, Store store = {}, Executor executor = {}) {
    using consumer = consumer_of<Listener, sim_transport, Allocation, Store, Executor, sim_observer, manual_runtime>;
    return std::make_unique<member_of<consumer>>(of, std::move(listener), sim_transport(of.in, of.name), Allocation(), std::move(store),
                                                 std::move(executor), sim_observer(of.name, *of.who), of.runtime);
}

} // namespace rocketpush::simulation

#endif

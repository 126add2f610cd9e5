#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_IMPL_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_IMPL_HPP

#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <asio/post.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include "tests/scenario/support/virtual_member.hpp"

/// What virtual_member.hpp declares; for the sources that instantiate it.
namespace rocketpush::test {

struct listener_state {
    explicit listener_state(manual_runtime of) : runtime(std::move(of)) {}

    void note(message_span messages) {
        ++calls;
        for (const auto& one : messages)
            received.push_back({std::string(one.body()), std::string(one.topic()), std::string(one.stored_topic()),
                                one.message_id(), one.queue_id(), one.queue_offset(), one.reconsume_times(), calls,
                                runtime.now()});
    }

    manual_runtime runtime;
    std::vector<received_message> received;
    std::size_t calls = 0;
};

template <class Function>
struct noting_listener {
    std::shared_ptr<listener_state> state;
    Function function;

    template <class Context>
        requires std::invocable<Function&, message_span, Context&>
    auto operator()(message_span messages, Context& context) {
        state->note(messages);
        return run(function, messages, context);
    }

  private:
    static consume_result run(const orderly_function& function, message_span messages, orderly_context& context) {
        return function ? function(messages, context) : consume_result::success;
    }
    static orderly_result run(const manual_function& function, message_span messages, orderly_context& context) {
        return function ? function(messages, context) : orderly_result::commit;
    }
    static slow_result run(const slow_orderly_function& function, message_span messages, orderly_context& context) {
        if (function)
            return function(messages, context);
        return succeed();
    }
    static consume_result run(const listener_function& function, message_span messages, consume_context& context) {
        return function ? function(messages, context) : consume_result::success;
    }
    static slow_result run(const slow_listener_function& function, message_span messages, consume_context& context) {
        if (function)
            return function(messages, context);
        return succeed();
    }
    static slow_result succeed() { co_return consume_result::success; }
};

template <class Function>
struct listener_kind {
    using type = noting_listener<Function>;
};
template <>
struct listener_kind<orderly_function> {
    using type = orderly<noting_listener<orderly_function>>;
};
template <>
struct listener_kind<slow_orderly_function> {
    using type = orderly<noting_listener<slow_orderly_function>>;
};
template <>
struct listener_kind<manual_function> {
    using type = orderly_manual<noting_listener<manual_function>>;
};

template <class Function>
using member_allocation =
    std::conditional_t<std::same_as<Function, popping_listener_function>, broker_allocation<>, average_allocation>;

template <class Function, class Store>
using member_consumer = consumer_of<typename listener_kind<Function>::type, memory_transport, member_allocation<Function>, Store,
                                    inline_executor, recorder, manual_runtime>;

using member_client = client<memory_transport, manual_runtime>;

template <class Function, class Store>
struct basic_virtual_member<Function, Store>::shared_client::impl {
    member_client client;
};

template <class Function, class Store>
basic_virtual_member<Function, Store>::shared_client::shared_client(virtual_cluster& cluster, const options& with)
    : cluster_(cluster), impl_(new impl{member_client(with, memory_transport(cluster.network), cluster.runtime)}) {}

template <class Function, class Store>
basic_virtual_member<Function, Store>::shared_client::~shared_client() {
    impl_.reset();
    cluster_.runtime.run_ready();
}

template <class Function, class Store>
struct basic_virtual_member<Function, Store>::impl {
    impl(virtual_cluster& in, std::string called, const options& with, Function function, std::shared_ptr<memory_network> network,
         Store store)
        : cluster(in), name(std::move(called)), state(std::make_shared<listener_state>(in.runtime)),
          consumer(with, typename listener_kind<Function>::type(noting_listener<Function>{state, std::move(function)}),
                   memory_transport(std::move(network)), std::move(store), inline_executor(), recorder(in.events, name),
                   in.runtime) {}
    impl(virtual_cluster& in, member_client& client, std::string called, const options& with, Function function)
        : cluster(in), name(std::move(called)), state(std::make_shared<listener_state>(in.runtime)),
          consumer(client, with, typename listener_kind<Function>::type(noting_listener<Function>{state, std::move(function)}), inline_executor(),
                   recorder(in.events, name)) {}

    /// Runs until what `begin` began calls its handler.
    template <class Begin>
    std::optional<std::error_code> finish(Begin begin) {
        const auto outcome = std::make_shared<std::optional<std::error_code>>();
        begin([outcome](std::error_code code) { *outcome = code; });
        cluster.runtime.run_until([&] { return outcome->has_value(); }, 1min);
        return *outcome;
    }

    virtual_cluster& cluster;
    std::string name;
    std::shared_ptr<listener_state> state;
    member_consumer<Function, Store> consumer;
};

template <class Function, class Store>
basic_virtual_member<Function, Store>::basic_virtual_member(virtual_cluster& cluster, std::string name, const options& with,
                                                            Function function, std::shared_ptr<memory_network> through,
                                                            Store store) {
    auto own = with;
    if (own.instance_name.empty())
        own.instance_name = name;
    impl_ = std::make_unique<impl>(cluster, std::move(name), own, std::move(function), through ? through : cluster.network,
                                   std::move(store));
}

template <class Function, class Store>
basic_virtual_member<Function, Store>::basic_virtual_member(virtual_cluster& cluster, shared_client& client, std::string name,
                                                     const options& with, Function function)
    : impl_(std::make_unique<impl>(cluster, client.impl_->client, std::move(name), with, std::move(function))) {}

template <class Function, class Store>
basic_virtual_member<Function, Store>::~basic_virtual_member() {
    // Nobody runs virtual time while a blocking stop() waits, so it has to be over when the consumer goes.
    stop(std::chrono::milliseconds(0));
    impl_->cluster.runtime.run_ready();
    impl_.reset();
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::subscribe(const std::string& topic, const filter_expression& filter) {
    impl_->consumer.subscribe(topic, filter);
}

template <class Function, class Store>
bool basic_virtual_member<Function, Store>::unsubscribe(const std::string& topic) {
    return impl_->consumer.unsubscribe(topic);
}

template <class Function, class Store>
std::optional<std::error_code> basic_virtual_member<Function, Store>::start() {
    return impl_->finish([&](auto handler) { impl_->consumer.async_start(std::move(handler)); });
}

template <class Function, class Store>
std::optional<std::error_code> basic_virtual_member<Function, Store>::stop() {
    return impl_->finish([&](auto handler) { impl_->consumer.async_stop(std::move(handler)); });
}

template <class Function, class Store>
std::optional<std::error_code> basic_virtual_member<Function, Store>::stop(std::chrono::milliseconds limit) {
    return impl_->finish([&](auto handler) { impl_->consumer.async_stop(limit, std::move(handler)); });
}

template <class Function, class Store>
std::optional<std::error_code> basic_virtual_member<Function, Store>::subscribe_running(const std::string& topic,
                                                                                 const filter_expression& filter) {
    return impl_->finish([&](auto handler) { impl_->consumer.async_subscribe(topic, filter, std::move(handler)); });
}

template <class Function, class Store>
std::optional<std::error_code> basic_virtual_member<Function, Store>::unsubscribe_running(const std::string& topic) {
    return impl_->finish([&](auto handler) { impl_->consumer.async_unsubscribe(topic, std::move(handler)); });
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::begin_start(std::function<void(std::error_code)> done) {
    impl_->consumer.async_start(std::move(done));
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::begin_stop(std::function<void(std::error_code)> done) {
    impl_->consumer.async_stop(std::move(done));
}

template <class Function, class Store>
std::optional<std::error_code> basic_virtual_member<Function, Store>::seek(const message_queue& queue, queue_offset offset) {
    return impl_->finish([&](auto handler) { impl_->consumer.async_seek(queue, offset, std::move(handler)); });
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::suspend() {
    impl_->consumer.suspend();
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::resume() {
    impl_->consumer.resume();
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::suspend(const message_queue& queue) {
    impl_->consumer.suspend(queue);
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::resume(const message_queue& queue) {
    impl_->consumer.resume(queue);
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::limit_cache(const cache_limits& limits) {
    impl_->consumer.limit_cache(limits);
}

template <class Function, class Store>
void basic_virtual_member<Function, Store>::limit_memory(std::size_t bytes) {
    impl_->consumer.limit_memory(bytes);
}

template <class Function, class Store>
consumer_statistics basic_virtual_member<Function, Store>::statistics() {
    const auto snapshot = std::make_shared<std::optional<consumer_statistics>>();
    asio::post(impl_->cluster.runtime.get_executor(), [this, snapshot] { *snapshot = impl_->consumer.statistics(); });
    impl_->cluster.runtime.run_until([&] { return snapshot->has_value(); }, 1s);
    return snapshot->value();
}

template <class Function, class Store>
std::string basic_virtual_member<Function, Store>::client_id() {
    return statistics().client_id;
}

template <class Function, class Store>
const std::vector<received_message>& basic_virtual_member<Function, Store>::received() const noexcept {
    return impl_->state->received;
}

template <class Function, class Store>
std::map<std::string, int> basic_virtual_member<Function, Store>::counts() const {
    std::map<std::string, int> times;
    for (const auto& one : received())
        ++times[one.body];
    return times;
}

template <class Function, class Store>
std::vector<event> basic_virtual_member<Function, Store>::events(std::string_view what) const {
    return impl_->cluster.events->all(what, impl_->name);
}

} // namespace rocketpush::test

#endif

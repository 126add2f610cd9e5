#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_IMPL_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_VIRTUAL_MEMBER_IMPL_HPP

#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <asio/post.hpp>

#include <string>
#include <utility>

#include "tests/scenario/support/virtual_member.hpp"

/// What virtual_member.hpp declares; for the two sources that instantiate it.
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

    auto operator()(message_span messages, consume_context& context) {
        state->note(messages);
        return run(function, messages, context);
    }

  private:
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
using member_consumer = consumer_of<noting_listener<Function>, memory_transport, inline_executor, recorder, manual_runtime>;

using member_client = client<memory_transport, manual_runtime>;

template <class Function>
struct basic_virtual_member<Function>::shared_client::impl {
    member_client client;
};

template <class Function>
basic_virtual_member<Function>::shared_client::shared_client(virtual_cluster& cluster, const options& with)
    : cluster_(cluster), impl_(new impl{member_client(with, memory_transport(cluster.network), cluster.runtime)}) {}

template <class Function>
basic_virtual_member<Function>::shared_client::~shared_client() {
    impl_.reset();
    cluster_.runtime.run_ready();
}

template <class Function>
struct basic_virtual_member<Function>::impl {
    impl(virtual_cluster& in, std::string called, const options& with, Function function, std::shared_ptr<memory_network> network)
        : cluster(in), name(std::move(called)), state(std::make_shared<listener_state>(in.runtime)),
          consumer(with, noting_listener<Function>{state, std::move(function)}, memory_transport(std::move(network)),
                   inline_executor(), recorder(in.events, name), in.runtime) {}
    impl(virtual_cluster& in, member_client& client, std::string called, const options& with, Function function)
        : cluster(in), name(std::move(called)), state(std::make_shared<listener_state>(in.runtime)),
          consumer(client, with, noting_listener<Function>{state, std::move(function)}, inline_executor(),
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
    member_consumer<Function> consumer;
};

template <class Function>
basic_virtual_member<Function>::basic_virtual_member(virtual_cluster& cluster, std::string name, const options& with,
                                                     Function function, std::shared_ptr<memory_network> through) {
    auto own = with;
    if (own.instance_name.empty())
        own.instance_name = name;
    impl_ = std::make_unique<impl>(cluster, std::move(name), own, std::move(function), through ? through : cluster.network);
}

template <class Function>
basic_virtual_member<Function>::basic_virtual_member(virtual_cluster& cluster, shared_client& client, std::string name,
                                                     const options& with, Function function)
    : impl_(std::make_unique<impl>(cluster, client.impl_->client, std::move(name), with, std::move(function))) {}

template <class Function>
basic_virtual_member<Function>::~basic_virtual_member() {
    // Nobody runs virtual time while a blocking stop() waits, so it has to be over when the consumer goes.
    stop(std::chrono::milliseconds(0));
    impl_->cluster.runtime.run_ready();
    impl_.reset();
}

template <class Function>
void basic_virtual_member<Function>::subscribe(const std::string& topic, const filter_expression& filter) {
    impl_->consumer.subscribe(topic, filter);
}

template <class Function>
bool basic_virtual_member<Function>::unsubscribe(const std::string& topic) {
    return impl_->consumer.unsubscribe(topic);
}

template <class Function>
std::optional<std::error_code> basic_virtual_member<Function>::start() {
    return impl_->finish([&](auto handler) { impl_->consumer.async_start(std::move(handler)); });
}

template <class Function>
std::optional<std::error_code> basic_virtual_member<Function>::stop() {
    return impl_->finish([&](auto handler) { impl_->consumer.async_stop(std::move(handler)); });
}

template <class Function>
std::optional<std::error_code> basic_virtual_member<Function>::stop(std::chrono::milliseconds limit) {
    return impl_->finish([&](auto handler) { impl_->consumer.async_stop(limit, std::move(handler)); });
}

template <class Function>
void basic_virtual_member<Function>::begin_start(std::function<void(std::error_code)> done) {
    impl_->consumer.async_start(std::move(done));
}

template <class Function>
void basic_virtual_member<Function>::begin_stop(std::function<void(std::error_code)> done) {
    impl_->consumer.async_stop(std::move(done));
}

template <class Function>
consumer_statistics basic_virtual_member<Function>::statistics() {
    const auto snapshot = std::make_shared<std::optional<consumer_statistics>>();
    asio::post(impl_->cluster.runtime.get_executor(), [this, snapshot] { *snapshot = impl_->consumer.statistics(); });
    impl_->cluster.runtime.run_until([&] { return snapshot->has_value(); }, 1s);
    return snapshot->value();
}

template <class Function>
std::string basic_virtual_member<Function>::client_id() {
    return statistics().client_id;
}

template <class Function>
const std::vector<received_message>& basic_virtual_member<Function>::received() const noexcept {
    return impl_->state->received;
}

template <class Function>
std::map<std::string, int> basic_virtual_member<Function>::counts() const {
    std::map<std::string, int> times;
    for (const auto& one : received())
        ++times[one.body];
    return times;
}

template <class Function>
std::vector<event> basic_virtual_member<Function>::events(std::string_view what) const {
    return impl_->cluster.events->all(what, impl_->name);
}

} // namespace rocketpush::test

#endif

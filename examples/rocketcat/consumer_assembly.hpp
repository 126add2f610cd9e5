#ifndef ROCKETCAT_CONSUMER_ASSEMBLY_HPP
#define ROCKETCAT_CONSUMER_ASSEMBLY_HPP

#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/allocation/consistent_hash_allocation.hpp>
#include <rocketpush/observe/log_observer.hpp>
#include <rocketpush/observe/message_trace.hpp>
#include <rocketpush/offset_store/broker_offset_store.hpp>
#include <rocketpush/push_consumer.hpp>
#include <rocketpush/remoting/name_servers.hpp>

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "chosen_transport.hpp"
#include "consume.hpp"

namespace rocketcat {

/// One of some strategies, chosen when the program runs: a type for each would compile the whole consumer as often.
class chosen_allocation {
    template <class Function>
    auto with(Function function) const {
#if ROCKETPUSH_WITH_OPENSSL
        if (chosen_ == strategy::consistent_hash)
            return function(rocketpush::consistent_hash_allocation());
#endif
        return chosen_ == strategy::circle ? function(rocketpush::circle_allocation())
                                           : function(rocketpush::average_allocation());
    }

  public:
    explicit chosen_allocation(strategy chosen) : chosen_(chosen) {}

    std::string_view name() const noexcept {
        return with([](const auto& strategy) { return strategy.name(); });
    }
    rocketpush::allocation allocate(const rocketpush::allocation_request& request) const {
        return with([&](const auto& strategy) { return strategy.allocate(request); });
    }

  private:
    strategy chosen_;
};

/// Problems to standard error, as every consumer's; what tests wait for as lines of standard output.
class event_lines : public rocketpush::log_observer {
  public:
    explicit event_lines(line_output& out) : out_(&out) {}

    void on_started(std::string_view group, std::string_view client_id) {
        started_ = true;
        rocketpush::log_observer::on_started(group, client_id);
        out_->write("{\"event\":\"started\"}\n");
    }
    void on_rebalance(const std::string& topic, std::span<const rocketpush::message_queue> all,
                      std::span<const rocketpush::message_queue> own) {
        rocketpush::log_observer::on_rebalance(topic, all, own);
        std::string line = R"({"event":"assigned","topic":)";
        append_json_string(line, topic);
        line += fmt::format(",\"queues\":{}}}\n", own.size());
        out_->write(line);
    }

    // A name server's host that does not resolve, or a certificate that is refused, ends the start, and is told then, in one line.
    void on_connect(const rocketpush::endpoint& peer, std::error_code failure) {
        if (started_ || !rocketpush::is_hopeless(failure))
            rocketpush::log_observer::on_connect(peer, failure);
    }
    void on_route_failure(const std::string& topic, std::error_code why) {
        if (started_ || !rocketpush::is_hopeless(why))
            rocketpush::log_observer::on_route_failure(topic, why);
    }
    // Nor are keys that are refused told twice.
    void on_heartbeat_failure(const rocketpush::endpoint& broker, std::error_code why) {
        if (started_ || why != rocketpush::response_code::no_permission)
            rocketpush::log_observer::on_heartbeat_failure(broker, why);
    }
    void on_stopped(std::string_view group, std::error_code why) {
        if (started_)
            rocketpush::log_observer::on_stopped(group, why);
    }

  private:
    line_output* out_;
    bool started_ = false;
};

/// The listener of all of them.
struct into_sink {
    message_sink* sink;
    rocketpush::consume_result operator()(std::span<const rocketpush::message_view> messages) const {
        return sink->take(messages);
    }
};

/// See consume.hpp. @param listener  Concurrent as it is, or in order when it is wrapped.
template <class Executor, class Allocation = chosen_allocation, class Listener,
          class Store = rocketpush::broker_offset_store>
int with_consumer(const consume_settings& settings, Listener listener, line_output& out, const consume_session& session,
                  Store store = {}) {
    rocketpush::push_consumer consumer{
        settings.options, std::move(listener), Executor(), Allocation(chosen_allocation{settings.shared_out}),
        std::move(store),
        rocketpush::observers(event_lines(out), rocketpush::message_trace({.enabled = settings.trace})),
        chosen_transport(settings.tls)};
    for (const auto& [topic, expression] : settings.topics)
        consumer.subscribe(topic, expression == "*" ? rocketpush::all_messages
                                                    : rocketpush::filter_expression{settings.filter, expression});
    return session({.start      = [&](auto handler) { consumer.async_start(std::move(handler)); },
                    .stop       = [&](auto handler) { consumer.async_stop(std::move(handler)); },
                    .statistics = [&] { return consumer.statistics(); }});
}

} // namespace rocketcat

#endif

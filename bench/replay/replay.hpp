#ifndef BENCH_REPLAY_REPLAY_HPP
#define BENCH_REPLAY_REPLAY_HPP

#include <rocketpush/push_consumer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "bench/replay/outcome.hpp"
#include "bench/replay/tally.hpp"
#include "bench/support/canned_broker.hpp"
#include "bench/support/canned_transport.hpp"
#include "bench/support/process_cost.hpp"

namespace bench {

// Listeners that do next to nothing: what is measured is the way to them.

struct on_message {
    void operator()(const rocketpush::message_view& message) const { tally::add(1, message.body().size()); }
};

struct on_span {
    void operator()(std::span<const rocketpush::message_view> messages) const {
        std::uint64_t bytes = 0;
        for (const auto& each : messages)
            bytes += each.body().size();
        tally::add(messages.size(), bytes);
    }
};

struct on_message_awaited {
    asio::awaitable<void, asio::io_context::executor_type> operator()(const rocketpush::message_view& message) const {
        tally::add(1, message.body().size());
        co_return;
    }
};

/// Hears what must not happen here.
struct complaints : rocketpush::no_observer {
    explicit complaints(std::atomic<int>& sum) noexcept : heard(&sum) {}

    std::atomic<int>* heard;

    void on_pull_failure(const rocketpush::message_queue&, std::error_code) { ++*heard; }
    void on_bad_message(const rocketpush::message_queue&, rocketpush::queue_offset, std::error_code, rocketpush::bad_message) {
        ++*heard;
    }
    void on_offset_corrected(const rocketpush::message_queue&, rocketpush::queue_offset, rocketpush::queue_offset) {
        ++*heard;
    }
    void on_rebalance_failure(const std::string&, std::error_code) { ++*heard; }
    void on_ack(const rocketpush::message_queue&, std::size_t, std::error_code why) { *heard += why ? 1 : 0; }
    void on_receipt_expired(const rocketpush::message_view&) { ++*heard; }
    void on_trace(const std::string&, std::error_code, std::uint64_t) { ++*heard; }
};

/// What there is to replay for a case.
inline canned_load load_of(const replay_case& which, const replay_size& size) {
    const auto round = static_cast<std::uint64_t>(size.queues) * size.pull_batch;
    return {.group      = "replay",
            .topic      = "orders",
            .client_id  = "127.0.0.1@replay",
            .queues     = size.queues,
            .pull_batch = size.pull_batch,
            .messages   = (size.messages + round - 1) / round * round,
            .kind       = which.messages,
            .popped     = which.reading == reading_kind::popped};
}

/// The process at one moment.
struct moment {
    std::uint64_t consumed       = tally::total().messages;
    std::uint64_t pulls          = 0;
    std::size_t allocations      = heap_allocations();
    std::chrono::nanoseconds cpu = cpu_time();
};

/**
 * @brief Runs a consumer until all that `broker` has is consumed.
 * @param observed  Makes its observer, given the complaints.
 * @param policies  Transport, executor, and a runtime where it has to be a certain one.
 */
template <class Listener, class Observed, class... Policies>
replay_outcome replay_observed(const replay_case& which, const replay_size& size,
                               const std::shared_ptr<canned_broker>& broker, Listener listener, Observed observed,
                               Policies... policies) {
    namespace rp     = rocketpush;
    const auto load  = load_of(which, size);
    const auto round = static_cast<std::uint64_t>(size.queues) * size.pull_batch;
    const moment before;

    // Both are told on the consumer's strand, and before the first message or behind the last nothing of it is in doubt.
    moment warm = before;
    std::promise<void> all_given;
    broker->when_given(load.messages / 5 / round * round, [&] {
        warm       = moment();
        warm.pulls = broker->given_pulls();
    });
    broker->when_given(load.messages, [&] { all_given.set_value(); });

    std::atomic<int> heard{0};
    rp::push_consumer consumer{rp::options{.name_servers       = std::string(canned_broker::name_server),
                                           .group              = load.group,
                                           .client_ip          = "127.0.0.1",
                                           .instance_name      = "replay",
                                           .from               = rp::consume_from::first,
                                           .consume_threads    = size.threads,
                                           .consume_batch_size = which.consume_batch,
                                           .pull_batch_size    = size.pull_batch,
                                           .pop_batch_size     = std::min<std::size_t>(size.pull_batch, 32),
                                           .suspend_timeout    = std::chrono::minutes(9),
                                           .pull_timeout       = std::chrono::minutes(10),
                                           // What is done by the clock would count for more the slower the machine is.
                                           .route_poll_interval = std::chrono::hours(1),
                                           .commit_interval     = std::chrono::hours(1),
                                           .rebalance_interval  = std::chrono::hours(1)},
                               std::move(listener), observed(complaints(heard)), std::move(policies)...};
    consumer.subscribe(load.topic, which.messages.tagged ? rp::tags("paid || refunded") : rp::all_messages);
    consumer.start();

    // Under a profiler a replay is slow, but it goes on.
    auto given     = all_given.get_future();
    auto last_seen = tally::total().messages;
    int quiet      = 0;
    while (given.wait_for(std::chrono::seconds(1)) != std::future_status::ready) {
        const auto now = tally::total().messages;
        quiet          = now == last_seen ? quiet + 1 : 0;
        last_seen      = now;
        if (quiet == 20)
            throw replay_failure("nothing came for 20 s, after " + std::to_string(now - before.consumed) + " messages");
    }
    // A pool may still be at the last of them. This thread looks seldom enough to cost nothing.
    const auto target = before.consumed + load.messages;
    for (int i = 0; tally::total().messages < target && i < 20'000; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    moment end;
    end.pulls = load.messages / size.pull_batch;
    std::error_code unclean;
    consumer.stop(unclean);

    const auto consumed = tally::total().messages - before.consumed;
    if (consumed != load.messages)
        throw replay_failure("consumed " + std::to_string(consumed) + " messages of " + std::to_string(load.messages));
    if (heard != 0 || unclean)
        throw replay_failure(unclean ? "stop: " + unclean.message() : std::to_string(heard) + " complaints");
    return {consumed, end.consumed - warm.consumed, end.pulls - warm.pulls, end.allocations - warm.allocations,
            end.cpu - warm.cpu};
}

/// The same with nobody else to hear of it.
template <class Listener, class... Policies>
replay_outcome replay(const replay_case& which, const replay_size& size, const std::shared_ptr<canned_broker>& broker,
                      Listener listener, Policies... policies) {
    return replay_observed(
        which, size, broker, std::move(listener), [](complaints heard) { return heard; }, std::move(policies)...);
}

/// Runs a case on an executor, through the canned transport.
template <class Executor>
replay_outcome replay_canned(const replay_case& which, const replay_size& size) {
    const auto broker = std::make_shared<canned_broker>(load_of(which, size));
    const auto with   = [&](auto listener) {
        return replay(which, size, broker, listener, canned_transport(broker), Executor());
    };
    switch (which.listener) {
    case listener_kind::span: return with(on_span());
    case listener_kind::awaitable: return with(on_message_awaited());
    case listener_kind::orderly: return with(rocketpush::orderly(on_message()));
    default: return with(on_message());
    }
}

} // namespace bench

#endif

#include "orderly_member.hpp"

#include <rocketpush/rocketpush.hpp>

#include <charconv>
#include <utility>

namespace rocketpush::test {

namespace {

struct recording_in_order {
    std::string member;
    journal* to;
    orderly_function then;

    consume_result operator()(const message_view& one, orderly_context& context) {
        const auto at   = std::chrono::steady_clock::now();
        const auto wall = std::chrono::system_clock::now();
        long sequence   = -1;
        std::from_chars(one.body().data(), one.body().data() + one.body().size(), sequence);
        to->write([&](journal::entries& e) {
            ++e.times[sequence];
            e.deliveries.push_back({member, message(one), sequence, context.queue, e.calls++, at, wall});
        });
        return then ? then(one, context) : consume_result::success;
    }
};

/// Which queues it holds.
struct holdings_observer : no_observer {
    std::string member;
    journal* to;

    holdings_observer(std::string name, journal& into) : member(std::move(name)), to(&into) {}

    void on_queue_acquired(const message_queue& queue, queue_offset first) {
        to->write([&](auto& e) { e.held[member][queue] = {std::chrono::steady_clock::now(), first}; });
    }
    void on_queue_released(const message_queue& queue, queue_offset) {
        to->write([&](auto& e) { e.held[member].erase(queue); });
    }
    void on_send_back(const message_view&, std::error_code failure) {
        to->write([&](auto& e) { e.send_backs += failure ? 0 : 1; });
    }
};

} // namespace

struct orderly_member::state {
    push_consumer<orderly<recording_in_order>, tcp_transport, average_allocation, broker_offset_store, thread_pool_executor,
                  observers<holdings_observer, log_observer>>
        consumer;

    state(std::string name, journal& to, options with, orderly_function then)
        : consumer(std::move(with), orderly<recording_in_order>(recording_in_order{name, &to, std::move(then)}),
                   observers(holdings_observer(name, to), log_observer())) {}
};

orderly_member::orderly_member(std::string name, journal& to, options with, orderly_function then)
    : state_(std::make_unique<state>(std::move(name), to, std::move(with), std::move(then))) {}

orderly_member::~orderly_member() = default;

orderly_member& orderly_member::subscribe(const std::string& topic) {
    state_->consumer.subscribe(topic);
    return *this;
}

orderly_member& orderly_member::start() {
    state_->consumer.start();
    return *this;
}

void orderly_member::stop() { state_->consumer.stop(); }

consumer_statistics orderly_member::statistics() { return state_->consumer.statistics(); }

} // namespace rocketpush::test

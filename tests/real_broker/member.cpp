#include "member.hpp"

#include <rocketpush/rocketpush.hpp>

#include <atomic>
#include <charconv>
#include <utility>

#include "java_helper.hpp"

namespace rocketpush::test {

namespace {

long sequence_of(std::string_view body) {
    long number = -1;
    std::from_chars(body.data(), body.data() + body.size(), number);
    return number;
}

/// tcp_transport that counts writes: what an idle consumer sends is few.
class counting_transport {
  public:
    template <class Executor>
    class stream : public tcp_stream<Executor> {
      public:
        using tcp_stream<Executor>::tcp_stream;

        template <class Buffers, class Token>
        auto async_write_some(const Buffers& buffers, Token&& token) {
            if (writes)
                ++*writes;
            return tcp_stream<Executor>::async_write_some(buffers, std::forward<Token>(token));
        }

        std::shared_ptr<std::atomic<std::size_t>> writes;
    };

    template <class Executor, class Token>
    auto async_connect(stream<Executor>& connection, const endpoint& to, Token&& token) const {
        connection.writes = writes;
        return tcp_.async_connect(static_cast<tcp_stream<Executor>&>(connection), to, std::forward<Token>(token));
    }

    std::shared_ptr<std::atomic<std::size_t>> writes = std::make_shared<std::atomic<std::size_t>>(0);

  private:
    tcp_transport tcp_;
};
static_assert(transport<counting_transport>);

/// Writes events into the journal, and warnings as the log observer does.
struct journal_observer : no_observer {
    std::string member;
    journal* to;

    journal_observer(std::string name, journal& into) : member(std::move(name)), to(&into) {}

    void on_subscriptions_differ(const std::string& topic, const std::string& own, const std::string& other) {
        to->write([&](auto& e) { e.differences.push_back(topic + ": " + own + " / " + other); });
    }
    void on_twin_client(std::string_view client_id, std::size_t) {
        to->write([&](auto& e) { e.twins.emplace_back(client_id); });
    }
    void on_queue_acquired(const message_queue& queue, queue_offset first) {
        to->write([&](auto& e) { e.held[member][queue] = {std::chrono::steady_clock::now(), first}; });
    }
    void on_queue_released(const message_queue& queue, queue_offset) {
        to->write([&](auto& e) { e.held[member].erase(queue); });
    }
    void on_disconnect(const endpoint&, std::error_code) {
        to->write([](auto& e) { ++e.disconnects; });
    }
    void on_access_denied(const std::string&, std::error_code, const std::string& sentence) {
        to->write([&](auto& e) { e.denials.push_back(sentence); });
    }
    void on_bad_message(const message_queue&, queue_offset, std::error_code, bad_message) {
        to->write([](auto& e) { ++e.bad; });
    }
    void on_offset_corrected(const message_queue&, queue_offset, queue_offset) {
        to->write([](auto& e) { ++e.corrected; });
    }
    void on_send_back(const message_view&, std::error_code failure) {
        to->write([&](auto& e) { e.send_backs += failure ? 0 : 1; });
    }
    void on_pop_begun(const message_queue& queue) {
        to->write([&](auto& e) { e.popped[member].insert(queue); });
    }
    void on_pop_ended(const message_queue& queue) {
        to->write([&](auto& e) { e.popped[member].erase(queue); });
    }
    void on_ack(const message_queue&, std::size_t messages, std::error_code failure) {
        to->write([&](auto& e) { e.acks += failure ? 0 : messages; });
    }
    void on_invisible_time(const message_view&, std::chrono::milliseconds, std::error_code failure) {
        to->write([&](auto& e) { e.hidden += failure ? 0 : 1; });
    }
    void on_receipt_expired(const message_view&) {
        to->write([](auto& e) { ++e.expired; });
    }
};

} // namespace

std::set<int> journal::queues(const std::string& member, const std::string& topic) const {
    return read([&](const entries& e) {
        std::set<int> ids;
        if (const auto found = e.held.find(member); found != e.held.end())
            for (const auto& [queue, since] : found->second)
                if (queue.topic == topic)
                    ids.insert(queue.queue_id);
        return ids;
    });
}

std::vector<delivery> journal::of(long sequence) const {
    return read([&](const entries& e) {
        std::vector<delivery> found;
        for (const auto& each : e.deliveries)
            if (each.sequence == sequence)
                found.push_back(each);
        return found;
    });
}

consume_result recording_listener::operator()(std::span<const message_view> messages, consume_context& context) {
    const auto at   = std::chrono::steady_clock::now();
    const auto wall = std::chrono::system_clock::now();
    to->write([&](journal::entries& e) {
        const auto call = e.calls++;
        for (const auto& each : messages) {
            const auto sequence = sequence_of(each.body());
            ++e.times[sequence];
            e.deliveries.push_back({member, message(each), sequence, context.queue, call, at, wall});
        }
    });
    return then ? then(messages, context) : consume_result::success;
}

struct member::state {
    template <class Allocation>
    using consumer_type = push_consumer<recording_listener, counting_transport, Allocation, broker_offset_store,
                                        thread_pool_executor, observers<journal_observer, log_observer, message_trace>>;

    counting_transport transport;
    std::string client_id;
    std::unique_ptr<consumer_type<average_allocation>> by_members; ///< One of the two.
    std::unique_ptr<consumer_type<broker_allocation<>>> by_broker;

    template <class Consumer>
    std::unique_ptr<Consumer> make(std::string name, journal& to, options with, listener_function then, bool traced) {
        return std::make_unique<Consumer>(std::move(with), recording_listener{name, &to, std::move(then)}, transport,
                                          observers(journal_observer(name, to), log_observer(),
                                                    message_trace({.enabled = traced, .flush_interval = std::chrono::milliseconds(500)})));
    }
    template <class Do>
    auto with_consumer(Do what) {
        return by_broker ? what(*by_broker) : what(*by_members);
    }
};

member::member(std::string name, journal& to, options with, listener_function then, sharing how, bool traced)
    : state_(std::make_unique<state>()) {
    if (how == sharing::by_broker)
        state_->by_broker = state_->make<state::consumer_type<broker_allocation<>>>(std::move(name), to, std::move(with), std::move(then), traced);
    else
        state_->by_members = state_->make<state::consumer_type<average_allocation>>(std::move(name), to, std::move(with), std::move(then), traced);
}

member::~member() = default;

options member::of_group(std::string group) {
    return {.name_servers    = cluster_variable("ROCKETPUSH_NAMESRV"),
            .group           = std::move(group),
            .from            = consume_from::first,
            .consume_threads = 4,
            .commit_interval = std::chrono::milliseconds(300)};
}

member& member::subscribe(const std::string& topic, const filter_expression& filter) {
    state_->with_consumer([&](auto& consumer) { consumer.subscribe(topic, filter); });
    return *this;
}

member& member::start() {
    state_->with_consumer([](auto& consumer) { consumer.start(); });
    state_->client_id = statistics().client_id;
    return *this;
}

member& member::unsubscribe(const std::string& topic) {
    state_->with_consumer([&](auto& consumer) { consumer.unsubscribe(topic); });
    return *this;
}

std::string member::refusal_to_start() {
    try {
        start();
        return {};
    } catch (const std::system_error& refused) {
        return refused.what();
    }
}

void member::suspend(bool on) {
    state_->with_consumer([&](auto& consumer) { on ? consumer.suspend() : consumer.resume(); });
}
void member::seek(const message_queue& queue, queue_offset offset) {
    state_->with_consumer([&](auto& consumer) { consumer.seek(queue, offset); });
}

void member::stop() {
    state_->with_consumer([](auto& consumer) { consumer.stop(); });
}
std::error_code member::stop(std::chrono::milliseconds limit) {
    std::error_code failure;
    state_->with_consumer([&](auto& consumer) { consumer.stop(failure, limit); });
    return failure;
}

std::string member::client_id() const { return state_->client_id; }
consumer_statistics member::statistics() {
    return state_->with_consumer([](auto& consumer) { return consumer.statistics(); });
}
std::size_t member::socket_writes() const { return state_->transport.writes->load(); }

} // namespace rocketpush::test

#include "tests/support/archetypes/observer.hpp"

#include <rocketpush/observe/observer.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;

// Near misses.

struct not_derived {
    void on_stopped(std::string_view, std::error_code) {}
};
static_assert(!observer<not_derived>);
struct privately_derived : private no_observer {};
static_assert(!observer<privately_derived>);
struct not_movable : no_observer {
    not_movable()                   = default;
    not_movable(const not_movable&) = delete;
};
static_assert(!observer<not_movable>);

/// Hides every event of no_observer and notes its name.
struct noting_observer : no_observer {
    std::string name;
    std::vector<std::string>* notes;

    noting_observer(std::string its_name, std::vector<std::string>& into) : name(std::move(its_name)), notes(&into) {}
    void note(const char* event) { notes->push_back(name + " " + event); }

    void on_starting(std::string_view group) { note(group == "billing" ? "on_starting" : "?"); }
    void on_started(std::string_view, std::string_view id) { note(id == "me" ? "on_started" : "?"); }
    void on_stopped(std::string_view, std::error_code why) {
        note(why == error::stop_deadline_passed ? "on_stopped" : "?");
    }
    void on_connect(const endpoint& peer, std::error_code) { note(peer.port == 9876 ? "on_connect" : "?"); }
    void on_disconnect(const endpoint&, std::error_code) { note("on_disconnect"); }
    void on_name_servers_changed(std::span<const endpoint> now) {
        note(now.size() == 1 ? "on_name_servers_changed" : "?");
    }
    void on_name_server_lookup_failure(const std::string& url, std::error_code why) {
        note(url == "http://config/x" && why == error::no_name_servers ? "on_name_server_lookup_failure" : "?");
    }
    void on_route_changed(const std::string&, std::size_t queues) { note(queues == 4 ? "on_route_changed" : "?"); }
    void on_route_failure(const std::string&, std::error_code) { note("on_route_failure"); }
    void on_heartbeat_failure(const endpoint&, std::error_code) { note("on_heartbeat_failure"); }
    void on_access_denied(const std::string& subject, std::error_code why, const std::string& sentence) {
        note(subject == "topic orders" && why == response_code::no_permission && sentence == "no" ? "on_access_denied" : "?");
    }
    void on_rebalance(const std::string&, std::span<const message_queue> all, std::span<const message_queue> own) {
        note(all.size() == 2 && own.size() == 1 ? "on_rebalance" : "?");
    }
    void on_rebalance_failure(const std::string&, std::error_code) { note("on_rebalance_failure"); }
    void on_queue_acquired(const message_queue&, queue_offset first) { note(first == 7 ? "on_queue_acquired" : "?"); }
    void on_queue_acquire_failure(const message_queue&, std::error_code) { note("on_queue_acquire_failure"); }
    void on_queue_released(const message_queue&, queue_offset) { note("on_queue_released"); }
    void on_twin_client(std::string_view client_id, std::size_t connections) {
        note(client_id == "10.0.0.1@me" && connections == 2 ? "on_twin_client" : "?");
    }
    void on_subscriptions_differ(const std::string& topic, const std::string& own, const std::string& other) {
        note(topic == "orders" && own == "a" && other == "b" ? "on_subscriptions_differ" : "?");
    }
    void on_stalled(const message_queue&, std::string_view what, std::chrono::milliseconds since) {
        note(what == "paused" && since.count() == 31000 ? "on_stalled" : "?");
    }
    void on_lock_refused(const message_queue&) { note("on_lock_refused"); }
    void on_lock_lost(const message_queue&, std::error_code why) {
        note(why == error::connection_closed ? "on_lock_lost" : "?");
    }
    void on_lock_failure(const std::string& broker, std::error_code) {
        note(broker == "broker-a" ? "on_lock_failure" : "?");
    }
    void on_queue_suspended(const message_queue&, std::chrono::milliseconds pause) {
        note(pause.count() == 1000 ? "on_queue_suspended" : "?");
    }
    void on_pull(const message_queue&, std::size_t messages, std::size_t bytes, std::chrono::nanoseconds) {
        note(messages == 3 && bytes == 300 ? "on_pull" : "?");
    }
    void on_pull_failure(const message_queue&, std::error_code) { note("on_pull_failure"); }
    void on_flow_control(const message_queue&, flow_state, const cache_level&) { note("on_flow_control"); }
    void on_offset_corrected(const message_queue&, queue_offset asked, queue_offset now) {
        note(asked == 5 && now == 6 ? "on_offset_corrected" : "?");
    }
    void on_bad_message(const message_queue&, queue_offset at, std::error_code, bad_message done) {
        note(at == 9 && done == bad_message::stop ? "on_bad_message" : "?");
    }
    void before_consume(std::span<const message_view>, const consume_context&) { note("before_consume"); }
    void after_consume(std::span<const message_view>, const consume_context&, consume_result) { note("after_consume"); }
    void on_call_begun(std::span<const message_view>, const listener_call& call) {
        note(call.number == 7 ? "on_call_begun" : "?");
    }
    void on_call_ended(std::span<const message_view>, const listener_call& call) {
        note(call.outcome == call_outcome::threw ? "on_call_ended" : "?");
    }
    void on_listener_exception(const message_queue&, std::exception_ptr) { note("on_listener_exception"); }
    void on_send_back(const message_view&, std::error_code) { note("on_send_back"); }
    void on_dropped(const message_view&) { note("on_dropped"); }
    void on_consume_timeout(const message_view&, std::chrono::milliseconds time) {
        note(time.count() == 61000 ? "on_consume_timeout" : "?");
    }
    void on_pop_begun(const message_queue&) { note("on_pop_begun"); }
    void on_pop_ended(const message_queue&) { note("on_pop_ended"); }
    void on_ack(const message_queue&, std::size_t messages, std::error_code) { note(messages == 5 ? "on_ack" : "?"); }
    void on_invisible_time(const message_view&, std::chrono::milliseconds hidden, std::error_code) {
        note(hidden.count() == 10 ? "on_invisible_time" : "?");
    }
    void on_receipt_expired(const message_view&) { note("on_receipt_expired"); }
    void on_commit(const message_queue&, queue_offset offset, std::error_code) {
        note(offset == 8 ? "on_commit" : "?");
    }
    void on_offset_store(std::string_view where, std::error_code) {
        note(where == "offsets.json" ? "on_offset_store" : "?");
    }
    void on_trace(const std::string& topic, std::error_code, std::uint64_t lost) {
        note(topic == "trace" && lost == 3 ? "on_trace" : "?");
    }
};
static_assert(observer<noting_observer>);

/// Every event once, as the library calls them.
template <observer O>
void tell_everything(O& hears) {
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7, 8});
    const auto& queue = test::orders_queue();
    const endpoint peer{"ns", 9876};
    const auto why = make_error_code(error::connection_closed);
    const consume_context context{queue};
    const std::vector<message_queue> all{queue, queue}, own{queue};
    const auto messages = batch.views({0, 2});

    hears.on_starting("billing");
    hears.on_started("billing", "me");
    hears.on_stopped("billing", error::stop_deadline_passed);
    hears.on_connect(peer, why);
    hears.on_disconnect(peer, why);
    hears.on_name_servers_changed(std::vector<endpoint>{peer});
    hears.on_name_server_lookup_failure("http://config/x", error::no_name_servers);
    hears.on_route_changed("orders", std::size_t{4});
    hears.on_route_failure("orders", why);
    hears.on_heartbeat_failure(peer, why);
    hears.on_access_denied("topic orders", response_code::no_permission, "no");
    hears.on_rebalance("orders", all, own);
    hears.on_rebalance_failure("orders", why);
    hears.on_queue_acquired(queue, 7);
    hears.on_queue_acquire_failure(queue, why);
    hears.on_queue_released(queue, 7);
    hears.on_twin_client("10.0.0.1@me", std::size_t{2});
    hears.on_subscriptions_differ("orders", "a", "b");
    hears.on_stalled(queue, "paused", std::chrono::milliseconds(31000));
    hears.on_lock_refused(queue);
    hears.on_lock_lost(queue, why);
    hears.on_lock_failure("broker-a", why);
    hears.on_queue_suspended(queue, std::chrono::milliseconds(1000));
    hears.on_pull(queue, std::size_t{3}, std::size_t{300}, std::chrono::milliseconds(1));
    hears.on_pull_failure(queue, why);
    hears.on_flow_control(queue, flow_state::too_many_bytes, cache_level{});
    hears.on_offset_corrected(queue, 5, 6);
    hears.on_bad_message(queue, 9, why, bad_message::stop);
    hears.before_consume(messages, context);
    hears.after_consume(messages, context, consume_result::success);
    hears.on_call_begun(messages, listener_call{7});
    hears.on_call_ended(messages, listener_call{7, {}, call_outcome::threw});
    hears.on_listener_exception(queue, nullptr);
    hears.on_send_back(messages[0], why);
    hears.on_dropped(messages[0]);
    hears.on_consume_timeout(messages[0], std::chrono::seconds(61));
    hears.on_pop_begun(queue);
    hears.on_pop_ended(queue);
    hears.on_ack(queue, std::size_t{5}, why);
    hears.on_invisible_time(messages[0], std::chrono::milliseconds(10), why);
    hears.on_receipt_expired(messages[0]);
    hears.on_commit(queue, 8, why);
    hears.on_offset_store("offsets.json", why);
    hears.on_trace("trace", why, std::uint64_t{3});
}
constexpr std::size_t events = 44;

TEST_CASE("an observer that hides nothing hears nothing, and compiles with every event", "[observer]") {
    no_observer nobody;
    tell_everything(nobody);
    test::observer_archetype archetype(1);
    tell_everything(archetype);
}

TEST_CASE("joined observers hear every event, in the order in which they are given", "[observer]") {
    std::vector<std::string> notes, alone;
    noting_observer only("x", alone);
    tell_everything(only);
    REQUIRE(alone.size() == events);

    observers joined{noting_observer("first", notes), no_observer(), noting_observer("second", notes)};
    static_assert(observer<decltype(joined)>);
    tell_everything(joined);
    REQUIRE(notes.size() == 2 * events);
    for (std::size_t i = 0; i < events; ++i) {
        const auto event = alone[i].substr(2);
        CHECK(event != "?");
        CHECK(notes[2 * i] == "first " + event);
        CHECK(notes[2 * i + 1] == "second " + event);
    }
}

TEST_CASE("an observer follows calls if it hides one of their two events, alone or joined", "[observer]") {
    struct ends_only : no_observer {
        void on_call_ended(std::span<const message_view>, const listener_call&) {}
    };
    static_assert(follows_calls<ends_only> && follows_calls<observers<no_observer, observers<ends_only>>>);
    static_assert(!follows_calls<no_observer> && !follows_calls<observers<no_observer>> && !follows_calls<observers<>>);
}

TEST_CASE("each of joined observers is reached, in joined ones too", "[observer]") {
    observers joined{no_observer(), observers<no_observer, no_observer>{no_observer(), no_observer()}};
    int reached = 0;
    for_each_observer(joined, [&](no_observer&) { ++reached; });
    CHECK(reached == 3);
}

TEST_CASE("observers may be movable only, joined in joined ones, or none at all", "[observer]") {
    struct counting : no_observer {
        std::unique_ptr<int> stops = std::make_unique<int>(0);
        void on_stopped(std::string_view, std::error_code) { ++*stops; }
    };
    observers<observers<counting>, counting> nested{observers<counting>{counting()}, counting()};
    nested.on_stopped("billing", std::error_code());
    CHECK(*std::get<1>(nested.all).stops == 1);
    CHECK(*std::get<0>(std::get<0>(nested.all).all).stops == 1);
    observers<> none;
    none.on_stopped("billing", std::error_code());
}

} // namespace

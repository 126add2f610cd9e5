#include <rocketpush/observe/log_observer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/support/allocation_count.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;

const message_queue queue{"orders", "broker-a", 3};
const endpoint peer{"10.0.0.1", 10911};
const std::string timed_out = "look at the server's load and at the network";
const std::string malformed = "a stored message's lengths contradict each other; look at the message at the broker, and at its producer";

struct log_fixture {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};

    log_observer made(log_level level) {
        REQUIRE(file);
        log_observer log(level, file.get());
        log.on_starting("billing");
        return log;
    }
    /// What was written since the last call, a line each, without what all begin with.
    std::vector<std::string> lines() {
        std::fseek(file.get(), read_, SEEK_SET);
        std::string text;
        for (int c = std::fgetc(file.get()); c != EOF; c = std::fgetc(file.get()))
            text += static_cast<char>(c);
        read_ = std::ftell(file.get());
        std::vector<std::string> found;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = text.find('\n', at);
            REQUIRE(end != std::string::npos); // only whole lines
            const std::string begin = "rocketpush: group billing: ";
            CHECK(text.compare(at, begin.size(), begin) == 0);
            found.push_back(text.substr(at + begin.size(), end - at - begin.size()));
            at = end + 1;
        }
        return found;
    }

  private:
    long read_ = 0;
};

/// All that happens while everything is well.
void a_good_day(log_observer& log) {
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7});
    const auto messages = batch.views({0, 1});
    const consume_context context{queue};
    log.on_started("billing", "10.0.0.7@me");
    log.on_connect(peer, {});
    log.on_route_changed("orders", 4);
    log.on_route_failure("%RETRY%billing", error::no_route); // made by the first heartbeat
    const std::vector<message_queue> all{queue};
    log.on_rebalance("orders", all, all);
    log.on_queue_acquired(queue, 7);
    log.on_pull(queue, 32, 4096, std::chrono::milliseconds(3));
    log.on_flow_control(queue, flow_state::too_wide_a_span, {100, 2000, 3000}); // a slow listener is no fault
    log.before_consume(messages, context);
    log.after_consume(messages, context, consume_result::success);
    log.after_consume(messages, context, consume_result::reconsume_later);
    log.on_send_back(messages[0], {});
    log.on_ack(queue, 3, {});
    log.on_invisible_time(messages[0], std::chrono::seconds(10), {});
    log.on_commit(queue, 8, {});
    log.on_queue_released(queue, 8);
    log.on_stopped("billing", {});
}

TEST_CASE_METHOD(log_fixture, "a log is silent while all is well", "[log_observer]") {
    auto log = made(log_level::warning);
    a_good_day(log);
    CHECK(lines().empty());
}

TEST_CASE_METHOD(log_fixture, "at level info a log tells of changes, at debug of each queue", "[log_observer]") {
    auto log = made(log_level::info);
    a_good_day(log);
    CHECK(lines() == std::vector<std::string>{"started as 10.0.0.7@me", "topic orders has 4 readable queues",
                                              "topic orders: 1 of 1 queues are ours", "stopped"});
    auto more = made(log_level::debug);
    a_good_day(more);
    const auto told = lines();
    REQUIRE(told.size() == 7);
    CHECK(told[3] == "took over orders/broker-a/3 from offset 7");
    CHECK(told[4] == "orders/broker-a/3 is not pulled (span limit): 100 messages, 2000 bytes, span 3000");
    CHECK(told[5] == "gave up orders/broker-a/3 at offset 8");
}

TEST_CASE_METHOD(log_fixture, "a log tells what is denied, and what helps", "[log_observer]") {
    auto log = made(log_level::error);
    log.on_access_denied("topic orders", response_code::no_permission,
                         "10.0.0.1:10911 denies access to topic orders: check signature failed.");
    CHECK(lines() == std::vector<std::string>{"10.0.0.1:10911 denies access to topic orders: check signature failed. (no "
                                              "permission (code 16)); trying again; give the permission at the broker, or "
                                              "correct the credentials"});
}

TEST_CASE_METHOD(log_fixture, "a log tells what goes wrong with popped messages", "[log_observer]") {
    auto log = made(log_level::warning);
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7});
    const auto message = batch.views({0, 1})[0];
    const auto id      = message.message_id();
    log.on_ack(queue, 3, error::request_timed_out);
    log.on_ack(queue, 3, {});
    log.on_invisible_time(message, std::chrono::seconds(10), error::request_timed_out);
    log.on_receipt_expired(message);
    CHECK(lines() ==
          std::vector<std::string>{
              "cannot acknowledge messages of orders/broker-a/3: no response before the deadline; what is not comes again; " + timed_out,
              "acknowledged messages of orders/broker-a/3 again",
              "cannot hide " + id + " for 10000 ms: no response before the deadline; it may come again before; " + timed_out,
              id + " was not consumed within its invisible time; it comes again; find out what the listener is at, or raise "
                   "options::pop_invisible_time"});
}

TEST_CASE_METHOD(log_fixture, "a log tells of a group that is not as it should be, and of a stalled queue, with the remedy",
                 "[log_observer]") {
    auto log = made(log_level::warning);
    log.on_twin_client("10.0.0.1@me", 2);
    log.on_subscriptions_differ("orders", "paid", "");
    log.on_stalled(queue, "paused", std::chrono::milliseconds(31000));
    CHECK(lines() ==
          std::vector<std::string>{
              "client id 10.0.0.1@me is connected 2 times: give each member an instance_name of its own, for they read the "
              "same queues",
              "topic orders is subscribed as \"paid\" here and as \"nothing\" by another member: make them the same, for "
              "messages get lost",
              "orders/broker-a/3 made no progress for 31 s, paused; it is set going again. Please report it, with what "
              "mqadmin consumerStatus -s shows"});
}

TEST_CASE_METHOD(log_fixture, "a log tells of a lost lock, of locks that cannot be renewed, and for who wants it of waiting",
                 "[log_observer]") {
    const auto tell = [&](auto& log) {
        log.on_lock_refused(queue);
        log.on_queue_suspended(queue, std::chrono::milliseconds(1000));
        log.on_lock_failure("broker-a", error::request_timed_out);
        log.on_lock_failure("broker-a", error::request_timed_out);
        log.on_lock_lost(queue, error::locked_elsewhere);
    };
    auto log = made(log_level::warning);
    tell(log);
    const std::vector<std::string> problems{
        "cannot renew the locks at broker broker-a: no response before the deadline; trying again; " + timed_out,
        "lost the lock of orders/broker-a/3: another member of the group has the queue's lock; taking it over anew"};
    CHECK(lines() == problems);
    auto more = made(log_level::debug);
    tell(more);
    CHECK(lines() == std::vector<std::string>{"orders/broker-a/3 is locked by another member; trying again",
                                              "orders/broker-a/3 is suspended for 1000 ms", problems[0], problems[1]});
}

TEST_CASE_METHOD(log_fixture, "a problem is written when it begins, then once for each hundred, then its end",
                 "[log_observer]") {
    auto log = made(log_level::warning);
    for (int i = 0; i < 250; ++i)
        log.on_route_failure("orders", error::no_route);
    const auto told = lines();
    REQUIRE(told.size() == 3); // the 1st, the 101st, the 201st
    CHECK(told[0] == "no route for topic orders: the name server has no route for the topic; trying again; create the topic, or "
                     "correct its name");
    CHECK(told[2] == told[0]);
    log.on_route_changed("orders", 4);
    CHECK(lines() == std::vector<std::string>{"topic orders has 4 readable queues"});
    log.on_route_changed("orders", 8);
    CHECK(lines().empty());
    log.on_route_failure("orders", error::no_route); // a new one
    CHECK(lines().size() == 1);
}

TEST_CASE_METHOD(log_fixture, "the end of a problem is written once, at level info too", "[log_observer]") {
    auto log = made(log_level::info);
    log.on_route_failure("orders", error::no_route);
    log.on_route_changed("orders", 4);
    CHECK(lines().size() == 2);
}

TEST_CASE_METHOD(log_fixture, "problems of different things are told apart", "[log_observer]") {
    auto log = made(log_level::warning);
    log.on_connect(peer, error::connect_timed_out);
    log.on_connect({"10.0.0.2", 10911}, error::connect_timed_out);
    log.on_connect(peer, error::connect_timed_out);
    CHECK(lines() == std::vector<std::string>{
                         "cannot connect to 10.0.0.1:10911: no connection before the deadline; trying again; check address, port and firewall",
                         "cannot connect to 10.0.0.2:10911: no connection before the deadline; trying again; check address, port and firewall"});
    log.on_connect(peer, {});
    CHECK(lines() == std::vector<std::string>{"connected to 10.0.0.1:10911"});
    log.on_connect(peer, {});
    CHECK(lines().empty());
}

TEST_CASE_METHOD(log_fixture, "each kind of problem names its queue, its cause and what happens next",
                 "[log_observer]") {
    auto log = made(log_level::warning);
    log.on_pull_failure(queue, response_code::system_busy);
    log.on_commit(queue, 8, error::request_timed_out);
    log.on_queue_acquire_failure(queue, error::no_broker_address);
    log.on_rebalance_failure("orders", error::no_members);
    log.on_heartbeat_failure(peer, error::request_timed_out);
    log.on_disconnect(peer, error::connection_closed);
    log.on_offset_corrected(queue, 5, 100);
    log.on_bad_message(queue, 9, error::message_crc_mismatch, bad_message::skip);
    log.on_bad_message(queue, 10, error::message_malformed, bad_message::send_back);
    log.on_bad_message(queue, 11, error::message_malformed, bad_message::stop);
    log.on_stopped("billing", error::stop_deadline_passed);
    CHECK(lines() == std::vector<std::string>{
                         "pulling orders/broker-a/3 failed: system busy (code 2); trying again; look at the broker's load",
                         "cannot commit orders/broker-a/3: no response before the deadline; trying again; " + timed_out,
                         "cannot take over orders/broker-a/3: the route has no address for the broker; trying again",
                         "cannot share out topic orders: the group's member list is empty; keeping what we have",
                         "heartbeat to 10.0.0.1:10911 failed: no response before the deadline; " + timed_out,
                         "lost the connection to 10.0.0.1:10911: the connection ended while a request was under way",
                         "orders/broker-a/3: offset 5 is not in the broker's range, going on at 100",
                         "orders/broker-a/3: message at offset 9 skipped: a message body does not match its checksum; look for a damaged "
                         "disk or memory at the broker; options::check_crc turns the comparison off",
                         "orders/broker-a/3: message at offset 10 sent back: " + malformed,
                         "orders/broker-a/3: message at offset 11 not passed: " + malformed,
                         "stopped, not cleanly: listener calls were still running at the stop deadline; find out why the listener hangs, or "
                         "raise options::stop_timeout"});
    log.on_commit(queue, 8, {});
    log.on_queue_acquired(queue, 8);
    CHECK(lines() ==
          std::vector<std::string>{"committed orders/broker-a/3 again", "took over orders/broker-a/3 after all"});
}

TEST_CASE_METHOD(log_fixture, "a log tells of name servers that cannot be looked up, and of those that are found",
                 "[log_observer]") {
    const auto tell = [](auto& log) {
        log.on_name_servers_changed(std::vector<endpoint>{{"10.0.0.1", 9876}, {"::1", 9876}});
        for (int i = 0; i < 3; ++i)
            log.on_name_server_lookup_failure("http://config/nsaddr", std::error_code(503, http_category()));
        log.on_name_servers_changed(std::vector<endpoint>{{"10.0.0.2", 9876}});
    };
    const std::vector<std::string> trouble{
        "cannot look up the name servers at http://config/nsaddr: HTTP status 503; trying again",
        "the name servers are 10.0.0.2:9876, looked up after all"};
    auto log = made(log_level::warning);
    tell(log);
    CHECK(lines() == trouble);
    auto more = made(log_level::info);
    tell(more);
    CHECK(lines() == std::vector<std::string>{"the name servers are 10.0.0.1:9876;[::1]:9876", trouble[0], trouble[1]});
    auto none = made(log_level::error);
    tell(none);
    CHECK(lines().empty());
}

TEST_CASE_METHOD(log_fixture, "trouble of a whole offset store is written once, and not for each of its queues",
                 "[log_observer]") {
    auto log        = made(log_level::warning);
    const auto full = std::make_error_code(std::errc::no_space_on_device);
    for (int i = 0; i < 2; ++i) {
        log.on_offset_store("/data/offsets.json", full);
        log.on_commit(queue, 8, full);
    }
    CHECK(lines() == std::vector<std::string>{"offsets in /data/offsets.json: " + full.message() + "; make room on the disk"});
    log.on_offset_store("/data/offsets.json", {});
    log.on_commit(queue, 9, {});
    CHECK(lines() == std::vector<std::string>{"offsets are kept in /data/offsets.json again"});
    log.on_commit(queue, 8, full); // of the queue alone
    CHECK(lines().size() == 1);
}

TEST_CASE_METHOD(log_fixture, "a message that is dropped is named", "[log_observer]") {
    detail::block_pool pool;
    pulled_batch<false> batch;
    test::fill(batch, pool, {7});
    auto log = made(log_level::warning);
    log.on_dropped(batch.views({0, 1})[0]);
    const auto told = lines();
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("message " + batch.views({0, 1})[0].message_id() + " of topic orders failed and is dropped") ==
          0);
}

TEST_CASE_METHOD(log_fixture, "a listener's exception is told with its words", "[log_observer]") {
    auto log = made(log_level::warning);
    log.on_listener_exception(queue, std::make_exception_ptr(std::runtime_error("bad luck")));
    log.on_listener_exception(queue, std::make_exception_ptr(42));
    const auto told = lines();
    REQUIRE(told.size() == 2);
    CHECK(told[0] == "orders/broker-a/3: the listener threw, the message is not consumed: bad luck");
    CHECK(told[1].find("the listener threw") != std::string::npos);
}

TEST_CASE_METHOD(log_fixture, "a higher level leaves out what is below it, and off everything", "[log_observer]") {
    auto errors = made(log_level::error);
    errors.on_pull_failure(queue, response_code::system_busy);
    errors.on_disconnect(peer, error::connection_closed);
    errors.on_bad_message(queue, 9, error::message_malformed, bad_message::skip);
    CHECK(lines().size() == 1);
    auto nothing = made(log_level::off);
    nothing.on_bad_message(queue, 9, error::message_malformed, bad_message::skip);
    nothing.on_stopped("billing", error::stop_deadline_passed);
    CHECK(lines().empty());
}

TEST_CASE_METHOD(log_fixture, "lines of several threads do not mix", "[log_observer]") {
    auto log = made(log_level::warning);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&log] {
            for (int count = 0; count < 100; ++count)
                log.on_listener_exception(queue, std::make_exception_ptr(std::runtime_error(std::string(200, 'x'))));
        });
    for (auto& each : threads)
        each.join();
    const auto told = lines();
    CHECK(!told.empty());
    for (const auto& each : told)
        CHECK(each.ends_with(": " + std::string(200, 'x')));
}

/// Keeps what a sink gets of each record: level, event, sentence, and the fields as text.
struct kept_record {
    log_level level;
    std::string event, sentence;
    std::vector<std::pair<std::string, std::string>> fields;
};
struct keeping_sink {
    std::shared_ptr<std::vector<kept_record>> kept = std::make_shared<std::vector<kept_record>>();
    void write(const log_record& record) const {
        kept_record one{record.level(), std::string(record.event()), {}, {}};
        record.append_sentence(one.sentence);
        record.visit_fields([&](std::string_view name, auto value) {
            if constexpr (std::is_same_v<decltype(value), std::int64_t>)
                one.fields.emplace_back(name, std::to_string(value));
            else
                one.fields.emplace_back(name, value);
        });
        kept->push_back(std::move(one));
    }
};

/// All that can go wrong or change, once.
template <class Log>
void tell_everything(Log& log, const message_view& message) {
    const auto thrown = std::make_exception_ptr(std::runtime_error("bad luck"));
    log.on_starting("billing");
    log.on_started("billing", "10.0.0.7@me");
    log.on_connect(peer, error::connect_timed_out);
    log.on_connect(peer, {});
    log.on_disconnect(peer, error::connection_closed);
    log.on_name_server_lookup_failure("http://config/x", error::no_name_servers);
    log.on_name_servers_changed(std::vector<endpoint>{peer});
    log.on_route_failure("orders", error::no_route);
    log.on_route_changed("orders", 4);
    log.on_heartbeat_failure(peer, error::request_timed_out);
    log.on_filter_refused("orders", response_code::subscription_parse_failed, "no SQL");
    log.on_rebalance("orders", std::vector<message_queue>(4), std::vector<message_queue>(1));
    log.on_rebalance_failure("orders", error::no_members);
    log.on_queue_acquire_failure(queue, error::no_broker_address);
    log.on_queue_acquired(queue, 7);
    log.on_queue_released(queue, 8);
    log.on_pop_begun(queue);
    log.on_pop_ended(queue);
    log.on_ack(queue, 3, error::request_timed_out);
    log.on_ack(queue, 3, {});
    log.on_invisible_time(message, std::chrono::seconds(10), error::request_timed_out);
    log.on_receipt_expired(message);
    log.on_lock_refused(queue);
    log.on_lock_lost(queue, error::lock_expired);
    log.on_lock_failure("broker-a", error::request_timed_out);
    log.on_queue_suspended(queue, std::chrono::seconds(1));
    log.on_pull_failure(queue, response_code::no_permission);
    log.on_flow_control(queue, flow_state::too_many_bytes, {100, 2000, 3000});
    log.on_offset_corrected(queue, 5, 100);
    log.on_bad_message(queue, 9, error::message_malformed, bad_message::skip);
    log.on_filter_exception(queue, thrown);
    log.on_listener_exception(queue, thrown);
    log.on_send_back(message, error::request_timed_out);
    log.on_consume_timeout(message, std::chrono::seconds(900));
    log.on_dropped(message);
    log.on_commit(queue, 8, error::request_timed_out);
    log.on_commit(queue, 8, {});
    log.on_offset_store("offsets.json", std::make_error_code(std::errc::no_space_on_device));
    log.on_offset_store("offsets.json", {});
    log.on_trace("RMQ_SYS_TRACE_TOPIC", error::no_route, 12);
    log.on_trace("RMQ_SYS_TRACE_TOPIC", {}, 14);
    log.on_stopped("billing", {});
}

struct told_message {
    detail::block_pool pool;
    pulled_batch<false> batch;
    message_view view = (test::fill(batch, pool, {7}), batch.views({0, 1})[0]);
};

TEST_CASE("every event has its word, its sentence and its fields", "[log_observer]") {
    told_message message;
    keeping_sink sink;
    basic_log_observer<keeping_sink> log(log_level::debug, sink);
    tell_everything(log, message.view);
    std::vector<std::string> words;
    for (const auto& each : *sink.kept) {
        words.push_back(each.event);
        CHECK(each.sentence.find("{}") == std::string::npos);
        CHECK_FALSE(each.sentence.empty());
        CHECK((each.event == "stopped" || !each.fields.empty()));
        const bool bad = each.event.ends_with("_failure");
        CHECK((!bad || each.level >= log_level::warning));
    }
    CHECK(words == std::vector<std::string>{
                       "started", "connect_failure", "connected", "disconnect", "name_server_lookup_failure", "name_servers",
                       "route_failure", "route_changed", "heartbeat_failure", "filter_refused", "rebalance", "rebalance_failure",
                       "queue_acquire_failure", "queue_acquired", "queue_acquired", "queue_released", "pop_begun", "pop_ended",
                       "ack_failure", "ack", "invisible_time_failure", "receipt_expired", "lock_refused", "lock_lost",
                       "lock_failure", "queue_suspended", "pull_failure", "flow_control", "offset_corrected", "bad_message",
                       "filter_exception", "listener_exception", "send_back_failure", "consume_timeout", "dropped",
                       "commit_failure", "commit", "offset_store_failure", "offset_store", "trace_failure", "trace", "stopped"});

    using named     = std::vector<std::pair<std::string, std::string>>;
    const auto pull = std::ranges::find(*sink.kept, "pull_failure", &kept_record::event);
    CHECK(pull->fields == named{{"topic", "orders"},
                                {"broker", "broker-a"},
                                {"queue_id", "3"},
                                {"error", "no permission (code 16)"},
                                {"error_code", "16"},
                                {"error_category", "rocketmq.response"},
                                {"remedy", "give the permission at the broker, or correct the credentials"}});
    const auto flow = std::ranges::find(*sink.kept, "flow_control", &kept_record::event);
    CHECK(flow->fields == named{{"topic", "orders"}, {"broker", "broker-a"}, {"queue_id", "3"}, {"reason", "byte limit"},
                                {"messages", "100"}, {"bytes", "2000"}, {"span", "3000"}});
    const auto dropped = std::ranges::find(*sink.kept, "dropped", &kept_record::event);
    CHECK(dropped->fields == named{{"message_id", message.view.message_id()}, {"message_topic", "orders"}, {"topic", "orders"}});
    const auto trace = std::ranges::find(*sink.kept, "trace_failure", &kept_record::event);
    CHECK(trace->sentence == "message trace does not get to topic RMQ_SYS_TRACE_TOPIC: the name server has no route for the topic; 12 "
                             "records lost so far; create the topic, or correct its name");
}

TEST_CASE("below its level nothing is turned into text: no allocation, and no sink hears of it", "[log_observer]") {
    told_message message;
    struct silent_sink {
        void write(const log_record&) const { FAIL("it is below the level"); }
    };
    basic_log_observer<silent_sink> log(log_level::off);
    tell_everything(log, message.view); // the group's name is kept
    const std::size_t before = test::allocation_count;
    log.on_connect(peer, error::connect_timed_out);
    log.on_route_failure("orders", error::no_route);
    log.on_pull_failure(queue, response_code::no_permission);
    log.on_queue_acquired(queue, 7);
    log.on_commit(queue, 8, error::request_timed_out);
    log.on_commit(queue, 8, {});
    log.on_dropped(message.view);
    log.on_flow_control(queue, flow_state::too_many_bytes, {100, 2000, 3000});
    const std::size_t after = test::allocation_count;
    CHECK(after == before);
}

} // namespace

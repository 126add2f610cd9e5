#include "tests/scenario/support/virtual_member.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::message_span;
using test::virtual_cluster;
using test::virtual_member;

struct orders_cluster : virtual_cluster {
    orders_cluster() {
        broker().create_topic("orders", 4);
        send("orders", 20);
    }
};

/// What a call threw; an empty code if it did not.
template <class Call>
std::system_error thrown_by(Call call) {
    try {
        call();
    } catch (const std::system_error& caught) {
        return caught;
    }
    return std::system_error(std::error_code());
}

TEST_CASE("a consumer starts once", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    CHECK(one.start() == std::error_code());
    CHECK(one.start() == error::already_started);
    cluster.runtime.advance(1s);
    CHECK(one.received().size() == 20); // and the second attempt changed nothing
    CHECK(one.stop() == std::error_code());
    CHECK(one.start() == error::already_stopped);
    CHECK(one.stop() == std::error_code());
}

TEST_CASE("two starts at once are one start", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    std::optional<std::error_code> first, second;
    one.begin_start([&](std::error_code result) { first = result; });
    one.begin_start([&](std::error_code result) { second = result; });
    REQUIRE(cluster.run_until([&] { return first && second; }));
    CHECK(first == std::error_code());
    CHECK(second == error::already_started);
}

TEST_CASE("a consumer that was never started stops, and can then not be started", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    CHECK(one.stop() == std::error_code());
    CHECK(one.start() == error::already_stopped);
    CHECK(cluster.broker().statistics().connections_accepted == 0);
}

TEST_CASE("a stop during start ends both, at whatever place start is", "[scenario]") {
    for (int handlers = 0; handlers < 60; ++handlers) {
        CAPTURE(handlers);
        orders_cluster cluster;
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        std::optional<std::error_code> started, stopped;
        one.begin_start([&](std::error_code result) { started = result; });
        int left = handlers;
        cluster.run_until([&] { return --left < 0; }, 0ms);
        one.begin_stop([&](std::error_code result) { stopped = result; });
        REQUIRE(cluster.run_until([&] { return started && stopped; }, 5s));
        CHECK(stopped == std::error_code());
        const bool as_it_should = started == std::error_code() || started == error::operation_cancelled;
        CHECK(as_it_should);
        cluster.runtime.advance(1s);
        CHECK(cluster.broker().members("billing").empty());
        CHECK(cluster.broker().statistics().connections_open == 0);
    }
}

TEST_CASE("a stop at any place of a busy consumer's life loses nothing and leaves nothing behind", "[scenario]") {
    for (int handlers = 0; handlers < 400; handlers += 7) {
        CAPTURE(handlers);
        orders_cluster cluster;
        std::size_t got = 0;
        {
            virtual_member one(cluster, "one", cluster.member_options());
            one.subscribe("orders");
            REQUIRE(one.start() == std::error_code());
            int left = handlers;
            cluster.run_until([&] { return --left < 0; }, 10ms);
            CHECK(one.stop() == std::error_code());
            got = one.received().size();
            CHECK(cluster.committed("orders", 4) == static_cast<queue_offset>(got));
            cluster.runtime.run_ready();
            CHECK(cluster.broker().statistics().connections_open == 0);
        }
        virtual_member rest(cluster, "rest", cluster.member_options());
        rest.subscribe("orders");
        REQUIRE(rest.start() == std::error_code());
        cluster.runtime.advance(100ms);
        CHECK(rest.received().size() + got == 20);
    }
}

TEST_CASE("all who stop a consumer at once hear when it has stopped", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    int stopped = 0;
    for (int i = 0; i < 3; ++i)
        one.begin_stop([&](std::error_code result) { stopped += !result; });
    CHECK(cluster.run_until([&] { return stopped == 3; }));
    CHECK(cluster.events->count("stopped") == 1);
}

TEST_CASE("a listener may stop its consumer; no further call begins", "[scenario]") {
    orders_cluster cluster;
    virtual_member* self = nullptr;
    std::optional<std::error_code> stopped;
    virtual_member one(cluster, "one", cluster.member_options(), [&](message_span messages, consume_context&) {
        if (messages.front().body() == "m7")
            self->begin_stop([&](std::error_code result) { stopped = result; });
        return consume_result::success;
    });
    self = &one;
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return stopped.has_value(); }));
    const auto calls = one.received().size();
    cluster.runtime.advance(1min);
    CHECK(one.received().size() == calls);
    CHECK(cluster.committed("orders", 4) == static_cast<queue_offset>(calls));
}

TEST_CASE("nothing of a stopped consumer runs any more", "[scenario]") {
    orders_cluster cluster;
    {
        virtual_member one(cluster, "one", cluster.member_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(1s);
        REQUIRE(one.stop() == std::error_code());
        const auto events = cluster.events->everything().size();
        cluster.send("orders", 10);
        cluster.runtime.advance(5min);
        CHECK(one.received().size() == 20);
        CHECK(cluster.events->everything().size() == events);
    }
}

TEST_CASE("options that cannot work are refused before anything is connected", "[scenario]") {
    virtual_cluster cluster;
    const auto refused = [&](const std::function<void(options&)>& change) {
        auto with = cluster.member_options();
        change(with);
        return thrown_by([&] { virtual_member one(cluster, "one", with); });
    };
    CHECK(refused([](options& with) { with.group = ""; }).code() == error::invalid_group);
    CHECK(refused([](options& with) { with.group = "bil ling"; }).code() == error::invalid_group);
    CHECK(refused([](options& with) { with.group = "DEFAULT_CONSUMER"; }).code() == error::invalid_group);
    CHECK(refused([](options& with) { with.name_servers = ""; }).code() == error::invalid_name_server);
    CHECK(refused([](options& with) { with.name_servers = "broker-a"; }).code() == error::invalid_name_server);
    const auto threads = refused([](options& with) { with.consume_threads = 0; });
    CHECK(threads.code() == error::invalid_option);
    CHECK(std::string(threads.what()).find("consume_threads is 0; it must be from 1 to 1000") != std::string::npos);
    CHECK(cluster.broker().statistics().connections_accepted == 0);
}

TEST_CASE("subscriptions that cannot work are refused", "[scenario]") {
    orders_cluster cluster;
    virtual_member one(cluster, "one", cluster.member_options());
    CHECK(thrown_by([&] { one.subscribe(""); }).code() == error::invalid_topic);
    CHECK(thrown_by([&] { one.subscribe("or ders"); }).code() == error::invalid_topic);
    CHECK(thrown_by([&] { one.subscribe("orders", tags("||")); }).code() == error::invalid_expression);
    CHECK(thrown_by([&] { one.subscribe("orders", sql(" ")); }).code() == error::invalid_expression);
}

} // namespace

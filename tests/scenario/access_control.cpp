#include "tests/scenario/support/virtual_member.hpp"

#include <rocketpush/embedded/account.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <map>
#include <string>
#include <vector>

#include "tests/scenario/support/each_once.hpp"
#include "tests/support/catch.hpp"

#if ROCKETPUSH_WITH_OPENSSL

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::broadcast_member;
using test::each_once;
using test::message_span;
using test::orderly_member;
using test::popping_member;
using test::virtual_cluster;
using test::virtual_member;

const embedded::account may_read{.access_key = "reader",
                                 .secret_key = "open sesame",
                                 .topics     = {"orders"},
                                 .groups     = {"billing"}};

embedded::account but(void (*change)(embedded::account&)) {
    auto changed = may_read;
    change(changed);
    return changed;
}

/// A cluster whose broker wants to know who asks, and the keys of who may.
struct guarded_cluster : virtual_cluster {
    explicit guarded_cluster(embedded::broker_options with = {}) : virtual_cluster(guard(std::move(with))) {
        broker().create_topic("orders", 4);
    }
    static embedded::broker_options guard(embedded::broker_options with) {
        with.accounts = {may_read};
        return with;
    }

    options signed_options(const credentials& with) const {
        auto given        = member_options();
        given.credentials = with;
        return given;
    }
    options signed_options() const { return signed_options(keys); }

    /// How often each request comes, each second of the next `seconds`: the most of one code in one second.
    std::map<request_code, std::uint64_t> most_a_second(int seconds) {
        std::map<request_code, std::uint64_t> most;
        auto before = broker().statistics().requests;
        for (int i = 0; i < seconds; ++i) {
            runtime.advance(1s);
            const auto now = broker().statistics().requests;
            for (const auto& [code, count] : now) {
                auto& so_far = most[static_cast<request_code>(code)];
                so_far       = std::max(so_far, count - before[code]);
            }
            before = now;
        }
        return most;
    }

    credentials keys{"reader", "open sesame"};
};

struct guarded_cluster_4_9 : guarded_cluster {
    guarded_cluster_4_9() : guarded_cluster({.version = embedded::version_4_9_7}) {}
};

} // namespace

TEMPLATE_TEST_CASE("a consumer with the right keys consumes", "[scenario]", guarded_cluster, guarded_cluster_4_9) {
    TestType cluster;
    cluster.send("orders", 40);
    virtual_member one(cluster, "one", cluster.signed_options(),
                       [failed = 0](message_span, consume_context&) mutable { // the retries, too
                           return ++failed == 1 ? consume_result::reconsume_later : consume_result::success;
                       });
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    REQUIRE(cluster.run_until([&] { return one.received().size() == 41; }));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 40);
    CHECK(cluster.broker().members("billing").empty());
    CHECK(cluster.events->count("access_denied") == 0);
}

TEST_CASE("orderly, popping and broadcasting consumers sign as well", "[scenario]") {
    guarded_cluster cluster;
    cluster.send("orders", 20);
    SECTION("orderly") {
        orderly_member one(cluster, "one", cluster.signed_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        CHECK(cluster.run_until([&] { return one.received().size() == 20; }));
        CHECK(one.stop() == std::error_code());
    }
    SECTION("popping") {
        cluster.broker().set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
        popping_member one(cluster, "one", cluster.signed_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        CHECK(cluster.run_until([&] { return one.received().size() == 20 && cluster.broker().consumed("billing", "orders"); }));
        CHECK(one.count("pop_begun") != 0);
        CHECK(one.stop() == std::error_code());
    }
    SECTION("broadcasting") {
        broadcast_member one(cluster, "one", cluster.signed_options());
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        CHECK(cluster.run_until([&] { return one.received().size() == 20; }));
        CHECK(one.stop() == std::error_code());
    }
    CHECK(cluster.events->count("access_denied") == 0);
}

TEMPLATE_TEST_CASE("a consumer that no broker lets in does not start, and is told why", "[scenario]", guarded_cluster,
                   guarded_cluster_4_9) {
    TestType cluster;
    const bool old = std::same_as<TestType, guarded_cluster_4_9>;
    struct stranger {
        credentials keys;
        std::vector<embedded::account> accounts;
        std::string words, old_words;
    };
    const auto who = GENERATE_COPY(
        stranger{{}, {may_read}, "username cannot be null.", "No accessKey is configured"},
        stranger{{"reader", "wrong"}, {may_read}, "check signature failed.", "Check signature failed for accessKey=reader"},
        stranger{{"nobody", "open sesame"}, {may_read}, "User:nobody is not found.", "No acl config for nobody"},
        stranger{{"reader", "open sesame"},
                 {but([](auto& account) { account.topics = {"refunds"}; })},
                 "User:reader has no permission to access Topic:orders from 127.0.0.1, no matched policies.",
                 "No default permission for topic:orders"},
        stranger{{"reader", "open sesame"},
                 {but([](auto& account) { account.groups = {"ledger"}; })},
                 "User:reader has no permission to access Group:billing from 127.0.0.1, no matched policies.",
                 "No default permission for group:billing"});
    cluster.broker().set_accounts(who.accounts);
    virtual_member one(cluster, "one", cluster.signed_options(who.keys));
    one.subscribe("orders");
    CHECK(one.start() == response_code::no_permission);
    const auto told = one.events("access_denied");
    REQUIRE(told.size() == 1);
    CHECK(told[0].code == response_code::no_permission);
    CHECK(told[0].about == "broker-a:10911 denies access to group billing: " + (old ? who.old_words : who.words));
    CHECK(cluster.broker().members("billing").empty());
    cluster.runtime.advance(10s); // and nothing of it goes on
    CHECK(cluster.broker().statistics().connections_open == 0);
}

TEST_CASE("a consumer that starts while the cluster is away goes on when it is denied later, one heartbeat a second", "[scenario]") {
    guarded_cluster cluster;
    cluster.stop_broker();
    credentials keys{"reader", "wrong"};
    virtual_member one(cluster, "one", cluster.signed_options(keys));
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.start_broker();
    cluster.broker().create_topic("orders", 4);
    REQUIRE(cluster.run_until([&] { return one.count("access_denied") != 0; }));
    const auto most = cluster.most_a_second(30);
    CHECK(most.at(request_code::heart_beat) == 1);
    CHECK(most.at(request_code::get_consumer_list) <= 2); // of each topic: the retry topic is one
    CHECK(one.count("access_denied") <= 2);               // the group's; the same words
    CHECK(one.received().empty());

    keys.replace("reader", "open sesame");
    cluster.send("orders", 8);
    CHECK(cluster.run_until([&] { return each_once(one, 8); }, 3s));
}

TEST_CASE("keys that are replaced while a consumer runs cost nothing, no connection and no message", "[scenario]") {
    guarded_cluster cluster;
    virtual_member one(cluster, "one", cluster.signed_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    auto both = std::vector{may_read, but([](auto& account) {
                                account.access_key = "reader-2";
                                account.secret_key = "open barley";
                            })};
    for (int turn = 0; turn < 6; ++turn) {
        cluster.broker().set_accounts(both); // the new keys are valid before the old ones end
        cluster.send("orders", 20, std::to_string(turn) + '/');
        cluster.runtime.advance(500ms);
        const auto& next = both[turn % 2 == 0 ? 1 : 0];
        cluster.keys.replace(next.access_key, next.secret_key, turn % 3 == 0 ? "lent" : "");
        cluster.runtime.advance(20s); // pulls of the old keys have ended
        cluster.broker().set_accounts({next});
        cluster.send("orders", 20, std::to_string(turn) + "/later");
        cluster.runtime.advance(20s);
    }
    CHECK(each_once(one, 240));
    CHECK(cluster.events->count("access_denied") == 0);
    CHECK(cluster.broker().statistics().connections_accepted == 1);
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 240);
}

TEST_CASE("what is denied while a consumer runs is told once, tried once a second, and goes on when it may", "[scenario]") {
    guarded_cluster cluster;
    virtual_member one(cluster, "one", cluster.signed_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 8, "before");
    cluster.runtime.advance(6s);
    REQUIRE(one.received().size() == 8);

    cluster.broker().set_accounts({but([](auto& account) { account.topics.clear(); })});
    cluster.send("orders", 8, "meanwhile");
    cluster.runtime.advance(20s); // the pulls that were held are over
    const auto most = cluster.most_a_second(60);
    CHECK(most.at(request_code::pull_message) <= 4 + 1); // each of four queues; the retry topic may still be read
    CHECK(most.at(request_code::heart_beat) <= 1);
    CHECK(most.at(request_code::get_consumer_list) <= 2);
    CHECK(most.at(request_code::update_consumer_offset) <= 4 + 1);
    const auto told = one.events("access_denied");
    REQUIRE(told.size() >= 1);
    CHECK(told.size() <= 2); // pulls name the topic; heartbeats, for the group, have the same words
    CHECK(std::ranges::any_of(told, [](const auto& each) {
        return each.about == "broker-a:10911 denies access to topic orders: User:reader has no permission to access "
                             "Topic:orders from 127.0.0.1, no matched policies.";
    }));

    cluster.broker().set_accounts({may_read});
    CHECK(cluster.run_until([&] { return one.received().size() == 16; }, 3s));
    CHECK(each_once(one, 16));
    CHECK(cluster.broker().statistics().connections_accepted == 1);
}

TEST_CASE("every loop of a consumer whose keys have become wrong tries once a second at most", "[scenario]") {
    guarded_cluster cluster;
    const auto fail_all = [](message_span, auto&) { return consume_result::reconsume_later; };
    const auto wrong    = but([](auto& account) { account.secret_key = "changed"; });
    cluster.send("orders", 4);
    const auto check = [&](auto& one) {
        one.subscribe("orders");
        REQUIRE(one.start() == std::error_code());
        cluster.runtime.advance(2s);
        cluster.broker().set_accounts({wrong});
        cluster.runtime.advance(20s);
        const auto most = cluster.most_a_second(90);
        for (const auto& [code, count] : most) {
            CAPTURE(static_cast<int>(code));
            const bool of_queues = code == request_code::pull_message || code == request_code::pop_message ||
                                   code == request_code::update_consumer_offset ||
                                   code == request_code::query_consumer_offset || code == request_code::lock_batch ||
                                   code == request_code::consumer_send_back || code == request_code::send_message_v2;
            // Four queues, or four messages, and the queue of the retry topic; two topics; one client.
            CHECK(count <= (of_queues ? 5u : code == request_code::heart_beat ? 1u : 2u));
        }
        CHECK(most.at(request_code::heart_beat) == 1);
        CHECK(cluster.events->count("access_denied") <= 3);
        CHECK(one.stop() == std::error_code());
    };
    SECTION("concurrent, with messages to send back") {
        virtual_member one(cluster, "one", cluster.signed_options(), fail_all);
        check(one);
    }
    SECTION("orderly") {
        orderly_member one(cluster, "one", cluster.signed_options(),
                           [](message_span, orderly_context&) { return consume_result::reconsume_later; });
        check(one);
    }
    SECTION("popping") {
        cluster.broker().set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
        popping_member one(cluster, "one", cluster.signed_options());
        check(one);
    }
}

TEST_CASE("an orderly consumer asks for locks that are denied once a second", "[scenario]") {
    guarded_cluster cluster;
    auto with                = cluster.signed_options();
    with.lock_retry_interval = 100ms;
    cluster.broker().fail_next(request_code::lock_batch, response_code::no_permission, 1000);
    orderly_member one(cluster, "one", with);
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.runtime.advance(500ms); // between two rounds of tries
    const auto most = cluster.most_a_second(20);
    CHECK(most.at(request_code::lock_batch) == 5);
    CHECK(one.count("access_denied") == 2); // of the topic and, for the retry topic, of the group
}

TEST_CASE("consumers of one client have one set of keys", "[scenario]") {
    guarded_cluster cluster;
    cluster.send("orders", 8);
    virtual_member::shared_client client(cluster, {.name_servers = to_string(cluster.address()), .credentials = cluster.keys});
    virtual_member one(cluster, client, "one", cluster.member_options()); // the client's
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    CHECK(cluster.run_until([&] { return one.received().size() == 8; }, 5s));
    try {
        virtual_member two(cluster, client, "two", cluster.signed_options({"reader", "open sesame"}));
        FAIL("the same keys in another handle could be replaced apart from these");
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == error::invalid_option);
        CHECK(std::string(refused.what()).find("sesame") == std::string::npos);
    }
}

#endif

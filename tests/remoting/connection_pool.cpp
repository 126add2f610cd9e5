#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/connection_pool.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/memory_peer.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;
using pool_type = connection_pool<memory_transport, manual_runtime>;
using link_type = pool_type::connection_type;
template <class T>
using task   = pool_type::task<T>;
using answer = std::optional<result<pool_type::connection_ptr>>;

task<void> get(pool_type& pool, endpoint where, answer& into) {
    auto got = co_await pool.get(std::move(where));
    into.emplace(std::move(got));
}

struct pool_fixture {
    manual_runtime runtime;
    std::shared_ptr<memory_network> network = std::make_shared<memory_network>();
    const endpoint at{"broker-a", 10911};
    std::optional<test::memory_peer> peer{std::in_place, runtime, network, at};

    // What the pool told.
    std::vector<std::error_code> attempts;
    std::vector<std::error_code> ends;
    // What the greeting does.
    bool greets   = false;
    bool throws   = false;
    int greetings = 0;
    detail::signal_flag<manual_runtime> greeted{runtime};
    std::error_code greeting_answer;

    std::optional<pool_type> pool{std::in_place, runtime, memory_transport(network), protocol::default_frame_limit, 3s,
                                  events()};

    ~pool_fixture() {
        pool->close();
        greeted.set();
        runtime.run_ready();
        pool.reset();
        runtime.run_ready();
    }

    static task<std::error_code> greet(void* self, std::shared_ptr<link_type>) {
        auto& here = *static_cast<pool_fixture*>(self);
        ++here.greetings;
        if (here.greets) co_await here.greeted.wait();
        if (here.throws) throw std::bad_alloc();
        co_return here.greeting_answer;
    }
    pool_events<link_type> events() {
        return {
            this, &greet, nullptr,
            [](void* self, const endpoint&, std::error_code ec) {
                static_cast<pool_fixture*>(self)->attempts.push_back(ec);
            },
            [](void* self, link_type&, std::error_code ec) { static_cast<pool_fixture*>(self)->ends.push_back(ec); }};
    }

    void ask(answer& into) { asio::co_spawn(runtime.get_executor(), get(*pool, at, into), asio::detached); }
    answer ask_now() {
        answer got;
        ask(got);
        runtime.run_ready();
        return got;
    }
};

TEST_CASE_METHOD(pool_fixture, "the first who asks connects, the next get the same connection", "[connection_pool]") {
    CHECK(pool->find(at) == nullptr);
    const auto first = ask_now();
    REQUIRE((first && *first));
    CHECK((**first)->peer() == at);
    CHECK(pool->find(at) == **first);
    const auto second = ask_now();
    CHECK(**second == **first);
    CHECK(peer->sessions.size() == 1);
    CHECK(attempts == std::vector<std::error_code>{std::error_code()});
    CHECK(greetings == 1);
}

TEST_CASE_METHOD(pool_fixture, "an attempt that throws ends as one that fails, for all who share it", "[connection_pool]") {
    greets = throws = true;
    std::vector<answer> answers(3);
    for (auto& each : answers) ask(each);
    runtime.run_ready();
    greeted.set();
    runtime.run_ready();
    const auto failure = std::make_error_code(std::errc::not_enough_memory);
    for (const auto& each : answers) {
        REQUIRE(each);
        CHECK(each->error() == failure);
    }
    CHECK(attempts == std::vector{failure});
    CHECK(pool->find(at) == nullptr);
    throws = false;
    runtime.advance(3s); // the backoff
    const auto again = ask_now();
    REQUIRE(again);
    CHECK(*again);
}

TEST_CASE_METHOD(pool_fixture, "those who ask meanwhile share one attempt", "[connection_pool]") {
    greets = true;
    std::vector<answer> answers(5);
    for (auto& each : answers) ask(each);
    runtime.run_ready();
    CHECK(peer->sessions.size() == 1);
    for (const auto& each : answers) CHECK_FALSE(each); // nobody gets it before it was greeted
    CHECK(pool->find(at) == nullptr);
    greeted.set();
    runtime.run_ready();
    for (const auto& each : answers) {
        REQUIRE((each && *each));
        CHECK(**each == pool->find(at));
    }
    CHECK(peer->sessions.size() == 1);
    CHECK(greetings == 1);
}

TEST_CASE_METHOD(pool_fixture, "a failed attempt is told, and not repeated before its backoff is over",
                 "[connection_pool]") {
    network->set(at, memory_network::reach::refused);
    const auto first = ask_now();
    REQUIRE(first);
    CHECK(first->error() == asio::error::connection_refused);
    CHECK(attempts.size() == 1);

    runtime.advance(24ms); // the first delay is 25 to 50 ms
    CHECK(ask_now()->error() == asio::error::connection_refused);
    CHECK(attempts.size() == 1); // not tried: the last attempt's error at once
    runtime.advance(26ms);
    CHECK(ask_now()->error() == asio::error::connection_refused);
    CHECK(attempts.size() == 2);

    network->set(at, memory_network::reach::open);
    runtime.advance(49ms); // the second is 50 to 100 ms
    CHECK_FALSE(*ask_now());
    runtime.advance(51ms);
    CHECK(*ask_now());
    CHECK(attempts.size() == 3);
}

TEST_CASE_METHOD(pool_fixture, "the backoff grows to two seconds and begins anew after a success",
                 "[connection_pool]") {
    network->set(at, memory_network::reach::refused);
    for (int i = 0; i < 8; ++i) {
        CHECK_FALSE(*ask_now());
        runtime.advance(2s);
    }
    CHECK(attempts.size() == 8);
    CHECK_FALSE(*ask_now());
    runtime.advance(999ms);
    CHECK_FALSE(*ask_now());
    CHECK(attempts.size() == 9);

    network->set(at, memory_network::reach::open);
    runtime.advance(1001ms);
    REQUIRE(*ask_now());
    network->cut(at);
    network->set(at, memory_network::reach::refused);
    runtime.run_ready();
    CHECK_FALSE(*ask_now());
    runtime.advance(50ms);
    CHECK_FALSE(*ask_now());
    CHECK(attempts.size() == 12);
}

TEST_CASE_METHOD(pool_fixture, "a connect that gets no answer ends at its timeout", "[connection_pool]") {
    network->set(at, memory_network::reach::silent);
    answer got;
    ask(got);
    runtime.advance(3s - 1ms);
    CHECK_FALSE(got);
    runtime.advance(1ms);
    REQUIRE(got);
    CHECK(got->error() == error::connect_timed_out);
    CHECK(attempts == std::vector<std::error_code>{error::connect_timed_out});
}

TEST_CASE_METHOD(pool_fixture, "a lost connection is told, and opened again at once", "[connection_pool]") {
    const auto first = ask_now();
    network->cut(at);
    runtime.run_ready();
    CHECK(ends == std::vector<std::error_code>{asio::error::connection_reset});
    CHECK(pool->find(at) == nullptr);
    const auto second = ask_now();
    REQUIRE((second && *second));
    CHECK(**second != **first);
    CHECK(pool->find(at) == **second);
    CHECK(peer->sessions.size() == 2);
    CHECK(greetings == 2);
}

TEST_CASE_METHOD(pool_fixture, "a greeting that fails is a failed attempt", "[connection_pool]") {
    greeting_answer = error::request_timed_out;
    const auto got  = ask_now();
    REQUIRE(got);
    CHECK(got->error() == error::request_timed_out);
    CHECK(attempts == std::vector<std::error_code>{error::request_timed_out});
    CHECK(pool->find(at) == nullptr);
    runtime.run_ready();
    CHECK(peer->last().ended);
    CHECK(ask_now()->error() == error::request_timed_out); // the backoff's
    CHECK(peer->sessions.size() == 1);
}

TEST_CASE_METHOD(pool_fixture, "a greeting may take longer than a connect", "[connection_pool]") {
    greets = true;
    answer got;
    ask(got);
    runtime.advance(10s);
    CHECK_FALSE(got);
    greeted.set();
    runtime.run_ready();
    REQUIRE(got);
    CHECK(*got);
}

TEST_CASE_METHOD(pool_fixture, "closing ends connections, and nothing opens again", "[connection_pool]") {
    const auto open = ask_now();
    REQUIRE(*open);
    pool->close();
    CHECK_FALSE((**open)->is_open());
    CHECK(ends == std::vector<std::error_code>{error::operation_cancelled});
    CHECK(ask_now()->error() == error::operation_cancelled);
    runtime.run_ready();
    CHECK(peer->last().ended);
    pool->close();
    CHECK(ends.size() == 1);
}

TEST_CASE_METHOD(pool_fixture, "closing ends an attempt that is under way, for all who wait", "[connection_pool]") {
    network->set(at, memory_network::reach::silent);
    answer first, second;
    ask(first);
    ask(second);
    runtime.run_ready();
    pool->close();
    runtime.run_ready();
    REQUIRE((first && second));
    CHECK(first->error() == error::operation_cancelled);
    CHECK(second->error() == error::operation_cancelled);
}

TEST_CASE_METHOD(pool_fixture, "closing ends an attempt whose connection is being greeted", "[connection_pool]") {
    greets = true;
    answer got;
    ask(got);
    runtime.run_ready();
    REQUIRE(peer->sessions.size() == 1);
    pool->close();
    runtime.run_ready();
    CHECK(peer->last().ended); // at once: what the greeting waits for ends with its connection
    greeted.set();
    runtime.run_ready();
    REQUIRE(got);
    CHECK(got->error() == error::operation_cancelled);
    CHECK(pool->find(at) == nullptr);
}

TEST_CASE_METHOD(pool_fixture, "a dropped address loses its connection, and may be asked for again", "[connection_pool]") {
    pool->drop(at); // unknown
    const auto first = ask_now();
    REQUIRE((first && *first));
    const endpoint other{"broker-b", 10911};
    test::memory_peer second(runtime, network, other);
    answer of_other;
    asio::co_spawn(runtime.get_executor(), get(*pool, other, of_other), asio::detached);
    runtime.run_ready();
    pool->drop(at);
    runtime.run_ready();
    CHECK(pool->find(at) == nullptr);
    CHECK(peer->last().ended);
    CHECK_FALSE(second.last().ended);
    CHECK(ends == std::vector<std::error_code>{error::operation_cancelled});
    const auto again = ask_now();
    REQUIRE((again && *again));
    CHECK(peer->sessions.size() == 2);
}

TEST_CASE_METHOD(pool_fixture, "dropping ends an attempt that is under way, and leaves no backoff", "[connection_pool]") {
    network->set(at, memory_network::reach::silent);
    answer got;
    ask(got);
    runtime.run_ready();
    pool->drop(at);
    runtime.run_ready();
    REQUIRE(got);
    CHECK(got->error() == error::operation_cancelled);
    network->set(at, memory_network::reach::open);
    const auto again = ask_now();
    REQUIRE((again && *again));
}

TEST_CASE_METHOD(pool_fixture, "each address has a connection of its own", "[connection_pool]") {
    const endpoint other{"broker-b", 10911};
    test::memory_peer second(runtime, network, other);
    REQUIRE(*ask_now());
    answer got;
    asio::co_spawn(runtime.get_executor(), get(*pool, other, got), asio::detached);
    runtime.run_ready();
    REQUIRE((got && *got));
    CHECK((**got)->peer() == other);
    CHECK(pool->find(at) != pool->find(other));
    CHECK(second.sessions.size() == 1);
}

TEST_CASE_METHOD(pool_fixture, "a pool may go while its closed connections still have to hear of it",
                 "[connection_pool]") {
    REQUIRE(*ask_now());
    pool->close();
    pool.reset();
    runtime.run_ready();
    pool.emplace(runtime, memory_transport(network), protocol::default_frame_limit, 3s, events());
}

} // namespace

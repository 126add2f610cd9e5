#include <rocketpush/push_consumer.hpp>

#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/offset_store/file_offset_store.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <asio/io_context.hpp>

#include <concepts>
#include <string>
#include <system_error>
#include <utility>

#include "tests/support/archetypes/allocation_strategy.hpp"
#include "tests/support/archetypes/executor_policy.hpp"
#include "tests/support/archetypes/listener.hpp"
#include "tests/support/archetypes/observer.hpp"
#include "tests/support/archetypes/offset_store.hpp"
#include "tests/support/archetypes/runtime.hpp"
#include "tests/support/archetypes/transport.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

struct on_entry {
    void operator()(const message_view&) const {}
};

// Two spellings of an assembly are one type.

static_assert(std::same_as<consumer_of<on_entry>, push_consumer<on_entry>>);
static_assert(std::same_as<push_consumer<on_entry>,
                           push_consumer<on_entry, tcp_transport, average_allocation, broker_offset_store, thread_pool_executor,
                                         log_observer, asio_runtime>>);
static_assert(std::same_as<consumer_of<on_entry, circle_allocation>, push_consumer<on_entry, tcp_transport, circle_allocation>>);
static_assert(std::same_as<consumer_of<on_entry, inline_executor, circle_allocation>,
                           consumer_of<on_entry, circle_allocation, inline_executor>>);
static_assert(std::same_as<consumer_of<on_entry, strand_runtime, no_observer, memory_transport>,
                           push_consumer<on_entry, memory_transport, average_allocation, broker_offset_store,
                                         thread_pool_executor, no_observer, strand_runtime>>);

// Values say it too, in any order.

template <class... Given>
using deduced = decltype(push_consumer(std::declval<options>(), std::declval<Given>()...));

static_assert(std::same_as<deduced<on_entry>, push_consumer<on_entry>>);
static_assert(std::same_as<deduced<on_entry, inline_executor>, consumer_of<on_entry, inline_executor>>);
static_assert(std::same_as<deduced<on_entry, inline_executor, circle_allocation, no_observer>,
                           deduced<on_entry, no_observer, inline_executor, circle_allocation>>);
static_assert(std::same_as<deduced<on_entry, asio_runtime, memory_transport>,
                           consumer_of<on_entry, memory_transport, asio_runtime>>);
static_assert(std::same_as<decltype(push_consumer(std::declval<client<>&>(), options(), on_entry(), inline_executor())),
                           consumer_of<on_entry, inline_executor>>);
static_assert(
    std::same_as<decltype(push_consumer(std::declval<client<memory_transport, strand_runtime>&>(), options(), on_entry())),
                 consumer_of<on_entry, strand_runtime, memory_transport>>);

// A value that is no part of the assembly would have no effect, and is refused.

static_assert(std::constructible_from<consumer_of<on_entry, inline_executor>, options, on_entry, inline_executor>);
static_assert(!std::constructible_from<consumer_of<on_entry>, options, on_entry, inline_executor>);
static_assert(!std::constructible_from<consumer_of<on_entry>, client<>&, options, on_entry, asio_runtime>); // the client's

// What the concepts ask and no more is enough for a whole consumer.

using archetype_consumer = push_consumer<test::listener_archetype, test::transport_archetype, test::allocation_archetype,
                                         test::offset_store_archetype, test::executor_archetype, test::observer_archetype,
                                         test::runtime_archetype>;

TEST_CASE("a consumer of archetypes is assembled from their values in any order, and runs", "[push_consumer]") {
    asio::io_context context;
    bool started = false, stopped = false;
    {
        archetype_consumer consumer(options{.name_servers = "127.0.0.1:9876", .group = "billing"}, test::listener_archetype(1),
                                    test::offset_store_archetype(1), test::runtime_archetype(context.get_executor()),
                                    test::observer_archetype(1), test::executor_archetype(1), test::transport_archetype(1),
                                    test::allocation_archetype(1));
        consumer.subscribe("orders");
        consumer.async_start([&](std::error_code failure) { started = !failure; }); // all connects fail: it goes on trying
        while (!started)
            context.run_one();
        consumer.async_stop([&](std::error_code failure) { stopped = !failure; });
        while (!stopped)
            context.run_one();
    }
    CHECK(context.run() < 1000); // ends: nothing is left
}

TEST_CASE("wrong options are refused by the constructor, in words that name the member, its value and what would do",
          "[push_consumer]") {
    const auto words = [](const options& with) -> std::string {
        try {
            push_consumer consumer{with, on_entry{}, inline_executor{}};
        } catch (const std::system_error& refused) {
            return refused.what();
        }
        return "accepted";
    };
    const options good{.name_servers = "127.0.0.1:9876", .group = "billing"};
    CHECK(words(good) == "accepted");
    auto with  = good;
    with.group = "bil ling";
    CHECK(words(with).find("group \"bil ling\"") != std::string::npos);
    with              = good;
    with.name_servers = "here";
    CHECK(words(with).find("name_servers \"here\" is not a list of host:port") != std::string::npos);
    with                 = good;
    with.pull_batch_size = 2000;
    CHECK(words(with).find("pull_batch_size is 2000; it must be from 1 to 1024") != std::string::npos);
    with                  = good;
    with.when_bad_message = bad_message::send_back;
    CHECK(words(with) == "accepted");
    const auto refused = [&](auto policy) -> std::string {
        try {
            push_consumer consumer{with, on_entry{}, inline_executor{}, std::move(policy)};
        } catch (const std::system_error& problem) {
            return problem.what();
        }
        return "accepted";
    };
    CHECK(refused(file_offset_store({.directory = "unused"})).find("when_bad_message is send_back") != std::string::npos);
    with.when_bad_message = bad_message::stop;
    CHECK(refused(broker_allocation()).find("when_bad_message is stop") != std::string::npos);
}

TEST_CASE("calls that need a running consumer are refused before start", "[push_consumer]") {
    push_consumer consumer{options{.name_servers = "127.0.0.1:9876", .group = "billing"}, on_entry{}, inline_executor{}};
    try {
        consumer.statistics();
        FAIL("statistics of a consumer that does not run");
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == error::not_running);
        CHECK(std::string(refused.what()).find("billing") != std::string::npos);
    }
    CHECK(consumer.settings().group == "billing");
    consumer.stop();
    consumer.stop();
}

} // namespace

template class rocketpush::push_consumer<rocketpush::test::listener_archetype, rocketpush::test::transport_archetype,
                                         rocketpush::test::allocation_archetype, rocketpush::test::offset_store_archetype,
                                         rocketpush::test::executor_archetype, rocketpush::test::observer_archetype,
                                         rocketpush::test::runtime_archetype>;

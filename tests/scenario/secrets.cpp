#include <rocketpush/push_consumer.hpp>

#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/executor/inline_executor.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <semaphore>
#include <string>
#include <system_error>

#include "tests/support/catch.hpp"

#if ROCKETPUSH_WITH_OPENSSL

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

/// All that a consumer says, in files and exceptions and answers.
struct everything_said {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> log{std::tmpfile(), &std::fclose};
    std::string told;

    template <class F>
    void what_is_thrown_by(F&& function) {
        try {
            function();
            FAIL("nothing was thrown");
        } catch (const std::system_error& thrown) {
            told += thrown.what();
            told += '\n';
        }
    }
    std::string text() const {
        auto all = told;
        std::rewind(log.get());
        for (int c = std::fgetc(log.get()); c != EOF; c = std::fgetc(log.get()))
            all += static_cast<char>(c);
        return all;
    }
};

/// What a test with threads waits for.
struct happenings {
    std::counting_semaphore<> consumed{0}, denied{0};

    static bool come(std::counting_semaphore<>& awaited) { return awaited.try_acquire_for(30s); }
};

struct denial_watch : no_observer {
    explicit denial_watch(happenings& into) : to(&into) {}
    happenings* to;
    void on_access_denied(const std::string&, std::error_code, const std::string&) { to->denied.release(); }
};

const std::string right = "RIGHT-d41d8cd98f00b204", other = "OTHER-e9800998ecf8427e", wrong = "WRONG-5f4dcc3b5aa765d6",
                  token = "TOKEN-098f6bcd4621d373";

auto make_consumer(const options& with, const everything_said& said, happenings& seen) {
    return push_consumer{with, [&seen](const message_view&) { seen.consumed.release(); }, inline_executor(),
                         observers{log_observer(log_level::debug, said.log.get()), denial_watch(seen)}};
}

TEST_CASE("no log, exception, statistics or answer to an administrator has a secret", "[scenario]") {
    everything_said said;
    REQUIRE(said.log);
    embedded::broker_options guarded;
    guarded.accounts = {{.access_key = "reader", .secret_key = right, .topics = {"*"}, .groups = {"*"}},
                        {.access_key = "second", .secret_key = other, .topics = {"*"}, .groups = {"*"}}};
    embedded::broker broker(guarded);
    broker.create_topic("orders", 2);
    broker.send("orders", "one");
    happenings seen;
    credentials keys("reader", right);
    options with{.name_servers = broker.name_server_address(), .group = "billing", .credentials = keys, .from = consume_from::first};
    {
        auto consumer = make_consumer(with, said, seen);
        consumer.subscribe("orders");
        consumer.start();
        REQUIRE(happenings::come(seen.consumed));
        keys.replace("reader", wrong, token);
        broker.drop_connections(); // or pulls that are held would not hear of it for a while
        REQUIRE(happenings::come(seen.denied));
        const auto state = consumer.statistics();
        said.told += state.group + state.client_id;
        for (const auto& queue : state.queues)
            said.told += queue.queue.topic + queue.queue.broker_name;
        keys.replace("second", other);
        broker.send("orders", "two");
        REQUIRE(happenings::come(seen.consumed));
        const auto shown = broker.running_info("billing", state.client_id, true).get(); // what administrators see, stacks too
        REQUIRE(shown.code == response_code::success);
        REQUIRE(shown.body.find("consumerGroup") != std::string::npos);
        said.told += shown.body;
        consumer.stop();
    }
    said.what_is_thrown_by([&] { credentials("reader", wrong + '\n'); });
    said.what_is_thrown_by([&] { credentials("reader", right, token + '\n'); });
    said.what_is_thrown_by([&] { keys.replace("", wrong); });
    said.what_is_thrown_by([&] {
        auto bad        = with;
        bad.credentials = credentials("reader", wrong);
        auto consumer   = make_consumer(bad, said, seen);
        consumer.subscribe("orders");
        consumer.start(); // denied
    });
    said.what_is_thrown_by([&] {
        auto bad            = with;
        bad.consume_threads = 0;
        make_consumer(bad, said, seen);
    });

    const auto text = said.text();
    CAPTURE(text);
    CHECK(text.find("denies access to ") != std::string::npos); // it was said what is wrong
    CHECK(text.find("check signature failed.") != std::string::npos);
    for (const auto& secret : {right, other, wrong, token})
        for (const auto& form : {secret, detail::to_base64(secret), secret.substr(0, 10), secret.substr(secret.size() - 10)})
            CHECK(text.find(form) == std::string::npos);
}

} // namespace

#endif

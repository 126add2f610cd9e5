#include <rocketpush/embedded/pop_revival.hpp>

#include "tests/embedded/pop_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

protocol::pop_request for_a_second(protocol::pop_request wanted) {
    wanted.invisible_millis = 1000;
    return wanted;
}

} // namespace

TEST_CASE("a message that nobody acknowledges comes again and again, counted, from the broker", "[embedded]") {
    pop_fixture f;
    f.send("a", "paid");
    const auto first = f.pop(for_a_second(f.request()));
    for (int times = 1; times <= 3; ++times) {
        f.pass(1s);
        const auto again = f.pop(for_a_second(f.request()));
        REQUIRE(again.bodies() == texts{"a"});
        CHECK(again.messages[0].reconsume_times == times);
        CHECK(again.messages[0].property(property_names::first_pop_time) == std::to_string(first.pop_time));
    }
    const auto stored = f.logic.messages("%RETRY%billing_orders");
    REQUIRE(stored.size() == 3);
    CHECK(stored[0]->topic() == "%RETRY%billing_orders");
    CHECK(stored[0]->born_host().to_string() == "127.0.0.1:10911");
    CHECK(stored[0]->tags() == "paid");
    CHECK(!stored[0]->property(property_names::pop_receipt));
}

TEST_CASE("a pop that waits gets a message when it comes again", "[embedded]") {
    pop_fixture f;
    f.send("a");
    f.pop(for_a_second(f.request()));
    const auto of_the_queue = f.tell(f.member, f.poll(1));
    auto other              = f.poll();
    other.consumer_group    = "shipping";
    const auto of_others    = f.tell(f.member, other); // gets the message itself
    CHECK(f.answer_to(of_others)->bodies() == texts{"a"});
    const auto waits = f.tell(f.member, other);
    f.pass(999ms);
    CHECK(f.logic.statistics().pops_held == 2);
    f.pass(1ms);
    CHECK(f.answer_to(of_the_queue)->bodies() == texts{"a"});
    CHECK(f.logic.statistics().pops_held == 1); // the other group's goes on
    (void)waits;
}

TEST_CASE("retries lie in the topic of the second naming where the broker has it, and old ones are found",
          "[embedded]") {
    embedded::broker_options options;
    options.pop_retry_v2 = true;
    pop_fixture f(options);
    f.send("a");
    f.pop(for_a_second(f.request()));
    f.pass(1s);
    CHECK(f.logic.stored("%RETRY%billing+orders") == 1);
    f.logic.create_topic("%RETRY%billing_orders", 1); // left by a broker without it
    CHECK(f.store("%RETRY%billing_orders", "left", {.queue = 0}));
    const auto both = f.pop(for_a_second(f.request()));
    CHECK(both.bodies() == texts{"a", "left"});
    CHECK(both.starts == "2 0 0;1 0 0");
    CHECK(protocol::parse_receipt(both.messages.at(0).receipt)->topic == protocol::pop_topic::retry_v2);
    CHECK(both.messages.at(0).topic == "orders");
    CHECK(f.ack(both.messages.at(0).receipt) == response_code::success);
    f.pass(1s);
    CHECK(f.logic.stored("%RETRY%billing_orders") == 2); // a retry comes again in its own topic
    CHECK(f.pop(f.request()).bodies() == texts{"left"});
}

TEST_CASE("a message that the log does not have any more does not come again", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b"})
        f.send(body);
    f.pop(for_a_second(f.request()));
    f.logic.drop_before("orders", 0, 1);
    f.pass(1s);
    CHECK(f.pop(f.request()).bodies() == texts{"b"});
}

TEST_CASE("a topic's check points go with it", "[embedded]") {
    pop_fixture f;
    f.send("a");
    f.pop(for_a_second(f.request()));
    f.logic.forget_topic("orders");
    CHECK(f.logic.statistics().messages_popped == 0);
    f.pass(2s);
    CHECK(f.logic.stored("%RETRY%billing_orders") == 0);
}

TEST_CASE("the broker names the time when a popped message comes again", "[embedded]") {
    pop_fixture f;
    f.send("a");
    f.pop(for_a_second(f.request()));
    CHECK(f.logic.next_due() == f.now.steady + 1s);
}

#include <rocketpush/embedded/pop_reading.hpp>

#include "tests/embedded/pop_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

TEST_CASE("a pop gets messages with their receipts, and hides them from the group", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    auto wanted         = f.request();
    wanted.max_messages = 2;
    const auto first    = f.pop(wanted);
    CHECK(first.code == response_code::success);
    CHECK(first.remark == "FOUND");
    CHECK(first.bodies() == texts{"a", "b"});
    CHECK(first.starts == "0 0 0");
    CHECK(first.offsets == "0 0 0,1");
    CHECK(first.counts.empty());
    CHECK(first.rest == 1);
    CHECK(first.invisible == 60'000);
    const auto receipt = "0 " + std::to_string(f.now.milliseconds()) + " 60000 0 0 broker-a 0 1";
    CHECK(first.messages.at(1).receipt == receipt);
    CHECK(f.pop(wanted).bodies() == texts{"c"});
    CHECK(f.pop(wanted).code == response_code::polling_timeout);
    CHECK(f.logic.statistics().messages_popped == 3);

    auto other           = f.request();
    other.consumer_group = "shipping";
    CHECK(f.pop(other).bodies() == texts{"a", "b", "c"});
}

TEST_CASE("a pop of all queues begins with another each time, and takes as many as it wants", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a0", "b0", "c0"})
        f.send(body, {}, 0);
    for (const auto* body : {"a1", "b1"})
        f.send(body, {}, 1);
    auto wanted         = f.request(protocol::any_queue);
    wanted.max_messages = 1;
    const auto first    = f.pop(wanted);
    CHECK(first.bodies() == texts{"a0"});
    CHECK(first.rest == 4);
    CHECK(f.pop(wanted).bodies() == texts{"a1"});
    wanted.max_messages = 32;
    const auto rest     = f.pop(wanted);
    CHECK(rest.bodies() == texts{"b0", "c0", "b1"});
    CHECK(rest.starts == "0 0 1;0 1 1");
    CHECK(rest.offsets == "0 0 1,2;0 1 1");
    CHECK(rest.rest == 0);
}

TEST_CASE("a pop gives no more bytes than the broker allows, but one message", "[embedded]") {
    embedded::broker_options options;
    options.pull_bytes = 300;
    pop_fixture f(options);
    for (int i = 0; i < 3; ++i)
        f.send(std::string(200, 'x'));
    f.send(std::string(200, 'y'), {}, 1);
    const auto first = f.pop(f.request(protocol::any_queue));
    CHECK(first.messages.size() == 1);
    CHECK(first.rest == 3);
}

TEST_CASE("a pop is filtered by the tags that it brings, and passes the others", "[embedded]") {
    pop_fixture f;
    for (const auto* tag : {"paid", "open", "paid", "open"})
        f.send(tag, tag);
    auto wanted            = f.request();
    wanted.expression_type = "TAG";
    wanted.expression      = "paid";
    const auto answer      = f.pop(wanted);
    CHECK(answer.bodies() == texts{"paid", "paid"});
    CHECK(answer.offsets == "0 0 0,2");
    CHECK(answer.rest == 0);
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 4);
    f.send("open", "open");
    CHECK(f.pop(wanted).messages.empty());
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 5);
}

TEST_CASE("a group without an offset begins where its pop says, and that is kept", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c", "d"})
        f.send(body);
    auto wanted = f.request();
    CHECK(f.pop(wanted).bodies() == texts{"a", "b", "c", "d"}); // the queue is young
    f.logic.drop_before("orders", 0, 1);
    wanted.consumer_group = "latest";
    CHECK(f.pop(wanted).bodies() == texts{"d"});
    wanted.consumer_group = "first";
    wanted.init_mode      = protocol::pop_init::min;
    CHECK(f.pop(wanted).bodies() == texts{"b", "c", "d"});

    f.logic.drop_before("orders", 0, 4);
    wanted.consumer_group = "waiting";
    CHECK(f.pop(wanted).messages.empty());
    CHECK(f.logic.committed_offset("waiting", "orders", 0) == 4);
    f.send("e");
    CHECK(f.pop(wanted).bodies() == texts{"e"});
}

TEST_CASE("a group whose offset is not in the queue goes on where it may", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    f.ask(f.member, protocol::update_offset_request{"billing", "orders", 0, 1});
    f.logic.drop_before("orders", 0, 2);
    CHECK(f.pop().bodies() == texts{"c"});
    f.ask(f.member, protocol::update_offset_request{"billing", "orders", 0, 99});
    CHECK(f.pop().messages.empty());
    f.send("d");
    CHECK(f.pop().bodies() == texts{"d"});
}

TEST_CASE("the retries come when the batch is not full, and every fifth time before it", "[embedded]") {
    pop_fixture f;
    f.send("old");
    auto wanted             = f.request();
    wanted.invisible_millis = 1000;
    f.pop(wanted);
    f.pass(1s);
    for (int i = 0; i < 9; ++i)
        f.send("new");
    wanted.max_messages = 1;
    std::vector<std::string> came;
    for (int i = 0; i < 4; ++i)
        came.push_back(f.pop(wanted).bodies().at(0));
    CHECK(came == texts{"new", "new", "new", "old"}); // the fifth pop of all
    wanted.max_messages = 32;
    CHECK(f.pop(wanted).bodies().size() == 6);
}

TEST_CASE("a retry is given as a message of its first topic, with its receipt", "[embedded]") {
    pop_fixture f;
    f.send("a", "paid");
    auto wanted             = f.request();
    wanted.invisible_millis = 1000;
    wanted.expression       = "paid";
    const auto first        = f.pop(wanted);
    f.pass(1s);
    f.send("b", "paid");
    const auto both = f.pop(wanted);
    CHECK(both.bodies() == texts{"b", "a"});
    CHECK(both.starts == "0 0 1;1 0 0");
    CHECK(both.offsets == "0 0 1;1 0 0");
    const auto& retry = both.messages.at(1);
    CHECK(retry.topic == "orders");
    CHECK(retry.reconsume_times == 1);
    CHECK(retry.receipt == "0 " + std::to_string(f.now.milliseconds()) + " 1000 1 1 broker-a 0 0");
    CHECK(retry.property(property_names::pop_receipt) == retry.receipt);
    CHECK(retry.property(property_names::first_pop_time) == std::to_string(first.pop_time));
    CHECK(retry.property(property_names::origin_group) == "billing");
    CHECK(retry.property(property_names::tags) == "paid");
    CHECK(f.logic.statistics().messages_popped == 2);
    CHECK(f.ack(retry.receipt) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 1);
}

TEST_CASE("a broker may give retries in the topic that they lie in", "[embedded]") {
    embedded::broker_options options;
    options.pop_keeps_retry_topic = true;
    pop_fixture f(options);
    f.send("a");
    auto wanted             = f.request();
    wanted.invisible_millis = 1000;
    f.pop(wanted);
    f.pass(1s);
    const auto retry = f.pop(wanted).messages.at(0);
    CHECK(retry.topic == "%RETRY%billing_orders");
    CHECK(retry.property(property_names::pop_receipt) == "-");
    CHECK(f.ack(retry.receipt) == response_code::success);
    CHECK(f.logic.statistics().messages_popped == 0);
}

TEST_CASE("an orderly pop blocks its queue for all others, and comes again as a whole", "[embedded]") {
    pop_fixture f;
    for (const auto* body : {"a", "b", "c"})
        f.send(body);
    auto wanted             = f.request();
    wanted.order            = true;
    wanted.attempt_id       = "one";
    wanted.invisible_millis = 5000;
    const auto first        = f.pop(wanted);
    CHECK(first.bodies() == texts{"a", "b", "c"});
    CHECK(first.revive_queue == protocol::orderly_revive_queue);
    CHECK(first.counts == "0 0 0");
    CHECK(f.logic.committed_offset("billing", "orders", 0) == 0);
    CHECK(f.pop(wanted).bodies() == texts{"a", "b", "c"}); // the same attempt, once more
    wanted.attempt_id = "two";
    CHECK(f.pop(wanted).code == response_code::polling_timeout);
    f.send("elsewhere", {}, 1);
    wanted.queue_id = protocol::any_queue;
    CHECK(f.pop(wanted).bodies() == texts{"elsewhere"});

    wanted.queue_id = 0;
    f.pass(5s);
    const auto again = f.pop(wanted);
    CHECK(again.bodies() == texts{"a", "b", "c"});
    CHECK(again.counts == "0 qo0%0 1;0 qo0%1 1;0 qo0%2 1;0 0 1");
    CHECK(again.messages.at(0).reconsume_times == 0);
    CHECK(protocol::times_delivered(again.counts, 0, 2) == 1);
    CHECK(f.logic.statistics().messages_popped == 0);
}

#include <rocketpush/embedded/send_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
using namespace std::chrono_literals;

namespace {

protocol::send_request send_to(std::string topic, std::int32_t queue = 0) {
    protocol::send_request send{.producer_group = "producers", .topic = std::move(topic)};
    send.queue_id = queue;
    return send;
}

std::string properties(std::initializer_list<std::pair<const char*, const char*>> all) {
    std::string raw;
    for (const auto& [name, value] : all)
        protocol::append_property(raw, name, value);
    return raw;
}

protocol::send_back_request back(const message& one, std::int32_t level = 0, std::optional<std::int32_t> most = {}) {
    return {.offset = one->commit_log_offset(), .group = "billing", .delay_level = level, .max_reconsume_times = most};
}

} // namespace

TEST_CASE("a sent message is stored with what the broker adds, and the producer told where", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 2);
    auto send           = send_to("orders", 1);
    send.flag           = 9;
    send.born_timestamp = 1234;
    send.properties     = properties({{"UNIQ_KEY", "K1"}, {"TAGS", "paid"}, {"WAIT", "true"}});
    const auto answer   = f.ask(f.connect(), send, "body");
    CHECK(answer.code() == response_code::success);

    const auto stored = f.logic.messages("orders");
    REQUIRE(stored.size() == 1);
    const auto& one = stored[0];
    CHECK(one->body() == "body");
    CHECK(one->flag() == 9);
    CHECK(one->born_timestamp().time_since_epoch() == 1234ms);
    CHECK(one->born_host().to_string() == "10.0.0.1:5000");
    CHECK(one->store_host().to_string() == "127.0.0.1:10911");
    CHECK(one->queue_id() == 1);
    CHECK(one->property("MSG_REGION") == "DefaultRegion");
    CHECK(one->property("CLUSTER") == "DefaultCluster");
    CHECK(one->property("TRACE_ON") == "true");
    CHECK(one->property("WAIT") == "true");

    const auto told = answer.fields<protocol::send_response>();
    CHECK(told.message_id == one->offset_message_id());
    CHECK(told.transaction_id == "K1");
    CHECK(told.queue_id == 1);
    CHECK(told.queue_offset == 0);
    CHECK(told.trace_on == "true");
}

TEST_CASE("a message without a unique key gets one from 5.x and none from 4.9", "[embedded]") {
    logic_fixture f, old(like_4_9_7());
    for (auto* each : {&f, &old}) {
        auto send       = send_to("orders");
        send.properties = properties({{"WAIT", "true"}, {"TAGS", "paid"}});
        CHECK(each->ask(each->connect(), send, "x").code() == response_code::success);
    }
    CHECK(f.logic.messages("orders").at(0)->property("UNIQ_KEY")->size() == 32);
    CHECK(old.logic.messages("orders").at(0)->raw_properties() == "TAGS\x01paid\x02" "CLUSTER\x01" "DefaultCluster");
}

TEST_CASE("old and new senders are understood, and the broker chooses a queue for those who name none", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 2);
    const auto client = f.connect();
    protocol::send_v1_request old{.producer_group = "producers", .topic = "orders"};
    CHECK(f.ask(client, old, "a").fields<protocol::send_response>().queue_id == 0);
    CHECK(f.ask(client, send_to("orders", -1), "b").fields<protocol::send_response>().queue_id == 1);
    CHECK(f.logic.stored("orders") == 2);
}

TEST_CASE("a topic is made by the first message to it, where that is allowed", "[embedded]") {
    logic_fixture f;
    CHECK(f.ask(f.connect(), send_to("orders"), "x").code() == response_code::success);
    const auto route = protocol::decode_route(f.ask(f.connect(), protocol::route_request{.topic = "orders"}).body).value();
    CHECK(route.queue_datas[0].write_queue_nums == 4);
    CHECK(route.queue_datas[0].perm == 6);

    embedded::broker_options options;
    options.auto_create_topics = false;
    logic_fixture strict(options);
    CHECK(strict.ask(strict.connect(), send_to("orders"), "x").code() == response_code::topic_not_exist);
}

TEST_CASE("a message that may not be is refused with its reason", "[embedded]") {
    embedded::broker_options options;
    options.max_message_body = 100;
    logic_fixture f(options);
    f.logic.create_topic("orders", 2);
    const auto client = f.connect();
    CHECK(f.ask(client, send_to("or ders"), "x").code() == response_code::invalid_parameter);
    CHECK(f.ask(client, send_to("SCHEDULE_TOPIC_XXXX"), "x").code() == response_code::no_permission);
    CHECK(f.ask(client, send_to("orders", 2), "x").code() == response_code::invalid_parameter);
    CHECK(f.ask(client, send_to("orders"), std::string(101, 'x')).code() == response_code::message_illegal);
    auto send       = send_to("orders");
    send.properties = properties({{"big", std::string(32'760, 'x').c_str()}});
    CHECK(f.ask(client, send, "x").code() == response_code::message_illegal);
    send          = send_to("orders");
    send.sys_flag = 4;
    CHECK(f.ask(client, send, "x").code() == response_code::no_permission);
    f.ask(client, protocol::create_topic_request{.topic = "closed", .perm = 4});
    CHECK(f.ask(client, send_to("closed"), "x").code() == response_code::no_permission);
    CHECK(f.logic.stored("orders") == 0);
}

TEST_CASE("a batch is stored as messages in a row, and a damaged one not at all", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    std::string batch;
    for (const auto* body : {"a", "b", "c"})
        protocol::append_batch_message(batch, {.flag = 1, .body = body, .properties = "TAGS\x01paid\x02"});
    protocol::send_batch_request send{.producer_group = "producers", .topic = "orders"};
    const auto answer = f.ask(f.connect(), send, batch);
    const auto told   = answer.fields<protocol::send_response>();
    CHECK(told.queue_offset == 0);
    const auto stored = f.logic.messages("orders");
    REQUIRE(stored.size() == 3);
    CHECK(stored[2]->body() == "c");
    CHECK(stored[2]->tags() == "paid");
    CHECK(told.message_id == stored[0]->offset_message_id() + ',' + stored[1]->offset_message_id() + ',' +
                                 stored[2]->offset_message_id());

    for (const auto cut : {std::size_t{1}, std::size_t{30}, batch.size()})
        CHECK(f.ask(f.connect(), send, std::string_view(batch).substr(0, batch.size() - cut)).code() ==
              response_code::message_illegal);
    CHECK(f.logic.stored("orders") == 3);
}

TEST_CASE("a whole batch is there when a held pull is woken", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    const auto member = f.connect();
    f.join(member, "billing", "orders");
    const auto opaque = f.tell(member, f.pull_of("billing", "orders", 0, 0));
    std::string batch;
    for (const auto* body : {"a", "b"})
        protocol::append_batch_message(batch, {.body = body});
    f.ask(f.connect(), protocol::send_batch_request{.producer_group = "producers", .topic = "orders"}, batch);
    CHECK(f.bodies(sent_frame(f.take_answer(member, opaque).value()).body) == texts{"a", "b"});
}

TEST_CASE("a delayed message is in nobody's queue until its level's time has passed", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 2);
    const auto sent = f.store("orders", "later", {.queue = 1, .delay_level = 2});
    REQUIRE(sent);
    CHECK(sent->queue_id == 1);
    f.pass(4999ms);
    CHECK(f.logic.stored("orders") == 0);
    CHECK(f.logic.statistics().messages_parked == 1);
    f.pass(1ms);
    const auto stored = f.logic.messages("orders");
    REQUIRE(stored.size() == 1);
    CHECK(stored[0]->queue_id() == 1);
    CHECK(stored[0]->body() == "later");
    CHECK(stored[0]->property("REAL_TOPIC") == "orders");
    CHECK(stored[0]->store_timestamp() - stored[0]->born_timestamp() == 5s);
}

TEST_CASE("a message sent back comes again in the retry topic, later each time", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    const auto member = f.connect();
    f.join(member, "billing", "orders");
    CHECK(f.store("orders", "x", {.tags = "paid"}));
    const auto original = f.logic.messages("orders").at(0);

    CHECK(f.ask(member, back(original)).code() == response_code::success);
    f.pass(9999ms);
    CHECK(f.logic.stored("%RETRY%billing") == 0);
    f.pass(1ms);
    auto retries = f.logic.messages("%RETRY%billing");
    REQUIRE(retries.size() == 1);
    CHECK(retries[0]->reconsume_times() == 1);
    CHECK(retries[0]->property("RETRY_TOPIC") == "orders");
    CHECK(retries[0]->property("ORIGIN_MESSAGE_ID") == original->offset_message_id());
    CHECK(retries[0]->message_id() == original->message_id());
    CHECK(retries[0]->tags() == "paid");

    CHECK(f.ask(member, back(retries[0])).code() == response_code::success);
    f.pass(29999ms);
    CHECK(f.logic.stored("%RETRY%billing") == 1);
    f.pass(1ms);
    retries = f.logic.messages("%RETRY%billing");
    REQUIRE(retries.size() == 2);
    CHECK(retries[1]->reconsume_times() == 2);
    CHECK(retries[1]->property("RETRY_TOPIC") == "orders");
    CHECK(retries[1]->property("ORIGIN_MESSAGE_ID") == original->offset_message_id());
}

TEST_CASE("a message goes to the dead letters when it was retried enough, or when that is asked for", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    const auto member = f.connect();
    f.join(member, "billing", "orders");
    CHECK(f.store("orders", "x"));
    const auto one = f.logic.messages("orders").at(0);
    CHECK(f.ask(member, back(one, -1)).code() == response_code::success);
    CHECK(f.logic.stored("%DLQ%billing") == 1);
    CHECK(f.ask(member, back(one, 0, 0)).code() == response_code::success);
    REQUIRE(f.logic.stored("%DLQ%billing") == 2);
    const auto dead = f.logic.messages("%DLQ%billing").at(1);
    CHECK(dead->property("RETRY_TOPIC") == "orders");
    CHECK(dead->property("DELAY") == "0");
    CHECK(dead->property("WAIT") == "false");
    // A client too old to say a maximum has the broker's.
    f.ask(member, back(one, 1, 0), {}, {.version = 100});
    CHECK(f.logic.stored("%DLQ%billing") == 2);
    CHECK(f.logic.statistics().messages_parked == 1);
}

TEST_CASE("sixteen retries, then the dead letters", "[embedded]") {
    embedded::broker_options options;
    options.delay_levels = {10ms};
    logic_fixture f(options);
    f.logic.create_topic("orders", 1);
    const auto member = f.connect();
    f.join(member, "billing", "orders");
    CHECK(f.store("orders", "x"));
    auto last = f.logic.messages("orders").at(0);
    for (int i = 0; i < 16; ++i) {
        f.ask(member, back(last, 0, 16));
        f.pass(10ms);
        last = f.logic.messages("%RETRY%billing").back();
    }
    CHECK(last->reconsume_times() == 16);
    f.ask(member, back(last, 0, 16));
    CHECK(f.logic.stored("%DLQ%billing") == 1);
    CHECK(f.logic.stored("%RETRY%billing") == 16);
}

TEST_CASE("what cannot be sent back is refused", "[embedded]") {
    logic_fixture f;
    const auto member = f.connect();
    const auto answer = f.ask(member, protocol::send_back_request{.offset = 12345, .group = "billing"});
    CHECK(answer.code() == response_code::system_error);
    CHECK(answer.header.remark() == "look message by offset failed, 12345");
    CHECK(f.ask(member, protocol::send_back_request{.offset = 0, .group = "not a group"}).code() ==
          response_code::subscription_group_not_exist);
}

TEST_CASE("a retry sent as a message ends with the dead letters at its limit", "[embedded]") {
    logic_fixture f;
    const auto member = f.connect();
    f.join(member, "billing", "orders");
    auto send                = send_to("%RETRY%billing");
    send.reconsume_times     = 3;
    send.max_reconsume_times = 3;
    CHECK(f.ask(member, send, "again").code() == response_code::success);
    CHECK(f.logic.stored("%RETRY%billing") == 1);
    CHECK(f.logic.messages("%RETRY%billing").at(0)->reconsume_times() == 3);
    send.reconsume_times = 4;
    CHECK(f.ask(member, send, "enough").code() == response_code::success);
    CHECK(f.logic.stored("%DLQ%billing") == 1);
}

TEST_CASE("a retry sent by a group with a queue lock is dead, since 5.1.4, until the lock has ended", "[embedded]") {
    const auto dead_letters = [](embedded::broker_options options) {
        logic_fixture f(std::move(options));
        const auto member = f.connect();
        f.join(member, "billing", "orders");
        const auto lock = [&] {
            f.ask(member, protocol::lock_request{},
                  protocol::encode(protocol::lock_data{"client-1", "billing", {{"orders", "broker-a", 0}}}));
        };
        auto send            = send_to("%RETRY%billing");
        send.reconsume_times = 1;
        lock();
        CHECK(f.logic.lock_owner("billing", "orders", 0, f.now) == "client-1");
        CHECK(f.ask(member, send, "in order").code() == response_code::success);
        f.pass(61s);
        CHECK(f.logic.lock_owner("billing", "orders", 0, f.now).empty());
        CHECK(f.ask(member, send, "the lock is too old").code() == response_code::success);
        lock();
        CHECK(f.logic.expire_locks("billing", f.now) == 1);
        CHECK(f.ask(member, send, "the lock has ended").code() == response_code::success);
        return f.logic.stored("%DLQ%billing");
    };
    embedded::broker_options before;
    before.version = embedded::version_5_1_4 - 1;
    CHECK(dead_letters({}) == 1);
    CHECK(dead_letters(before) == 0);
    CHECK(dead_letters(like_4_9_7()) == 0);
}

TEST_CASE("a topic of inner batches stores a batch as one message, and gives it whole", "[embedded]") {
    logic_fixture f;
    const auto member = f.connect();
    protocol::create_topic_request topic{.topic = "orders", .attributes = "+queue.type=BatchCQ"};
    topic.read_queue_nums  = 1;
    topic.write_queue_nums = 1;
    CHECK(f.ask(member, topic).code() == response_code::success);
    f.join(member, "billing", "orders");
    std::string batch;
    for (const auto* body : {"a", "b", "c"})
        protocol::append_batch_message(batch, {.body = body});
    protocol::send_batch_request send{.producer_group = "producers", .topic = "orders"};
    send.properties = "UNIQ_KEY\x01" "batch\x02";
    for (const std::int64_t base : {0, 3}) {
        const auto answer = f.ask(member, send, batch).fields<protocol::send_response>();
        CHECK(answer.queue_offset == base);
        CHECK(answer.message_id.find(',') == std::string::npos);
        CHECK(answer.transaction_id == "batch");
    }
    CHECK(f.logic.max_offset("orders", 0) == 6);
    auto pull         = f.pull_of("billing", "orders", 0, 1);
    pull.max_messages = 1;
    const auto answer = f.ask(member, pull);
    CHECK(f.bodies(answer.body) == texts{"a", "b", "c"});
    CHECK(answer.fields<protocol::pull_response>().next_begin_offset == 3);
    CHECK(f.logic.messages("orders").size() == 6);
    CHECK(f.logic.messages("orders").at(4)->queue_offset() == 4);

    send.properties.clear(); // from a producer of 4.9
    CHECK(f.ask(member, send, batch).fields<protocol::send_response>().message_id.find(',') != std::string::npos);
    CHECK(f.logic.max_offset("orders", 0) == 9);
}

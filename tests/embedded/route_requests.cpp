#include <rocketpush/embedded/route_requests.hpp>

#include "tests/support/catch.hpp"

#include "tests/embedded/logic_fixture.hpp"

using namespace rocketpush;
using namespace rocketpush::test;

TEST_CASE("a route names the broker and the topic's queues", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 4);
    const auto answer = f.ask(f.connect(), protocol::route_request{.topic = "orders"});
    CHECK(answer.code() == response_code::success);
    CHECK(answer.header.version == embedded::version_5_5_0);
    const auto route = protocol::decode_route(answer.body).value();
    REQUIRE(route.queue_datas.size() == 1);
    CHECK(route.queue_datas[0].broker_name == "broker-a");
    CHECK(route.queue_datas[0].read_queue_nums == 4);
    CHECK(route.queue_datas[0].perm == 6);
    REQUIRE(route.broker_datas.size() == 1);
    CHECK(route.broker_datas[0].broker_addrs.at(0) == "127.0.0.1:10911");
}

TEST_CASE("a topic that nobody has is answered 17", "[embedded]") {
    logic_fixture f;
    const auto answer = f.ask(f.connect(), protocol::route_request{.topic = "nothing"});
    CHECK(answer.code() == response_code::topic_not_exist);
    CHECK(answer.header.remark() == "No topic route info in name server for the topic: nothing");
    CHECK(f.ask(f.connect(), protocol::route_request{.topic = "SCHEDULE_TOPIC_XXXX"}).code() ==
          response_code::topic_not_exist);
}

TEST_CASE("old clients get a route with integer keys, unless they ask for standard JSON", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 4);
    protocol::route_request wanted{.topic = "orders", .accept_standard_json_only = false};
    const auto addresses = [&](std::int32_t version) {
        const auto answer = f.ask(f.connect(), wanted, {}, {.version = version});
        return std::string(answer.body.substr(answer.body.find("brokerAddrs")).substr(13, 4));
    };
    CHECK(addresses(400) == "{0:\"");
    CHECK(addresses(401) == "{\"0\"");
    wanted.accept_standard_json_only = true;
    CHECK(addresses(395) == "{\"0\"");
}

TEST_CASE("answers are JSON, or as the question was where that is asked for", "[embedded]") {
    for (const auto encoding : {embedded::answer_encoding::json, embedded::answer_encoding::as_request}) {
        embedded::broker_options options;
        options.encoding = encoding;
        logic_fixture f(options);
        const auto client = f.connect();
        const auto opaque = f.tell(client, protocol::route_request{.topic = "nothing"}, {}, {},
                                   protocol::header_encoding::rocketmq);
        const sent_frame answer(f.take_answer(client, opaque).value());
        CHECK(answer.header.encoding == (encoding == embedded::answer_encoding::json
                                             ? protocol::header_encoding::json
                                             : protocol::header_encoding::rocketmq));
    }
}

TEST_CASE("a topic is made and changed by request, but not with a bad name or a system topic's", "[embedded]") {
    logic_fixture f;
    const auto client = f.connect();
    const auto make   = [&](std::string name, std::int32_t queues) {
        return f.ask(client, protocol::create_topic_request{
                                 .topic = std::move(name), .read_queue_nums = queues, .write_queue_nums = queues})
            .code();
    };
    CHECK(make("orders", 2) == response_code::success);
    CHECK(make("orders", 3) == response_code::success);
    const auto route = protocol::decode_route(f.ask(client, protocol::route_request{.topic = "orders"}).body).value();
    CHECK(route.queue_datas[0].write_queue_nums == 3);
    CHECK(make("or ders", 2) == response_code::invalid_parameter);
    CHECK(make("TBW102", 2) == response_code::invalid_parameter);
    CHECK(make("orders", -1) == response_code::invalid_parameter);
    CHECK(make("orders", 2'000'000'000) == response_code::invalid_parameter);
}

TEST_CASE("producers find the topic that others are made by, where that is allowed", "[embedded]") {
    logic_fixture f;
    CHECK(f.ask(f.connect(), protocol::route_request{.topic = "TBW102"}).code() == response_code::success);
    embedded::broker_options options;
    options.auto_create_topics = false;
    logic_fixture strict(options);
    CHECK(strict.ask(strict.connect(), protocol::route_request{.topic = "TBW102"}).code() ==
          response_code::topic_not_exist);
}

TEST_CASE("a static topic's route maps its queues; ids and offsets outside are not those in the bytes", "[embedded]") {
    logic_fixture f;
    CHECK(!f.logic.create_static_topic("orders", 3, 100));
    const auto client = f.connect();
    f.join(client, "billing", "orders");
    const auto route = f.ask(client, protocol::route_request{.topic = "orders"});
    CHECK(protocol::decode_route(route.body).value().queue_datas.at(0).read_queue_nums == 3);
    CHECK(route.body.find(R"("topicQueueMappingByBroker":{"broker-a":{"bname":"broker-a","currIdMap":{"0":2,"1":1,"2":0},)"
                          R"("dirty":false,"epoch":1,"scope":"__global__","topic":"orders","totalQueues":3}})") !=
          std::string_view::npos);

    const auto sent = f.ask(client, protocol::send_request{.producer_group = "p", .topic = "orders", .queue_id = 0}, "x");
    CHECK(sent.fields<protocol::send_response>().queue_id == 0);
    CHECK(sent.fields<protocol::send_response>().queue_offset == 100);
    const protocol::max_offset_request end{.topic = "orders"};
    CHECK(f.ask(client, end).fields<protocol::offset_response>().offset == 101);

    const auto pulled = f.ask(client, f.pull_of("billing", "orders", 0, 100));
    CHECK(f.bodies(pulled.body) == texts{"x"});
    const auto fields = pulled.fields<protocol::pull_response>();
    CHECK(fields.offset_delta == 100);
    CHECK(fields.min_offset == 100);
    CHECK(fields.next_begin_offset == 101);
    const auto stored = embedded::read_stored(pulled.body);
    CHECK(stored.queue_id == 2);
    CHECK(stored.queue_offset == 0);
    CHECK(f.ask(client, f.pull_of("billing", "orders", 0, 3)).code() == response_code::pull_offset_moved);

    CHECK(!f.logic.create_static_topic("orders", 4, 7));
    const auto grown = f.ask(client, protocol::route_request{.topic = "orders"});
    CHECK(grown.body.find(R"("currIdMap":{"0":2,"1":1,"2":0,"3":3})") != std::string_view::npos);
    CHECK(f.logic.min_offset("orders", 3) == 7);
    CHECK(f.logic.min_offset("orders", 0) == 100);
    CHECK(f.logic.create_static_topic("orders", 4, -1) == error::invalid_option);
}

TEST_CASE("a queue of a static topic that another broker leads is refused, whatever is asked of it", "[embedded]") {
    logic_fixture f;
    CHECK(!f.logic.create_static_topic("orders", 2, 100, std::vector{1}));
    const auto client = f.connect();
    f.join(client, "billing", "orders");
    const auto route = f.logic.route("orders").value();
    CHECK(route.queue_datas.at(0).read_queue_nums == 1);
    CHECK(route.mappings.at(0).total_queues == 2);
    CHECK(route.mappings.at(0).physical_ids == std::map<std::int32_t, std::int32_t>{{1, 0}});
    const auto code_of = [&](const auto& request) { return f.ask(client, request).code(); };
    const auto refused = response_code::not_leader_for_queue;
    CHECK(code_of(f.pull_of("billing", "orders", 0, 100)) == refused);
    CHECK(code_of(protocol::query_offset_request{.consumer_group = "billing", .topic = "orders"}) == refused);
    CHECK(code_of(protocol::update_offset_request{.consumer_group = "billing", .topic = "orders"}) == refused);
    CHECK(code_of(protocol::max_offset_request{.topic = "orders"}) == refused);
    CHECK(code_of(protocol::min_offset_request{.topic = "orders"}) == refused);
    CHECK(code_of(protocol::search_offset_request{.topic = "orders"}) == refused);
    CHECK(code_of(protocol::earliest_time_request{.topic = "orders"}) == refused);
    CHECK(code_of(protocol::send_request{.producer_group = "p", .topic = "orders", .queue_id = 0}) == refused);
    CHECK(code_of(protocol::max_offset_request{.topic = "orders", .queue_id = 1}) == response_code::success);
    for (int i = 0; i < 2; ++i) // one that names no queue goes to those that are led here
        CHECK(f.ask(client, protocol::send_request{.producer_group = "p", .topic = "orders", .queue_id = -1}, "x")
                  .fields<protocol::send_response>()
                  .queue_id == 1);
}

TEST_CASE("a static topic's queue moves to another broker with its messages and offsets", "[embedded]") {
    logic_fixture from, to;
    CHECK(!from.logic.create_static_topic("orders", 2, 100));
    CHECK(!to.logic.create_static_topic("orders", 2, 0, std::vector<std::int32_t>{}));
    for (int i = 0; i < 3; ++i)
        CHECK(from.store("orders", "m" + std::to_string(i), {.queue = 0}));
    const auto before = from.connect();
    from.join(before, "billing", "orders");
    CHECK(from.ask(before, protocol::update_offset_request{
                               .consumer_group = "billing", .topic = "orders", .queue_id = 0, .commit_offset = 101})
              .code() == response_code::success);
    const auto held = from.tell(before, from.pull_of("billing", "orders", 0, 103));

    CHECK(from.logic.give_up_queue("refunds", 0).error() == error::invalid_topic);
    const auto moved = from.logic.give_up_queue("orders", 0);
    REQUIRE(moved);
    CHECK(from.logic.give_up_queue("orders", 0).error() == error::invalid_option);
    CHECK(to.logic.take_over_queue("refunds", 0, *moved) == error::invalid_topic);
    CHECK(to.logic.take_over_queue("orders", 2, *moved) == error::invalid_option);
    CHECK(!to.logic.take_over_queue("orders", 0, *moved));
    CHECK(to.logic.take_over_queue("orders", 0, *moved) == error::invalid_option);
    CHECK(from.logic.route("orders")->mappings[0].epoch == to.logic.route("orders")->mappings[0].epoch);

    // A pull that was held is told when its time is over.
    CHECK_FALSE(from.take_answer(before, held));
    from.pass(std::chrono::seconds(20));
    CHECK(sent_frame(from.take_answer(before, held).value()).code() == response_code::not_leader_for_queue);

    const auto after = to.connect();
    to.join(after, "billing", "orders");
    CHECK(to.logic.committed_offset("billing", "orders", 0) == 101);
    CHECK(to.logic.stored("orders") == 3);
    CHECK(to.logic.min_offset("orders", 0) == 100);
    CHECK(to.logic.max_offset("orders", 0) == 10000);
    CHECK(to.store("orders", "m3", {.queue = 0})->offset == 10000);
    const auto first = to.ask(after, to.pull_of("billing", "orders", 0, 101));
    CHECK(to.bodies(first.body) == texts{"m1", "m2", "m3"}); // offsets that no message has are passed over
    CHECK(first.fields<protocol::pull_response>().next_begin_offset == 10001);
    CHECK(embedded::read_stored(first.body).queue_offset + first.fields<protocol::pull_response>().offset_delta.value() == 101);
    const auto second = to.logic.give_up_queue("orders", 0); // and once more
    REQUIRE(second);
    CHECK(!from.logic.take_over_queue("orders", 0, *second));
    CHECK(from.logic.stored("orders") == 4);
    CHECK(from.logic.max_offset("orders", 0) == 20000);
}

#include <rocketpush/embedded/admin_requests.hpp>

#include "tests/embedded/logic_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::test;
namespace admin_code = embedded::answering::admin_code;

namespace {

/// A question of an admin tool: some fields, all of them text.
template <protocol::request_code Code>
struct question {
    static constexpr auto code = Code;
    std::string topic{}, group{};
    static constexpr auto fields() noexcept {
        return std::array{protocol::optional_field<&question::topic>("topic"),
                          protocol::optional_field<&question::group>("consumerGroup")};
    }
};

} // namespace

TEST_CASE("an admin tool finds the cluster, its topics and their settings", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 3);
    const auto tool = f.connect();
    CHECK(
        f.ask(tool, question<admin_code::cluster_info>{}).body ==
        R"({"brokerAddrTable":{"broker-a":{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"broker-a",)"
        R"("cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}})");
    CHECK(f.ask(tool, question<admin_code::topic_list>{}).body.find("\"orders\"") != std::string_view::npos);
    const auto config = f.ask(tool, question<admin_code::topic_config>{.topic = "orders"});
    CHECK(config.body.find("\"readQueueNums\":3") != std::string_view::npos);
    CHECK(f.ask(tool, question<admin_code::topic_config>{.topic = "none"}).code() == response_code::topic_not_exist);
}

TEST_CASE("an admin tool sees how far a group is", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 1);
    f.logic.drop_before("orders", 0, 1);
    const auto tool = f.connect();
    for (int i = 0; i < 3; ++i)
        CHECK(f.store("orders", "x"));
    f.ask(tool, protocol::update_offset_request{.consumer_group = "billing", .topic = "orders", .commit_offset = 2});
    const auto time = std::to_string(f.now.milliseconds());
    CHECK(f.ask(tool, question<admin_code::consume_stats>{.group = "billing"}).body ==
          R"({"consumeTps":0.0,"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:)"
          R"({"brokerOffset":3,"consumerOffset":2,"lastTimestamp":)" +
              time + R"(,"pullOffset":2}}})");
    CHECK(f.ask(tool, question<admin_code::topic_stats>{.topic = "orders"}).body ==
          R"({"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"orders"}:{"lastUpdateTimestamp":)" + time +
              R"(,"maxOffset":3,"minOffset":0}}})");
    CHECK(f.ask(tool, question<admin_code::topic_stats>{.topic = "none"}).code() == response_code::topic_not_exist);
}

TEST_CASE("an admin tool sees a group's connections", "[embedded]") {
    logic_fixture f;
    const auto tool = f.connect(), member = f.connect();
    f.join(member, "billing", "orders", "a || b");
    const auto answer = f.ask(tool, question<admin_code::consumer_connection>{.group = "billing"});
    CHECK(answer.body.find(R"("clientAddr":"10.0.0.1:5000","clientId":"client-2")") != std::string_view::npos);
    CHECK(answer.body.find(R"("subString":"a || b")") != std::string_view::npos);
    CHECK(f.ask(tool, question<admin_code::consumer_connection>{.group = "none"}).code() ==
          response_code::consumer_not_online);
}

TEST_CASE("a topic is deleted for an admin tool, a system topic is not", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 3);
    const auto tool = f.connect();
    CHECK(f.ask(tool, question<admin_code::delete_topic>{.topic = "orders"}).code() == response_code::success);
    CHECK(f.ask(tool, question<admin_code::delete_route>{.topic = "orders"}).code() == response_code::success);
    CHECK(f.ask(tool, protocol::route_request{.topic = "orders"}).code() == response_code::topic_not_exist);
    CHECK(f.ask(tool, question<admin_code::delete_topic>{.topic = "TBW102"}).code() ==
          response_code::invalid_parameter);
}

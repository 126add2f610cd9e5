#include <rocketpush/rebalance/broker_share.hpp>

#include <optional>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using protocol::request_mode;

TEST_CASE("an assignment is sorted by mode, and each queue is there once", "[rebalance]") {
    const auto share = sort_assignment("orders", {{{"orders", "b", 1}, request_mode::pull},
                                                  {{"orders", "a", -1}, request_mode::pop},
                                                  {{"orders", "b", 0}, request_mode::pull},
                                                  {{"orders", "a", -1}, request_mode::pop},
                                                  {{"orders", "b", 1}, request_mode::pull}});
    CHECK(share.pulled == std::vector<message_queue>{{"orders", "b", 0}, {"orders", "b", 1}});
    CHECK(share.popped == std::vector<message_queue>{{"orders", "a", -1}});
}

TEST_CASE("what no broker should say is left out of an assignment", "[rebalance]") {
    CHECK(sort_assignment("orders", {{{"orders", "a", -1}, request_mode::pull},
                                     {{"orders", "a", -2}, request_mode::pop},
                                     {{"orders", "", 0}, request_mode::pull},
                                     {{"refunds", "a", 0}, request_mode::pull}}) == broker_share{});
}

TEST_CASE("the pop retry topic is pulled where all is pulled, and not where all is popped", "[rebalance]") {
    const message_queue one{"orders", "a", 0}, two{"orders", "b", 0};
    CHECK(broker_share{{one}, {}}.pulls_pop_retries() == true);
    CHECK(broker_share{{}, {one}}.pulls_pop_retries() == false);
    CHECK(broker_share{{one}, {two}}.pulls_pop_retries() == std::nullopt);
    CHECK(broker_share{}.pulls_pop_retries() == std::nullopt);
}

} // namespace

#include <rocketpush/embedded/fault.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <string>

#include "tests/scenario/support/virtual_member.hpp"
#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using protocol::request_code;
using test::virtual_cluster;
using test::virtual_member;
namespace fault_action = embedded::fault_action;

TEST_CASE("on a broker that fails in each of its ways now and then, nothing is missing", "[scenario]") {
    struct row {
        const char* what;
        fault_action::any action;
    };
    const auto [what, action] =
        GENERATE(row{"refuse", fault_action::refuse{}}, row{"lose", fault_action::lose_request{}},
                 row{"lose answer", fault_action::lose_answer{}}, row{"deny", fault_action::deny{}},
                 row{"delay", fault_action::delay{700ms}}, row{"close before", fault_action::close_before{}},
                 row{"close after", fault_action::close_after{}}, row{"twice", fault_action::answer_twice{}},
                 row{"opaque", fault_action::wrong_opaque{}}, row{"garble", fault_action::garble{}});
    CAPTURE(what);
    virtual_cluster cluster;
    cluster.broker().create_topic("orders", 4);
    virtual_member one(cluster, "one", cluster.member_options());
    one.subscribe("orders");
    REQUIRE(one.start() == std::error_code());
    cluster.send("orders", 50);
    REQUIRE(cluster.run_until([&] { return one.counts().size() == 50; }));

    const auto faults = cluster.broker().add_fault(
        {.codes  = {request_code::pull_message, request_code::update_consumer_offset, request_code::heart_beat},
         .action = action,
         .rate   = 0.2});
    for (int round = 0; round < 10; ++round) {
        cluster.send("orders", 20, "round" + std::to_string(round) + "-");
        cluster.runtime.advance(5s);
    }
    CHECK(cluster.broker().fault_hits(faults) > 5);
    cluster.broker().clear_faults();
    CHECK(cluster.run_until([&] { return one.counts().size() == 250; }, 3min));
    REQUIRE(one.stop() == std::error_code());
    CHECK(cluster.committed("orders", 4) == 250);
}

} // namespace

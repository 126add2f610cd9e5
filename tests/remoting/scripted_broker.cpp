#include "tests/support/scripted_broker.hpp"

#include <rocketpush/remoting/broker_calls.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test::dialogue;
using namespace std::chrono_literals;
using test::manual_runtime;
using calls_type = broker_calls<memory_transport, manual_runtime>;

// The tests' own tool has to fail when it should.

struct script_fixture {
    manual_runtime runtime;
    std::shared_ptr<memory_network> network = std::make_shared<memory_network>();
    test::scripted_broker script{runtime, network};
    calls_type::pool_type pool{runtime, memory_transport(network), protocol::default_frame_limit, 3s, {}};
    route_table routes;
    calls_type calls{pool, routes, 3000ms};
    std::vector<std::string> unexpected, answers;

    script_fixture() {
        script.on_unexpected = [this](const std::string& frame) { unexpected.push_back(frame); };
    }
    ~script_fixture() {
        pool.close();
        runtime.run_ready();
    }
    static calls_type::task<void> ask(script_fixture& here, std::string group) {
        const endpoint at{"broker-a", 10911};
        const auto got = co_await here.calls.consumer_ids(at, std::move(group));
        here.answers.push_back(got ? got->front() : got.error().message());
    }
    void ask(const std::string& group) {
        asio::co_spawn(runtime.get_executor(), ask(*this, group), asio::detached);
        runtime.run_ready();
    }
};

TEST_CASE_METHOD(script_fixture, "a frame that nobody expected is told", "[scripted_broker]") {
    script.expect(get_members("billing")).reply(member_ids({"a"}));
    ask("ledger");
    CHECK(unexpected == std::vector<std::string>{"get_consumer_list consumerGroup=ledger"});
    CHECK(script.missing() == "expected get_consumer_list consumerGroup=billing\n");
    ask("billing");
    CHECK(script.done());
    ask("billing"); // an expectation stands for one frame
    CHECK(unexpected.size() == 2);
    CHECK(answers == std::vector<std::string>{"a"});
    CHECK(script.count(get_members()) == 3);
}

TEST_CASE_METHOD(script_fixture, "what follows a then may not come early", "[scripted_broker]") {
    script.expect(get_members("first"))
        .reply(member_ids({"1"}))
        .then()
        .expect(get_members("second"))
        .reply(member_ids({"2"}));
    ask("second");
    CHECK(unexpected.size() == 1);
    ask("first");
    ask("second");
    CHECK(unexpected.size() == 1);
    CHECK(answers == std::vector<std::string>{"1", "2"});
}

TEST_CASE_METHOD(script_fixture, "an expectation comes before an always, and a later always before an earlier one",
                 "[scripted_broker]") {
    script.always(get_members()).reply(member_ids({"anybody"}));
    script.always(get_members("billing")).reply(member_ids({"usual"}));
    script.expect(get_members("billing")).times(2).reply(member_ids({"once"}));
    for (int i = 0; i < 3; ++i) ask("billing");
    ask("ledger");
    CHECK(answers == std::vector<std::string>{"once", "once", "usual", "anybody"});
}

TEST_CASE_METHOD(script_fixture, "answers take the time that the script says", "[scripted_broker]") {
    script.expect(get_members()).reply(member_ids({"slow"})).after(2s);
    ask("billing");
    runtime.advance(2s - 1ms);
    CHECK(answers.empty());
    runtime.advance(1ms);
    CHECK(answers == std::vector<std::string>{"slow"});
}

} // namespace

#include <chrono>
#include <string>
#include <system_error>

#include "story.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// What subscribing throws; empty if nothing.
std::string refusal_of(member& consumer, const std::string& topic, const filter_expression& filter) {
    try {
        consumer.subscribe(topic, filter);
        return {};
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == error::filter_refused);
        return refused.what();
    }
}

TEST_CASE("a broker evaluates SQL92 conditions, and its refusal of one is told with its text") {
    const auto topic = make_topic("conditions", 4);
    journal seen;
    member consumer("here", seen, member::of_group("conditions-group"));
    consumer.subscribe(topic, sql("a > 5 AND b = 'yes'")).start();
    send(topic, 8, "property.a=7 property.b=yes"); // 0 to 7
    send(topic, 8, "property.a=3 property.b=yes");
    send(topic, 8, "property.a=7 property.b=no");
    CHECK(wait_until([&] { return seen.distinct() == 8; }));
    CHECK(seen.read([](const auto& e) { return e.times.rbegin()->first; }) == 7);

    CHECK(refusal_of(consumer, topic, sql("a >")).find("a >") != std::string::npos);
    const auto changed = std::chrono::steady_clock::now();
    CHECK(refusal_of(consumer, topic, sql("a = 2")).empty());
    send(topic, 8, "property.a=2"); // 24 to 31
    CHECK(wait_until([&] { return seen.of(31).size() == 1; }));
    print_figure("another condition, until its messages came", std::chrono::steady_clock::now() - changed);
    std::this_thread::sleep_for(1s);
    CHECK(seen.distinct() == 16);
    CHECK(seen.duplicates() == 0);

    journal nothing;
    member refused("refused", nothing, member::of_group("refused-group"));
    refused.subscribe(topic, sql("a ><"));
    const auto text = refused.refusal_to_start();
    CHECK(text.find(cluster_variable("ROCKETPUSH_BROKER") + " refuses SQL92 \"a ><\"") != std::string::npos);
    CHECK_THROWS_AS(java().ask("consumer-connection refused-group"), std::runtime_error); // nobody heard of it
}

TEST_CASE("a broker that has conditions off says so", "[.no_conditions]") {
    const auto topic = make_topic("no-conditions", 1);
    journal nothing;
    member refused("refused", nothing, member::of_group("no-conditions-group"));
    refused.subscribe(topic, sql("a > 5"));
    const auto text = refused.refusal_to_start();
    CHECK(text.find("does not support consumer to filter message by SQL92") != std::string::npos);
}

} // namespace

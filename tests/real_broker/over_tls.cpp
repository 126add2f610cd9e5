#include <rocketpush/push_consumer.hpp>
#include <rocketpush/transport/tls_transport.hpp>

#include <system_error>
#include <utility>

#include "story.hpp"
#include "tests/support/certificates.hpp"

namespace {

using namespace rocketpush;
using namespace rocketpush::test;

/// A member of the cluster that speaks TLS; its log tells problems as every consumer's.
using tls_consumer = consumer_of<recording_listener, tls_transport>;

TEST_CASE("messages of a cluster that requires TLS are consumed and committed", "[.tls]") {
    const auto topic = make_topic("secured", 4);
    send(topic, 200, "size=3000");
    journal seen;
    tls_consumer consumer{member::of_group("secured-here"), recording_listener{"here", &seen, {}},
                          tls_transport(tls_context({.ca_file = cluster_variable("ROCKETPUSH_TLS_CA")}))};
    consumer.subscribe(topic);
    const auto begun = std::chrono::steady_clock::now();
    consumer.start();
    REQUIRE(wait_until([&] { return seen.distinct() == 200; }));
    print_figure("first of 200 held messages after start, over TLS", seen.all().front().at - begun);
    for (const auto& each : seen.all())
        CHECK(each.kept.view().body() == helper_body(each.sequence, 3000));
    send(topic, 50);
    CHECK(wait_until([&] { return seen.distinct() == 250; }));
    CHECK(wait_until([&] { return all_committed("secured-here", topic); }, 5s));
    consumer.stop();
    CHECK(seen.deliveries() == 250);
}

TEST_CASE("a member with the wrong CA, or that looks for another host, does not start", "[.tls]") {
    const certificate_authority other;
    const auto refusal = [](const tls_options& tls) {
        journal seen;
        tls_consumer consumer{member::of_group("refused-here"), recording_listener{"here", &seen, {}},
                              tls_transport(tls_context(tls))};
        consumer.subscribe("secured");
        std::error_code failure;
        consumer.start(failure);
        return failure;
    };
    CHECK(refusal({.ca_pem = other.pem()}) == error::tls_untrusted);
    CHECK(refusal({.ca_file = cluster_variable("ROCKETPUSH_TLS_CA"), .server_name = "broker.example"}) == error::tls_wrong_host);
}

} // namespace

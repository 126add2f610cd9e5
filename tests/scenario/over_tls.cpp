#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/push_consumer.hpp>
#include <rocketpush/transport/tls_transport.hpp>

#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "tests/scenario/support/event_log.hpp"
#include "tests/scenario/support/tally.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"

namespace {

using namespace rocketpush;
using test::certificate_authority;
using test::tally;

using message_function = std::function<consume_result(const message_view&)>;
using tls_broker       = embedded::basic_broker<tls_transport>;
using tls_consumer     = consumer_of<message_function, tls_transport, test::recorder>;

/// A broker with a certificate, with threads and sockets, and 200 messages.
struct tls_cluster {
    explicit tls_cluster(bool wants_certificates = false)
        : tls(server_options(wants_certificates)), broker({}, tls_transport(tls)) {
        broker.create_topic("orders", 4);
        for (int i = 0; i < 200; ++i)
            broker.send("orders", "m" + std::to_string(i));
    }

    tls_options server_options(bool wants_certificates) const {
        const auto own = ca.issue();
        return {.ca_pem                     = ca.pem(),
                .certificate_pem            = own.certificate,
                .private_key_pem            = own.key,
                .require_client_certificate = wants_certificates};
    }

    options member_options() const {
        return {.name_servers    = broker.name_server_address(),
                .group           = "billing",
                .from            = consume_from::first,
                .consume_threads = 4};
    }

    queue_offset committed() const {
        queue_offset sum = 0;
        for (std::int32_t id = 0; id < 4; ++id)
            sum += broker.committed_offset("billing", "orders", id).value_or(0);
        return sum;
    }

    certificate_authority ca;
    tls_context tls;
    tls_broker broker;
};

/// A consumer of `orders` and what it got.
struct member {
    member(const options& with, const tls_options& tls) : member(with, tls_context(tls)) {}
    member(const options& with, const tls_context& tls)
        : consumer(
              with,
              [this](const message_view& message) {
                  got.note(message);
                  return consume_result::success;
              },
              tls_transport(tls), test::recorder(log)) {
        consumer.subscribe("orders");
    }

    std::error_code start() {
        std::error_code failure;
        consumer.start(failure);
        return failure;
    }

    tally got;
    std::shared_ptr<test::event_log> log = std::make_shared<test::event_log>();
    tls_consumer consumer;
};

TEST_CASE("a consumer gets every message once over TLS, and commits", "[scenario][tls]") {
    tls_cluster cluster;
    member one(cluster.member_options(), {.ca_pem = cluster.ca.pem()});
    REQUIRE_FALSE(one.start());
    CHECK(one.got.wait_for(200));
    one.consumer.stop();
    CHECK(one.got.sum() == 200);
    CHECK(one.got.counts().size() == 200);
    CHECK(cluster.committed() == 200);
    CHECK(cluster.broker.members("billing").empty());
}

TEST_CASE("a cluster whose certificate is not trusted is refused at start", "[scenario][tls]") {
    tls_cluster cluster;
    const certificate_authority other("another CA");
    member one(cluster.member_options(), {.ca_pem = other.pem()});
    CHECK(one.start() == error::tls_untrusted);
    CHECK(one.log->has("connect_failure", error::tls_untrusted));
    CHECK(one.log->has("stopped", error::tls_untrusted));
    member two(cluster.member_options(), {.ca_pem = cluster.ca.pem(), .server_name = "elsewhere.example"});
    CHECK(two.start() == error::tls_wrong_host);
    CHECK(cluster.broker.members("billing").empty());
}

TEST_CASE("a cluster that speaks no TLS is reported, and waited for", "[scenario][tls]") {
    embedded::broker plain;
    plain.create_topic("orders", 4);
    member one({.name_servers = plain.name_server_address(), .group = "billing"}, tls_options());
    CHECK_FALSE(one.start()); // it may only be going down
    CHECK(one.log->has("connect_failure", error::tls_not_spoken));
    one.consumer.stop();
}

TEST_CASE("a cluster that wants to know its members is told by a certificate", "[scenario][tls]") {
    tls_cluster cluster(true);
    {
        member unknown(cluster.member_options(), {.ca_pem = cluster.ca.pem()});
        CHECK_FALSE(unknown.start());
        CHECK(unknown.log->has("disconnect", error::tls_client_certificate_missing));
        unknown.consumer.stop();
        CHECK(unknown.got.sum() == 0);
    }
    const auto own = cluster.ca.issue({.names = "", .usage = "clientAuth"});
    member known(cluster.member_options(),
                 {.ca_pem = cluster.ca.pem(), .certificate_pem = own.certificate, .private_key_pem = own.key});
    REQUIRE_FALSE(known.start());
    CHECK(known.got.wait_for(200));
    known.consumer.stop();
    CHECK(cluster.committed() == 200);
}

TEST_CASE("certificates are replaced at both ends without a restart of either", "[scenario][tls]") {
    tls_cluster cluster;
    tls_context client({.ca_pem = cluster.ca.pem()});
    member one(cluster.member_options(), client);
    REQUIRE_FALSE(one.start());
    CHECK(one.got.wait_for(200));

    const certificate_authority later("later CA");
    const auto renewed = later.issue();
    cluster.tls.reload({.certificate_pem = renewed.certificate, .private_key_pem = renewed.key});
    client.reload({.ca_pem = later.pem()});
    cluster.broker.send("orders", "over the connection of before");
    CHECK(one.got.wait_for(201));
    one.consumer.stop();

    member two(cluster.member_options(), client); // whose connections are new
    REQUIRE_FALSE(two.start());
    cluster.broker.send("orders", "over a connection of now");
    CHECK(two.got.wait_for(1));
    two.consumer.stop();
    member three(cluster.member_options(), {.ca_pem = cluster.ca.pem()});
    CHECK(three.start() == error::tls_untrusted);
}

} // namespace

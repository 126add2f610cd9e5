#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_PROXIED_CLUSTER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_PROXIED_CLUSTER_HPP

#include "tests/scenario/support/proxy.hpp"
#include "tests/scenario/support/virtual_cluster.hpp"

namespace rocketpush::test {

/// A broker behind a proxy that everybody goes through; one topic, orders, with one queue.
struct proxied_cluster : virtual_cluster {
    proxied_cluster()
        : virtual_cluster({.listen = {"hidden", 10911}, .advertised_host = "broker-a"}),
          link(runtime, network, {"broker-a", 10911}, network, {"hidden", 10911}) {
        broker().create_topic("orders", 1);
    }

    proxy link;
};

} // namespace rocketpush::test

#endif

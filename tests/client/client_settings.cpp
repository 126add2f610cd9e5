#include <rocketpush/client/client_settings.hpp>

#include <unistd.h>

#include <chrono>
#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

TEST_CASE("the client's part of the options is what consumers have to agree on", "[client]") {
    options given{.name_servers = "10.0.0.1:9876;[::1]:9877", .group = "billing", .instance_name = "one"};
    const auto settings = client_part(given);
    CHECK(settings.name_servers == std::vector<endpoint>{{"10.0.0.1", 9876}, {"::1", 9877}});
    CHECK(settings.instance_name == "one");
    CHECK(settings.connect_timeout == given.connect_timeout);
    CHECK(settings.max_frame_size == given.max_frame_size);

    auto other                = given;
    other.group               = "ledger"; // the consumer's own
    other.consume_threads     = 3;
    other.max_cached_messages = 7;
    CHECK(client_part(other) == settings);
    for (auto change :
         {+[](options& o) { o.name_servers = "10.0.0.1:9876"; }, +[](options& o) { o.client_ip = "10.0.0.9"; },
          +[](options& o) { o.instance_name = "two"; }, +[](options& o) { o.unit_name = "u"; },
          +[](options& o) { o.namespace_v2 = "ns"; }, +[](options& o) { o.credentials = {"ak", "secret"}; },
          +[](options& o) { o.max_frame_size = 8192; }, +[](options& o) { o.connect_timeout = 1ms; },
          +[](options& o) { o.request_timeout = 1ms; }, +[](options& o) { o.route_poll_interval = 11ms; },
          +[](options& o) { o.lookup_interval = 2s; },
          +[](options& o) { o.heartbeat_interval = 11ms; }}) {
        other = given;
        change(other);
        CHECK_FALSE(client_part(other) == settings);
    }
}

TEST_CASE("consumers of one client look their name servers up at one place", "[client]") {
    const options given{.name_server_url = "http://config/x", .group = "billing"};
    CHECK(client_part(given).name_servers.empty());
    CHECK(client_part(given).name_server_url == "http://config/x");
    auto other            = given;
    other.name_server_url = "http://config/y";
    CHECK_FALSE(client_part(other) == client_part(given));
}

TEST_CASE("a client id is Java's: ip, instance and unit", "[client]") {
    CHECK(make_client_id("10.0.0.7", "orders-1", "", 5) == "10.0.0.7@orders-1");
    CHECK(make_client_id("10.0.0.7", "orders-1", "west", 5) == "10.0.0.7@orders-1@west");
}

TEST_CASE("without an instance name a client id has the process and random bits", "[client]") {
    const auto begin = "10.0.0.7@" + std::to_string(::getpid()) + "#";
    CHECK(make_client_id("10.0.0.7", "", "", 0x9f3c2a7e55d01b62) == begin + "9f3c2a7e55d01b62");
    CHECK(make_client_id("10.0.0.7", "", "west", 1) == begin + "0000000000000001@west");
}

TEST_CASE("a broadcasting member without names is DEFAULT at the address that Java chooses, so that its path lasts",
          "[client_settings]") {
    client_settings settings;
    settings.client_ip = "10.0.0.1";
    settings.unit_name = "east";
    CHECK(lasting_client_id(settings) == "10.0.0.1@DEFAULT@east");
    CHECK(lasting_client_id(settings) == lasting_client_id(settings));
    settings.instance_name = "mine";
    settings.unit_name     = "";
    CHECK(lasting_client_id(settings) == "10.0.0.1@mine");
    settings.client_ip = "";
    CHECK(lasting_client_id(settings) == detail::java_local_address() + "@mine");

    options with;
    name_lastingly(with);
    CHECK(with.client_ip == detail::java_local_address());
    CHECK(with.instance_name == "DEFAULT");
}

} // namespace

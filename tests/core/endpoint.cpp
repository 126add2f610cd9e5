#include <rocketpush/core/endpoint.hpp>

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;

TEST_CASE("an address is a host and a port behind the last colon", "[core]") {
    const auto check = [](const char* text, const endpoint& expected) {
        CAPTURE(text);
        const auto parsed = parse_endpoint(text);
        REQUIRE(parsed);
        CHECK(*parsed == expected);
    };
    check("127.0.0.1:9876", {"127.0.0.1", 9876});
    check("broker-0.rocketmq.svc:10911", {"broker-0.rocketmq.svc", 10911});
    check("[::1]:9876", {"::1", 9876});
    check("::1:9876", {"::1", 9876});
    check("fe80:0:0:0:1:2:3:4%eth0:10911", {"fe80:0:0:0:1:2:3:4%eth0", 10911});
    check("host:0", {"host", 0});
    check("host:65535", {"host", 65535});
}

TEST_CASE("what is no address is refused", "[core]") {
    for (const char* text :
         {"",          ":",       "host",     "host:",         ":9876",       "host:port", "host:65536",
          "host:-1",   "host:+1", "host:1 ",  "host:0x1",      "a:b:1",       "[::1]",     "[::1:9876",
          "::1]:9876", "[]:1",    "[host]:1", "http://host:1", "two words:1", "a;b:1"}) {
        CAPTURE(text);
        CHECK(parse_endpoint(text).error() == error::invalid_name_server);
    }
}

TEST_CASE("an address prints as it is read", "[core]") {
    CHECK(to_string(endpoint{"127.0.0.1", 9876}) == "127.0.0.1:9876");
    CHECK(to_string(endpoint{"::1", 9876}) == "[::1]:9876");
}

TEST_CASE("a list of name servers keeps its order and drops blanks and repetitions", "[core]") {
    const auto servers = parse_name_servers(" b:2; a:1;;b:2 ;\n");
    REQUIRE(servers);
    CHECK(*servers == std::vector<endpoint>{{"b", 2}, {"a", 1}});
    const auto with_scheme = parse_name_servers("http://ns.example:80");
    REQUIRE(with_scheme);
    CHECK(*with_scheme == std::vector<endpoint>{{"ns.example", 80}});
}

TEST_CASE("one bad name server spoils the list, and so does none", "[core]") {
    for (const char* list : {"", " ; ", "a:1;b", "a:1;b:0", "a:1,b:2", "a:1 b:2"}) {
        CAPTURE(list);
        CHECK(parse_name_servers(list).error() == error::invalid_name_server);
    }
}

TEST_CASE("equal addresses hash alike", "[core]") {
    const std::hash<endpoint> hash;
    CHECK(hash({"a", 1}) == hash({"a", 1}));
    CHECK(hash({"a", 1}) != hash({"a", 2}));
}

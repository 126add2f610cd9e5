#include <rocketpush/allocation/consistent_hash_allocation.hpp>

#include <optional>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"
#include "tests/support/recorded_shares.hpp"

namespace {

using namespace rocketpush;

/// What ring_hash asks and no more.
struct hash_archetype {
    explicit hash_archetype(int) {} // no default construction
    hash_archetype(const hash_archetype&)            = default;
    hash_archetype& operator=(const hash_archetype&) = delete;

    int operator()(std::string_view text) const { return static_cast<int>(text.size()); } // only convertible
};
static_assert(ring_hash<hash_archetype>);
static_assert(allocation_strategy<basic_consistent_hash_allocation<hash_archetype>>);

struct hash_changes_it : hash_archetype {
    int operator()(std::string_view) { return 1; } // not const
};
static_assert(!ring_hash<hash_changes_it>);

struct hash_is_a_text {
    std::string operator()(std::string_view text) const { return std::string(text); }
};
static_assert(!ring_hash<hash_is_a_text>);

/// As OpenSSL without MD5.
struct refuses {
    std::optional<std::int64_t> operator()(std::string_view) const { return std::nullopt; }
};

/// Everything at one place.
struct always_seven {
    std::int64_t operator()(std::string_view) const { return 7; }
};

/// Members at what stands behind `@`, and their queues at their number: below it, or wrapping.
struct places_by_name {
    std::int64_t operator()(std::string_view text) const {
        if (text.starts_with("MessageQueue")) {
            CHECK(text.starts_with("MessageQueue [topic=orders, brokerName=broker-100, queueId="));
            CHECK(text.ends_with("]"));
            return text[text.size() - 2] - '0';
        }
        CHECK(text.ends_with("-0"));
        return text[text.find('@') + 1] - '0' - 3; // negative as well
    }
};

#if ROCKETPUSH_WITH_OPENSSL

TEST_CASE("md5_hash is the first four bytes of the digest, big-endian and without a sign", "[allocation]") {
    // RFC 1321: MD5("") = d41d8cd9..., MD5("abc") = 90015098...
    CHECK(md5_hash()("") == 0xd41d8cd9);
    CHECK(md5_hash()("abc") == 0x90015098);
}

TEST_CASE("consistent_hash_allocation keeps the laws of every strategy", "[allocation]") {
    test::check_allocation_laws(consistent_hash_allocation{});
    test::check_allocation_laws(consistent_hash_allocation(1));
}

TEST_CASE("consistent_hash_allocation gives the shares of the Java client", "[allocation]") {
    test::check_recorded_shares(consistent_hash_allocation(), test::java_consistent_hash_shares);
    CHECK(consistent_hash_allocation::name() == "CONSISTENT_HASH");
}

TEST_CASE("with consistent_hash_allocation only the queues of a member that leaves move", "[allocation]") {
    const auto before = test::members(5);
    const std::vector<std::string> after(before.begin(), before.begin() + 4);
    const auto all = test::queues(64);
    for (const auto& self : after) {
        const allocation had = consistent_hash_allocation().allocate({"billing", self, before, all});
        const allocation has = consistent_hash_allocation().allocate({"billing", self, after, all});
        REQUIRE((had && has));
        CHECK(std::ranges::includes(*has, *had));
    }
}

#endif

TEST_CASE("consistent_hash_allocation with a hash of one's own keeps the laws", "[allocation]") {
    test::check_allocation_laws(basic_consistent_hash_allocation(10, hash_archetype(1)));
    test::check_allocation_laws(basic_consistent_hash_allocation(10, always_seven()));
}

TEST_CASE("a queue belongs to the next member on the ring, the last ones to the first", "[allocation]") {
    const basic_consistent_hash_allocation strategy(1, places_by_name());
    const std::vector<std::string> everybody{"10.0.0.1@2", "10.0.0.2@5"}; // at -1 and at 2
    const std::vector<message_queue> all{{"orders", "broker-100", 0},
                                         {"orders", "broker-100", 1},
                                         {"orders", "broker-100", 2},
                                         {"orders", "broker-100", 3}};
    const allocation first  = strategy.allocate({"billing", everybody[0], everybody, all});
    const allocation second = strategy.allocate({"billing", everybody[1], everybody, all});
    REQUIRE((first && second));
    CHECK(*second == std::vector{all[0], all[1], all[2]}); // at its own place as well
    CHECK(*first == std::vector{all[3]});
}

TEST_CASE("of members at one place of the ring the last has the queues", "[allocation]") {
    const auto everybody = test::members(3);
    const auto all       = test::queues(4);
    const allocation share =
        basic_consistent_hash_allocation(10, always_seven()).allocate({"g", everybody[2], everybody, all});
    REQUIRE(share);
    CHECK(*share == all);
}

TEST_CASE("without virtual nodes nobody has a queue", "[allocation]") {
    const auto everybody = test::members(2);
    const auto all       = test::queues(4);
    const allocation share =
        basic_consistent_hash_allocation(0, always_seven()).allocate({"g", everybody[0], everybody, all});
    REQUIRE(share);
    CHECK(share->empty());
}

TEST_CASE("a hash that cannot be had is told, and nothing is given up", "[allocation]") {
    const auto everybody   = test::members(2);
    const auto all         = test::queues(4);
    const allocation share = basic_consistent_hash_allocation<refuses>().allocate({"g", everybody[0], everybody, all});
    CHECK(share.error() == error::unsupported_feature);
}

} // namespace

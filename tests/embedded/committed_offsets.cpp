#include <rocketpush/embedded/committed_offsets.hpp>

#include "tests/support/catch.hpp"

using rocketpush::embedded::committed_offsets;

TEST_CASE("a committed offset is the last one written, for its group and queue alone", "[embedded]") {
    committed_offsets offsets;
    CHECK(!offsets.find("billing", "orders", 0));
    offsets.commit("billing", "orders", 0, 7);
    CHECK(offsets.find("billing", "orders", 0) == 7);
    CHECK(!offsets.find("billing", "orders", 1));
    CHECK(!offsets.find("other", "orders", 0));
    offsets.commit("billing", "orders", 0, 3);
    CHECK(offsets.find("billing", "orders", 0) == 3);
    offsets.commit("billing", "bills", 0, 1);
    CHECK(offsets.topics("billing") == std::set<std::string>{"bills", "orders"});
    offsets.forget_topic("orders");
    CHECK(offsets.topics("billing") == std::set<std::string>{"bills"});
}

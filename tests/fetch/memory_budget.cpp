#include <rocketpush/fetch/memory_budget.hpp>

#include <memory>
#include <optional>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

struct some_queue {
    bool dropped = false, in_memory_line = false;
    std::size_t memory_set_aside = 0;
};
using queue_ptr = std::shared_ptr<some_queue>;
using budget    = memory_budget<queue_ptr>;

queue_ptr queue() { return std::make_shared<some_queue>(); }

TEST_CASE("queues pull as they like while there is room", "[fetch]") {
    budget of(1000, 100);
    CHECK(of.open({0, 0}));
    CHECK(of.open({999, 500}));
    CHECK_FALSE(of.open({1000, 500}));
    CHECK(of.fits({1000, 500}));
    CHECK_FALSE(of.fits({1001, 500}));
}

TEST_CASE("a consumer that holds nothing lets one in, however small its budget", "[fetch]") {
    budget of(1000, 100);
    CHECK(of.open({5000, 0})); // blocks that connections read into
    CHECK(of.fits({5000, 0}));
    const auto one = queue(), two = queue();
    of.enter(one, 5000); // more than there is
    of.enter(two, 0);
    CHECK(of.let_in({1200, 0}) == one);
    CHECK(of.let_in({1200, 0}) == std::nullopt); // the second only when the first has its answer
    of.take_back(*one);
    CHECK(of.let_in({1200, 0}) == two);
}

TEST_CASE("those in line are let in one after the other, each when there is room for it", "[fetch]") {
    budget of(1000, 100);
    const auto one = queue(), two = queue(), three = queue();
    for (const auto& each : {one, two, three, one})
        of.enter(each, 0);
    CHECK_FALSE(of.open({0, 0})); // nobody passes the line
    CHECK(of.let_in({950, 900}) == std::nullopt);
    CHECK(of.let_in({800, 800}) == one);
    CHECK(one->memory_set_aside == 100);
    CHECK(of.let_in({800, 800}) == two);
    CHECK(of.let_in({800, 800}) == std::nullopt); // all that is left was set aside
    CHECK_FALSE(one->in_memory_line);
    of.take_back(*one);
    CHECK(of.let_in({800, 800}) == three);
    CHECK_FALSE(of.waiting());
    CHECK_FALSE(of.open({800, 800}));
    of.take_back(*two);
    of.take_back(*three);
    of.take_back(*three);
    CHECK(of.open({800, 800}));
}

TEST_CASE("one that had its turn in vain is first in line, and waits until there is room", "[fetch]") {
    budget of(1000, 100);
    const auto one = queue(), large = queue();
    of.enter(one, 0);
    of.enter(large, 600, true);
    CHECK(of.let_in({500, 500}) == std::nullopt);
    CHECK(of.let_in({400, 400}) == large);
    of.take_back(*large);
    CHECK(of.let_in({400, 400}) == one);
}

TEST_CASE("a queue that was given up leaves the line", "[fetch]") {
    budget of(1000, 100);
    const auto one = queue(), two = queue();
    of.enter(one, 0);
    of.enter(two, 0);
    one->dropped = true;
    CHECK(of.let_in({0, 0}) == two);
    CHECK_FALSE(one->in_memory_line);
}

} // namespace

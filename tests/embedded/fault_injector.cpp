#include <rocketpush/embedded/fault_injector.hpp>

#include "tests/support/catch.hpp"

#include <limits>
#include <vector>

using namespace rocketpush::embedded;

namespace {

const auto every_request = [](const fault&) { return true; };

/// Which of so many requests are hit.
std::vector<int> hits_of(fault_injector& faults, int requests) {
    std::vector<int> hit;
    for (int i = 0; i < requests; ++i)
        if (faults.take(every_request))
            hit.push_back(i);
    return hit;
}

} // namespace

TEST_CASE("a fault hits so many requests after so many, and then no more", "[embedded]") {
    fault_injector faults(1);
    CHECK(!faults.active());
    const auto id = faults.add({.skip = 2, .times = 3});
    CHECK(faults.active());
    CHECK(hits_of(faults, 10) == std::vector{2, 3, 4});
    CHECK(!faults.active());
    CHECK(faults.hits(id) == 3);
    CHECK(faults.clear(id));
    CHECK(faults.hits(id) == 0);
    CHECK(!faults.clear(id));
    CHECK(!faults.active());
}

TEST_CASE("a fault without a number hits until it is cleared", "[embedded]") {
    fault_injector faults(1);
    const auto first = faults.add({});
    faults.add({});
    CHECK(hits_of(faults, 100).size() == 100);
    CHECK(faults.hits(first) == 100);
    faults.clear_all();
    CHECK(!faults.active());
    CHECK(hits_of(faults, 1).empty());
}

TEST_CASE("a fault with a rate hits that part of the requests, the same for one seed", "[embedded]") {
    fault_injector faults(7), again(7), other(8);
    for (auto* each : {&faults, &again, &other})
        each->add({.rate = 0.25});
    const auto hit = hits_of(faults, 10'000);
    CHECK(hit.size() > 2300);
    CHECK(hit.size() < 2700);
    CHECK(hits_of(again, 10'000) == hit);
    CHECK(hits_of(other, 10'000) != hit);

    fault_injector never(7);
    never.add({.rate = 0});
    CHECK(hits_of(never, 1000).empty());
}

TEST_CASE("of faults that fit a request, the first has it; one that does not fit counts nothing", "[embedded]") {
    fault_injector faults(1);
    const auto billing  = faults.add({.group = "billing", .action = fault_action::lose_answer{}, .times = 1});
    const auto everyone = faults.add({.action = fault_action::garble{}});
    const auto of_group = [](std::string group) {
        return [group](const fault& one) { return one.group.empty() || one.group == group; };
    };
    CHECK(std::holds_alternative<fault_action::garble>(*faults.take(of_group("shipping"))));
    CHECK(std::holds_alternative<fault_action::lose_answer>(*faults.take(of_group("billing"))));
    CHECK(std::holds_alternative<fault_action::garble>(*faults.take(of_group("billing"))));
    CHECK(faults.hits(billing) == 1);
    CHECK(faults.hits(everyone) == 2);
}

TEST_CASE("a fault with a rate or a delay that cannot be is described", "[embedded]") {
    using std::chrono::milliseconds;
    CHECK(describe_problem(fault{}).empty());
    CHECK(!describe_problem(fault{.rate = 1.01}).empty());
    CHECK(!describe_problem(fault{.rate = -0.01}).empty());
    CHECK(!describe_problem(fault{.rate = std::numeric_limits<double>::quiet_NaN()}).empty());
    CHECK(!describe_problem(fault{.action = fault_action::delay{milliseconds(-1)}}).empty());
}

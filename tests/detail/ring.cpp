#include <rocketpush/detail/ring.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using ring = rocketpush::detail::ring<std::unique_ptr<int>>;

std::vector<int> content(const ring& of) {
    std::vector<int> found;
    for (std::size_t i = 0; i < of.size(); ++i)
        found.push_back(*of[i]);
    return found;
}

TEST_CASE("a ring gives back in the order in which it was given", "[ring]") {
    ring line;
    CHECK(line.empty());
    for (int i = 0; i < 5; ++i)
        line.push_back(std::make_unique<int>(i));
    CHECK(content(line) == std::vector{0, 1, 2, 3, 4});
    CHECK(*line.back() == 4);
    CHECK(*line.take_front() == 0);
    CHECK(*line.take_front() == 1);
    CHECK(line.size() == 3);
}

TEST_CASE("a ring keeps its order when it goes round and when it grows in the middle of a round", "[ring]") {
    ring line;
    int next = 0, expected = 0;
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 3; ++i)
            line.push_back(std::make_unique<int>(next++));
        for (int i = 0; i < 2; ++i)
            REQUIRE(*line.take_front() == expected++);
    }
    CHECK(line.size() == 100);
    while (!line.empty())
        REQUIRE(*line.take_front() == expected++);
    CHECK(expected == next);
}

TEST_CASE("a ring that was moved from is empty and works on", "[ring]") {
    ring line;
    line.push_back(std::make_unique<int>(7));
    ring other(std::move(line));
    CHECK(content(other) == std::vector{7});
    CHECK(line.empty());
    line.push_back(std::make_unique<int>(8));
    CHECK(content(line) == std::vector{8});
    line = std::move(other);
    CHECK(content(line) == std::vector{7});
}

} // namespace

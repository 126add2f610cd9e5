#ifndef ROCKETPUSH_TESTS_SUPPORT_LAWS_ALLOCATION_STRATEGY_HPP
#define ROCKETPUSH_TESTS_SUPPORT_LAWS_ALLOCATION_STRATEGY_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.hpp"

namespace rocketpush::test {

inline std::vector<std::string> members(int count) {
    std::vector<std::string> made;
    for (int i = 0; i < count; ++i)
        made.push_back("10.0.0." + std::to_string(i + 1) + "@consumer"); // sorted up to nine
    return made;
}

/// Sorted, spread over brokers of three queues each.
inline std::vector<message_queue> queues(int count) {
    std::vector<message_queue> made;
    for (int i = 0; i < count; ++i) made.push_back({"orders", "broker-" + std::to_string(100 + i / 3), i % 3});
    return made;
}

/// What every allocation_strategy promises; see its concept.
template <allocation_strategy S>
void check_allocation_laws(const S& strategy) {
    CHECK_FALSE(std::string_view(strategy.name()).empty());
    const S copy(strategy);
    for (int member_count = 1; member_count <= 5; ++member_count) {
        const auto everybody = members(member_count);
        for (const int queue_count : {0, 1, 2, 5, 8, 16, 33}) {
            const auto all = queues(queue_count);
            CAPTURE(member_count, queue_count);
            std::vector<message_queue> given;
            for (const auto& self : everybody) {
                const allocation_request request{"billing", self, everybody, all};
                const allocation share = strategy.allocate(request);
                REQUIRE(share.has_value());
                CHECK(std::ranges::is_sorted(*share)); // as the request is
                const allocation again = copy.allocate(request);
                REQUIRE(again.has_value());
                CHECK(*again == *share);
                given.insert(given.end(), share->begin(), share->end());
            }
            std::ranges::sort(given);
            CHECK(given == all);
        }
        const auto all               = queues(4);
        const allocation of_stranger = strategy.allocate({"billing", "10.9.9.9@consumer", everybody, all});
        CHECK(of_stranger.error() == error::not_a_member);
    }
    const auto all          = queues(4);
    const allocation nobody = strategy.allocate({"billing", "10.0.0.1@consumer", {}, all});
    CHECK(nobody.error() == error::not_a_member);
}

} // namespace rocketpush::test

#endif

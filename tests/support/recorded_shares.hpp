#ifndef ROCKETPUSH_TESTS_SUPPORT_RECORDED_SHARES_HPP
#define ROCKETPUSH_TESTS_SUPPORT_RECORDED_SHARES_HPP

#include <rocketpush/allocation/allocation_strategy.hpp>
#include <rocketpush/detail/java_string.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

/// What the Java client 5.5.0's own classes gave (tests/allocation/java_shares compares them all).
namespace rocketpush::test {

struct recorded_share {
    std::string topic;
    std::vector<std::string> members; ///< As Java sorts them.
    std::vector<std::string> brokers; ///< The queues are theirs in turn.
    std::size_t queues;
    std::string owners; ///< Of each queue, as Java sorts them: the place of its member in `members`; `-` nobody.
};

/// `AllocateMessageQueueConsistentHash`, with 10 virtual nodes.
inline const std::vector<recorded_share> java_consistent_hash_shares{
    {.topic   = "orders",
     .members = {"10.0.0.1@4711#1", "10.0.0.2@4711#1", "10.0.0.3@4711#1"},
     .brokers = {"broker-a"},
     .queues  = 8,
     .owners  = "20012010"},
    {.topic   = "orders",
     .members = {"10.0.0.1@4711#1", "10.0.0.2@4711#1", "10.0.0.3@4711#1", "10.0.0.4@4711#1", "10.0.0.5@4711#1",
                 "10.0.0.6@4711#1", "10.0.0.7@4711#1"},
     .brokers = {"broker-a"},
     .queues  = 20,
     .owners  = "56042016614551306124"},
    {.topic   = "%RETRY%billing",
     .members = {"10.0.0.10@c", "10.0.0.1@c", "10.0.0.1@c2", "10.0.0.9@c"},
     .brokers = {"broker-10", "broker-2", "broker-1", "broker-", "Broker-2"},
     .queues  = 11,
     .owners  = "21102301113"},
    {.topic   = "%RETRY%billing",
     .members = {"10.0.0.10@c", "10.0.0.1@C", "10.0.0.1@c", "10.0.0.1@c2", "10.0.0.9@c",
                 "192.168.100.200@instance@unit", "a"},
     .brokers = {"broker-10", "broker-2", "broker-1", "broker-", "Broker-2"},
     .queues  = 25,
     .owners  = "3124021636346136221424241"},
    {.topic   = "orders",
     .members = {"10.0.0.1@gr\u00f6\u00dfe", "10.0.0.1@\u65e5\u672c", "10.0.0.1@\U0001d4b3"},
     .brokers = {"\u0431\u0440\u043e\u043a\u0435\u0440", "broker-\U0001f600", "broker-\uffee"},
     .queues  = 9,
     .owners  = "101211122"},
    {.topic   = "orders",
     .members = {"10.0.0.1@e\u0301", "10.0.0.1@gr\u00f6\u00dfe", "10.0.0.1@\u00e9", "10.0.0.1@\u65e5\u672c",
                 "10.0.0.1@\U0001d4b3", "10.0.0.1@\ue000", "10.0.0.1@\uff5e"},
     .brokers = {"\u0431\u0440\u043e\u043a\u0435\u0440", "broker-\U0001f600", "broker-\uffee"},
     .queues  = 21,
     .owners  = "310426440245616403105"},
};

/// `AllocateMessageQueueByMachineRoom` for room `east`.
inline const std::vector<recorded_share> java_machine_room_shares{
    {.topic   = "orders",
     .members = {"east@1", "east@2", "west@1"},
     .brokers = {"east@a", "north@a", "west@a", "center", "east@b@", "@east", "east@c@d"},
     .queues  = 15,
     .owners  = "----01201------"},
    {.topic   = "orders",
     .members = {"east@1", "east@2", "south@1", "west@1"},
     .brokers = {"east@a", "north@a", "west@a", "center", "east@b@", "@east", "east@c@d"},
     .queues  = 21,
     .owners  = "------012301---------"},
    {.topic   = "orders",
     .members = {"east@10.0.0.10", "east@10.0.0.9", "west@10.0.0.1"},
     .brokers = {"east@a", "west@a", "\u6771@a"},
     .queues  = 7,
     .owners  = "012----"},
};

/// `AllocateMachineRoomNearby` around `AllocateMessageQueueAveragely`; a room is what stands before the `@`.
inline const std::vector<recorded_share> java_nearby_shares{
    {.topic   = "orders",
     .members = {"east@1", "east@2", "south@1", "west@1"},
     .brokers = {"east@a", "north@a", "west@a", "center"},
     .queues  = 4,
     .owners  = "0003"},
    {.topic   = "orders",
     .members = {"center", "east@1", "east@2", "east@3", "south@1", "west@1", "west@2"},
     .brokers = {"east@a", "north@a", "west@a", "center", "east@b@"},
     .queues  = 5,
     .owners  = "01205"},
    {.topic   = "orders",
     .members = {"east@10.0.0.10", "east@10.0.0.9", "west@10.0.0.1"},
     .brokers = {"east@a", "west@a", "\u6771@a"},
     .queues  = 8,
     .owners  = "00122201"},
    {.topic   = "orders",
     .members = {"east@10.0.0.10", "east@10.0.0.9", "west@10.0.0.1", "west@10.0.0.11", "\u6771@1", "\u6771@2"},
     .brokers = {"east@a", "west@a", "\u6771@a"},
     .queues  = 30,
     .owners  = "000001111122222333334444455555"},
    {.topic   = "orders",
     .members = {"10.0.0.1@4711#1", "10.0.0.2@4711#1", "10.0.0.3@4711#1"},
     .brokers = {"broker-a"},
     .queues  = 10,
     .owners  = "0000111222"},
};

template <allocation_strategy S>
void check_recorded_shares(const S& strategy, const std::vector<recorded_share>& recorded) {
    for (const auto& [topic, members, brokers, count, owners] : recorded) {
        CAPTURE(members, brokers, count);
        REQUIRE(std::ranges::is_sorted(members, detail::java_less()));
        std::vector<message_queue> queues;
        for (std::size_t i = 0; i < count; ++i)
            queues.push_back({topic, brokers[i % brokers.size()], static_cast<std::int32_t>(i / brokers.size())});
        std::ranges::sort(queues);
        std::string found(count, '-');
        for (std::size_t rank = 0; rank < members.size(); ++rank) {
            const allocation share = strategy.allocate({"billing", members[rank], members, queues});
            REQUIRE(share.has_value());
            for (const auto& queue : *share) {
                const auto at                       = std::ranges::find(queues, queue) - queues.begin();
                found[static_cast<std::size_t>(at)] = static_cast<char>('0' + rank);
            }
        }
        CHECK(found == owners);
    }
}

} // namespace rocketpush::test

#endif

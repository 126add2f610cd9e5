#include <rocketpush/core/message_queue.hpp>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "tests/support/catch.hpp"

using rocketpush::message_queue;

TEST_CASE("queues sort by topic, then broker name, then id as a number", "[core]") {
    const std::vector<message_queue> sorted{
        {"a", "broker-a", 0}, {"a", "broker-a", 2}, {"a", "broker-a", 10}, {"a", "broker-b", 0}, {"b", "broker-a", 0}};
    auto queues = sorted;
    std::ranges::reverse(queues);
    std::ranges::sort(queues);
    CHECK(queues == sorted);
    CHECK(message_queue{"a", "b", -1} < message_queue{"a", "b", 0});
}

TEST_CASE("names sort as Java sorts them, by UTF-16 units and not by code points", "[core]") {
    const message_queue clef{"\xF0\x9D\x84\x9E", "b", 0};          // U+1D11E, in UTF-16 D834 DD1E
    const message_queue private_use{"\xEE\x80\x80", "b", 0};       // U+E000
    const message_queue half_width{"\xEF\xBD\xA1", "b", 0};        // U+FF61
    const message_queue before_surrogates{"\xED\x9F\xBF", "b", 0}; // U+D7FF
    CHECK(clef < private_use);
    CHECK(clef < half_width);
    CHECK(private_use < half_width);
    CHECK(before_surrogates < clef);
    CHECK(message_queue{"a", "b", 0} < before_surrogates);
}

TEST_CASE("a name sorts before every name that it begins", "[core]") {
    CHECK(message_queue{"order", "z", 9} < message_queue{"orders", "a", 0});
    CHECK(message_queue{"t", "", 9} < message_queue{"t", "a", 0});
}

TEST_CASE("equal queues hash alike, and the queues of a topic spread", "[core]") {
    std::unordered_set<message_queue> queues;
    for (int id = 0; id < 100; ++id) {
        queues.insert({"orders", "broker-a", id});
        queues.insert({"orders", "broker-b", id});
    }
    CHECK(queues.size() == 200);
    CHECK(queues.contains({"orders", "broker-b", 42}));
    std::unordered_set<std::size_t> hashes;
    for (const auto& queue : queues)
        hashes.insert(std::hash<message_queue>()(queue));
    CHECK(hashes.size() == 200);
}

TEST_CASE("a queue prints as topic, broker and id", "[core]") {
    CHECK(to_string(message_queue{"orders", "broker-a", 3}) == "orders@broker-a:3");
}

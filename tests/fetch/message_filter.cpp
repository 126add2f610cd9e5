#include <rocketpush/fetch/message_filter.hpp>
#include <rocketpush/observe/log_observer.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

struct only_even : no_observer {
    int exceptions = 0;

    bool wants_message(const message_view& message) {
        if (message.queue_offset() == 5)
            throw std::runtime_error("five");
        return message.queue_offset() % 2 == 0;
    }
    void on_filter_exception(const message_queue&, std::exception_ptr) { ++exceptions; }
};

struct by_a_template : no_observer {
    template <class M>
    bool wants_message(const M&) {
        return true;
    }
};

static_assert(!filters_messages<no_observer>);
static_assert(!filters_messages<log_observer>);
static_assert(filters_messages<only_even>);
static_assert(filters_messages<by_a_template>);
static_assert(filters_messages<observers<log_observer, only_even>>);
static_assert(!filters_messages<observers<log_observer, no_observer>>);

std::vector<detail::message_fields> messages(queue_offset count) {
    std::vector<detail::message_fields> made(static_cast<std::size_t>(count));
    for (queue_offset i = 0; i < count; ++i)
        made[static_cast<std::size_t>(i)].queue_offset = i;
    return made;
}

std::vector<queue_offset> offsets(const std::vector<detail::message_fields>& of) {
    std::vector<queue_offset> found;
    for (const auto& each : of)
        found.push_back(each.queue_offset);
    return found;
}

TEST_CASE("messages that an observer does not want are removed; one at which it throws is kept, and that is told", "[fetch]") {
    only_even filter;
    auto some = messages(7);
    remove_unwanted(filter, {"orders", "broker-a", 0}, some);
    CHECK(offsets(some) == std::vector<queue_offset>{0, 2, 4, 5, 6});
    CHECK(filter.exceptions == 1);
}

TEST_CASE("of joined observers each has a say", "[fetch]") {
    observers<only_even, only_even> both{only_even(), only_even()};
    auto some = messages(4);
    remove_unwanted(both, {"orders", "broker-a", 0}, some);
    CHECK(offsets(some) == std::vector<queue_offset>{0, 2});
}

TEST_CASE("an observer that filters nothing is not asked", "[fetch]") {
    no_observer none;
    auto some = messages(4);
    remove_unwanted(none, {"orders", "broker-a", 0}, some);
    CHECK(some.size() == 4);
}

} // namespace

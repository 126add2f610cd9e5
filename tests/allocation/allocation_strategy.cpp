#include "tests/support/archetypes/allocation_strategy.hpp"

#include <rocketpush/allocation/allocation_strategy.hpp>

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"
#include "tests/support/laws/allocation_strategy.hpp"

namespace {

using namespace rocketpush;
using test::allocation_archetype;

// Near misses: one requirement less each.

struct name_may_throw : allocation_archetype {
    const char* name() const { return ""; }
};
static_assert(!named_strategy<name_may_throw>);
static_assert(!allocation_strategy<name_may_throw>);

struct name_is_a_number : allocation_archetype {
    int name() const noexcept { return 1; }
};
static_assert(!named_strategy<name_is_a_number>);
static_assert(!allocation_strategy<name_is_a_number>);

struct allocate_changes_it : allocation_archetype {
    allocation allocate(const allocation_request&) { return error::not_a_member; } // not const
};
static_assert(!answers_allocation<allocate_changes_it>);
static_assert(!allocation_strategy<allocate_changes_it>);

struct answers_ranks : allocation_archetype {
    std::vector<int> allocate(const allocation_request&) const { return {}; }
};
static_assert(!answers_allocation<answers_ranks>);
static_assert(!allocation_strategy<answers_ranks>);

struct not_copied : allocation_archetype {
    using allocation_archetype::allocation_archetype;
    not_copied(const not_copied&) = delete;
};
static_assert(named_strategy<not_copied> && answers_allocation<not_copied>);
static_assert(!allocation_strategy<not_copied>);

/// Every queue to the first member: lawful, and not one of ours.
struct all_to_the_first {
    static constexpr std::string_view name() noexcept { return "FIRST"; }
    allocation allocate(const allocation_request& request) const {
        const auto self = std::ranges::find(request.members, request.self);
        if (self == request.members.end()) return error::not_a_member;
        if (self != request.members.begin()) return std::vector<message_queue>();
        return std::vector(request.queues.begin(), request.queues.end());
    }
};

TEST_CASE("a strategy of a user keeps the laws as well", "[allocation]") {
    test::check_allocation_laws(all_to_the_first{});
}

} // namespace

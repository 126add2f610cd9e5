#include "tests/support/archetypes/offset_store.hpp"

#include <rocketpush/offset_store/offset_store.hpp>

#include <map>
#include <optional>

#include "tests/support/catch.hpp"
#include "tests/support/laws/offset_store.hpp"

namespace {

using namespace rocketpush;
using test::offset_store_archetype;

// The access that tests use is what stores are promised.
static_assert(requires(test::fake_offset_access& access, message_queue queue, offset_store_archetype& store) {
    store.read(access, queue);
    store.write(access, queue, queue_offset());
});

// Near misses: one requirement less each.

struct not_movable : offset_store_archetype {
    using offset_store_archetype::offset_store_archetype;
    not_movable(not_movable&&) = delete;
};
static_assert(reads_offsets<not_movable> && writes_offsets<not_movable>);
static_assert(!offset_store<not_movable>);

struct never_absent { // an offset, or a failure: "none yet" cannot be said
    template <class Access>
    typename Access::template task<result<queue_offset>> read(Access&, message_queue) {
        co_return 0;
    }
    template <class Access>
    typename Access::template task<std::error_code> write(Access&, message_queue, queue_offset) {
        co_return std::error_code();
    }
};
static_assert(!reads_offsets<never_absent> && writes_offsets<never_absent>);
static_assert(!offset_store<never_absent>);

struct answers_at_once {
    template <class Access>
    result<std::optional<queue_offset>> read(Access&, message_queue) {
        return std::optional<queue_offset>();
    }
    template <class Access>
    std::error_code write(Access&, message_queue, queue_offset) {
        return {};
    }
};
static_assert(!reads_offsets<answers_at_once> && !writes_offsets<answers_at_once>);

struct confirms_nothing {
    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access&, message_queue) {
        co_return std::optional<queue_offset>();
    }
    template <class Access>
    typename Access::template task<void> write(Access&, message_queue, queue_offset) {
        co_return;
    }
};
static_assert(reads_offsets<confirms_nothing> && !writes_offsets<confirms_nothing>);
static_assert(!offset_store<confirms_nothing>);

// What a store need not have has to fit where it is there.

struct loads_without_a_code : offset_store_archetype {
    using offset_store_archetype::offset_store_archetype;
    template <class Access>
    typename Access::template task<void> load(Access&) {
        co_return;
    }
};
static_assert(!loads_offsets<loads_without_a_code> && !extras_fit<loads_without_a_code>);
static_assert(!offset_store<loads_without_a_code>);

struct writes_many_of_something_else : offset_store_archetype {
    using offset_store_archetype::offset_store_archetype;
    template <class Access>
    typename Access::template task<std::error_code> write_many(Access&, std::map<message_queue, queue_offset>) {
        co_return std::error_code();
    }
};
static_assert(!writes_many_offsets<writes_many_of_something_else> && !offset_store<writes_many_of_something_else>);

struct for_broadcasting : offset_store_archetype {
    using offset_store_archetype::offset_store_archetype;
    static constexpr message_model model = message_model::broadcasting;
};
static_assert(offset_store<for_broadcasting> && !loads_offsets<for_broadcasting>);
static_assert(model_of<for_broadcasting>() == message_model::broadcasting);
static_assert(model_of<offset_store_archetype>() == message_model::clustering);

static_assert(!offset_store<int>);

/// Keeps offsets to itself: lawful, and not one of ours.
struct own_memory {
    std::map<message_queue, queue_offset> offsets{};

    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access&, message_queue queue) {
        const auto found = offsets.find(queue);
        if (found == offsets.end()) co_return std::optional<queue_offset>();
        co_return std::optional<queue_offset>(found->second);
    }
    template <class Access>
    typename Access::template task<std::error_code> write(Access&, message_queue queue, queue_offset offset) {
        offsets[queue] = offset;
        co_return std::error_code();
    }
};

TEST_CASE("a user's store that keeps offsets to itself is lawful", "[offset_store]") {
    test::check_offset_store_laws(own_memory{}, /*loses_touch=*/false);
}

} // namespace

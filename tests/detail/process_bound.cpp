#include <rocketpush/detail/process_bound.hpp>

#include <memory>
#include <system_error>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"

namespace {

using namespace rocketpush;

struct counted {
    explicit counted(int& count) : ends(count) {}
    ~counted() { ++ends; }
    int& ends;
    int value = 7;
};

TEST_CASE("in the process that made it a shared object is one", "[process_bound]") {
    int ends = 0;
    {
        detail::process_bound<counted> held{std::make_shared<counted>(ends)};
        CHECK(held);
        CHECK_FALSE(held.problem());
        CHECK(held->value == 7);
        CHECK(held.shared().use_count() == 1);
        held.reset();
        CHECK_FALSE(held);
        CHECK(ends == 1);
        held = std::make_shared<counted>(ends);
        CHECK(held);
    }
    CHECK(ends == 2);
}

TEST_CASE("in a child of fork() a shared object is neither reached nor let go of", "[process_bound]") {
    int ends = 0;
    detail::process_bound<counted> held{std::make_shared<counted>(ends)};
    CHECK(test::in_child([&] {
        try {
            (void)held->value;
            return false;
        } catch (const std::system_error& refused) {
            if (refused.code() != error::used_after_fork)
                return false;
        }
        const bool readable = held.look().value == 7 && held.problem() == error::used_after_fork;
        held.reset();
        detail::process_bound<counted> own{std::make_shared<counted>(ends)};
        return readable && ends == 0 && own->value == 7;
    }));
    CHECK(held->value == 7);
    CHECK(ends == 0);
}

} // namespace

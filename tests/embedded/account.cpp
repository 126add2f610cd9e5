#include <rocketpush/embedded/account.hpp>

#include "tests/support/catch.hpp"

using rocketpush::embedded::account;

TEST_CASE("an account may use what it names, all with a star, and an administrator everything", "[embedded]") {
    const account some{.access_key = "some", .secret_key = "s", .topics = {"orders", "refunds"}, .groups = {"billing"}};
    CHECK(some.may_use_topic("orders"));
    CHECK(some.may_use_topic("refunds"));
    CHECK_FALSE(some.may_use_topic("order"));
    CHECK(some.may_use_group("billing"));
    CHECK_FALSE(some.may_use_group("orders"));
    const account all{.access_key = "all", .secret_key = "s", .topics = {"*"}};
    CHECK(all.may_use_topic("anything"));
    CHECK_FALSE(all.may_use_group("anything"));
    const account admin{.access_key = "admin", .secret_key = "s", .admin = true};
    CHECK(admin.may_use_topic("anything"));
    CHECK(admin.may_use_group("anything"));
}

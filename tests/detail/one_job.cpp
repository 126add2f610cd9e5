#include <rocketpush/detail/one_job.hpp>

#include <array>
#include <memory>
#include <utility>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::one_job;

TEST_CASE("a job is called once, and gone then", "[one_job]") {
    auto token = std::make_shared<int>(0);
    one_job job([token] { ++*token; });
    one_job moved(std::move(job));
    CHECK(token.use_count() == 2);
    moved();
    CHECK(*token == 1);
    CHECK(token.use_count() == 1);
}

TEST_CASE("a job that is not called is dropped, also a large one", "[one_job]") {
    auto token = std::make_shared<int>(0);
    {
        const one_job small([token] {});
        std::array<char, 200> large{};
        const one_job big([token, large] {
            ++*token;
            (void)large;
        });
        CHECK(token.use_count() == 3);
    }
    CHECK(token.use_count() == 1);
    CHECK(*token == 0);
}

TEST_CASE("an assigned job replaces the one that was there", "[one_job]") {
    auto first = std::make_shared<int>(0), second = std::make_shared<int>(0);
    one_job job([first] { ++*first; });
    job = one_job([second] { ++*second; });
    CHECK(first.use_count() == 1);
    job();
    CHECK(*first == 0);
    CHECK(*second == 1);
}

} // namespace

#include <rocketpush/detail/job_queue.hpp>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::job_queue;
using rocketpush::detail::one_job;

TEST_CASE("a job is called once, and gone then", "[job_queue]") {
    auto token = std::make_shared<int>(0);
    one_job job([token] { ++*token; });
    one_job moved(std::move(job));
    CHECK(token.use_count() == 2);
    moved();
    CHECK(*token == 1);
    CHECK(token.use_count() == 1);
}

TEST_CASE("a job that is not called is dropped, also a large one", "[job_queue]") {
    auto token = std::make_shared<int>(0);
    {
        const one_job small([token] {});
        std::array<char, 200> large{};
        const one_job big([token, large] { ++*token; (void)large; });
        CHECK(token.use_count() == 3);
    }
    CHECK(token.use_count() == 1);
    CHECK(*token == 0);
}

TEST_CASE("an assigned job replaces the one that was there", "[job_queue]") {
    auto first = std::make_shared<int>(0), second = std::make_shared<int>(0);
    one_job job([first] { ++*first; });
    job = one_job([second] { ++*second; });
    CHECK(first.use_count() == 1);
    job();
    CHECK(*first == 0);
    CHECK(*second == 1);
}

TEST_CASE("jobs leave a queue in the order in which they came, also when it is never empty", "[job_queue]") {
    job_queue queue;
    std::vector<int> ran;
    int next = 0;
    const auto push = [&] { queue.push(one_job([&ran, number = next++] { ran.push_back(number); })); };
    push();
    for (int i = 0; i < 1000; ++i) {
        push();
        queue.pop()();
    }
    CHECK_FALSE(queue.empty());
    queue.pop()();
    CHECK(queue.empty());
    for (int i = 0; i < 1001; ++i)
        REQUIRE(ran[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a queue drops what it has", "[job_queue]") {
    auto token = std::make_shared<int>(0);
    {
        job_queue queue;
        queue.push(one_job([token] {}));
        queue.push(one_job([token] {}));
        queue.pop()();
        CHECK(token.use_count() == 2);
    }
    CHECK(token.use_count() == 1);
}

} // namespace

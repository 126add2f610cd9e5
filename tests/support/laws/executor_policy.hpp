#ifndef ROCKETPUSH_TESTS_SUPPORT_LAWS_EXECUTOR_POLICY_HPP
#define ROCKETPUSH_TESTS_SUPPORT_LAWS_EXECUTOR_POLICY_HPP

#include <rocketpush/executor/executor_policy.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "tests/support/catch.hpp"

namespace rocketpush::test {

/// A batch as the consumer makes them: copies claim slices until none is left, and call `slice(n)` for each.
template <class Slice>
class batch_job {
  public:
    batch_job(int slices, Slice slice) : shared_(std::make_shared<shared>(slices, std::move(slice))) {}

    void operator()() const {
        const auto copies = shared_->copies.fetch_add(1) + 1;
        for (auto most = shared_->most_copies.load();
             copies > most && !shared_->most_copies.compare_exchange_weak(most, copies);) {
        }
        for (int n = 0; (n = shared_->next.fetch_add(1)) < shared_->slices;) {
            shared_->slice(n);
            shared_->done.fetch_add(1);
        }
        shared_->copies.fetch_sub(1);
    }

    bool wants_help() const noexcept { return shared_->next.load() < shared_->slices; }

    int done() const { return shared_->done.load(); }
    int most_copies() const { return shared_->most_copies.load(); }

  private:
    struct shared {
        shared(int count, Slice function) : slices(count), slice(std::move(function)) {}
        const int slices;
        Slice slice;
        std::atomic<int> next{0}, done{0}, copies{0}, most_copies{0};
    };
    std::shared_ptr<shared> shared_;
};
static_assert(executor_job<batch_job<void (*)(int)>>);

/// One call, which must not wait for others: those of orderly queues, which no second copy can help.
template <class Function>
struct lone_job {
    Function call;
    void operator()() const { call(); }
    bool wants_help() const noexcept { return false; }
    bool wants_thread() const noexcept { return true; }
};
template <class Function>
lone_job(Function) -> lone_job<Function>;

/**
 * @brief What every executor_policy promises; see its concept.
 * @param make     Gives a new executor, not started, that runs up to four jobs at once when it is started with four.
 */
template <class Make>
void check_executor_laws(Make make) {
    using namespace std::chrono_literals;
    using executor = decltype(make());
    static_assert(executor_policy<executor>);
    constexpr auto long_enough = 30s;

    SECTION("every slice of every batch runs once, by no more copies than the concurrency") {
        auto policy = make();
        policy.start(4);
        CHECK(policy.concurrency() >= 1);
        const auto most = static_cast<int>(policy.concurrency());
        std::vector<batch_job<void (*)(int)>> jobs;
        for (int i = 0; i < 200; ++i) {
            jobs.emplace_back(i % 20, [](int) {});
            policy.execute(jobs.back());
        }
        CHECK(policy.join(long_enough));
        for (int i = 0; i < 200; ++i) {
            REQUIRE(jobs[static_cast<std::size_t>(i)].done() == i % 20);
            REQUIRE(jobs[static_cast<std::size_t>(i)].most_copies() <= most);
        }
        CHECK(policy.join(0ms));
    }

    SECTION("a job runs inside of execute if and only if the policy is not concurrent") {
        auto policy = make();
        policy.start(4);
        const auto caller = std::this_thread::get_id();
        std::atomic<bool> elsewhere{false};
        batch_job job(1, [&](int) { elsewhere = std::this_thread::get_id() != caller; });
        policy.execute(job);
        CHECK((executor::concurrent || job.done() == 1));
        CHECK(policy.join(long_enough));
        CHECK(job.done() == 1);
        CHECK(elsewhere == executor::concurrent);
    }

    SECTION("one batch gets as many threads as the concurrency says") {
        auto policy = make();
        policy.start(4);
        const auto wanted = static_cast<int>(policy.concurrency());
        std::atomic<int> arrived{0};
        batch_job job(wanted, [&](int) { // each slice waits for all others, so each needs a copy of its own
            arrived.fetch_add(1);
            arrived.notify_all();
            for (int now = arrived.load(); now < wanted; now = arrived.load()) arrived.wait(now);
        });
        policy.execute(job);
        CHECK(policy.join(long_enough));
        CHECK(job.done() == wanted);
        CHECK(job.most_copies() == wanted);
    }

    SECTION("a job that wants a thread does not wait for one that blocks") {
        auto policy = make();
        policy.start(4);
        if (executor::concurrent && policy.concurrency() > 1) {
            std::promise<void> second_ran;
            std::future_status waited{};
            policy.execute(lone_job{[&] { waited = second_ran.get_future().wait_for(long_enough); }});
            policy.execute(lone_job{[&] { second_ran.set_value(); }});
            CHECK(policy.join(2 * long_enough));
            CHECK(waited == std::future_status::ready);
        }
    }

    SECTION("resizing while jobs run loses none") {
        auto policy = make();
        policy.start(2);
        std::vector<batch_job<void (*)(int)>> jobs;
        for (std::size_t i = 0; i < 100; ++i) {
            jobs.emplace_back(10, [](int) { std::this_thread::yield(); });
            policy.execute(jobs.back());
            policy.resize(1 + i % 4);
        }
        CHECK(policy.join(long_enough));
        for (const auto& job : jobs) REQUIRE(job.done() == 10);
    }

    SECTION("a join from inside of a job does not wait for that job") {
        auto policy = make();
        policy.start(4);
        std::atomic<bool> returned{false};
        batch_job job(1, [&](int) {
            (void)policy.join(std::chrono::hours(1));
            returned = true;
        });
        policy.execute(job);
        CHECK(policy.join(long_enough));
        CHECK(returned);
    }

    SECTION("an executor that was not started can be joined and dropped") {
        auto policy = make();
        CHECK(policy.join(0ms));
        auto another = make();
        auto moved   = std::move(another);
        (void)moved;
    }
}

} // namespace rocketpush::test

#endif

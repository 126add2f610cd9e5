// exhausted_memory: has one allocation of a consumer's life fail, the first, the second, ... and looks at what comes of it.
//
//   exhausted_memory --to 10000                 every allocation up to the 10,000th, of each kind of consumer
//   exhausted_memory --kind in_order --from 412 --to 412
//   exhausted_memory --least 1024               only allocations of 1 KiB and more fail: of blocks, batches, bodies
//
// A life is start, a few hundred messages, stop, in a process of its own; the broker is in another one. Whatever fails: either the
// consumer goes on, consumes everything and stops; or the exception reaches who called, or who runs the io_context, and the stop ends all
// the same; or, where it strikes an awaited operation of Asio, which passes no exception on, std::terminate ends the process. No offset
// is committed past a message that was not consumed, the broker sees the member gone, and what ends in good order leaves no memory behind.

#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/consume/orderly.hpp>
#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "tests/lifecycle/heap.hpp"
#include "tests/lifecycle/ledger.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using lifecycle::ledger;
using lifecycle::violation;

constexpr std::size_t messages = 300;
constexpr std::int32_t queues  = 4;
/// A queue whose loop has died would be found by the watchdog, later than that. Popped messages that could not be taken in come again
/// when they are hidden no more.
constexpr auto time_to_consume = 25s;
constexpr auto time_to_stop    = 15s;
constexpr unsigned time_to_end = 60; ///< Seconds of a process.

/// How a life ended; the exit code of its process.
enum class fate : int {
    went_on,    ///< All was consumed and committed.
    surfaced,   ///< The exception reached who called.
    refused,    ///< The start completed with an error.
    terminated, ///< std::terminate, because of it.
    unscathed,  ///< There are not so many allocations in a life.
    broken
};

/// What a process says while it lives: in memory that it shares with the one that began it.
struct testimony {
    std::array<bool, messages> consumed;
    std::array<char, 200> what; ///< Is broken.
};

struct noting_listener {
    ledger* to;
    testimony* seen;

    void operator()(const message_view& message) const {
        const auto which = ledger::number_of(message);
        to->begun(which);
        to->succeeded(which);
        seen->consumed.at(which) = true;
    }
};

/// Each duty has its turns within a life.
options quick_options(const std::string& name_server) {
    return {.name_servers        = name_server,
            .group               = "billing",
            .from                = consume_from::first,
            .pop_invisible_time  = 5s,
            .request_timeout     = 1s,
            .error_delay         = 20ms,
            .route_poll_interval = 20ms,
            .heartbeat_interval  = 20ms,
            .commit_interval     = 10ms,
            .rebalance_interval  = 20ms,
            .takeover_delay      = 0ms,
            .lock_renew_interval = 20ms,
            .lock_retry_interval = 20ms,
            .stop_timeout        = 2s};
}

/// One life of a consumer, in the process that has nothing else to do.
template <class Listener, class Allocation>
class life {
  public:
    life(const std::string& name_server, ledger& to, testimony& seen, std::ptrdiff_t which) : ledger_(to) {
        const auto with              = quick_options(name_server);
        test::allocations_to_failure = which;
        attempt([&] {
            consumer_.emplace(with, Listener(noting_listener{&to, &seen}), inline_executor(), no_observer(),
                              asio_runtime(context_.get_executor()));
            consumer_->subscribe("orders");
            consumer_->async_start([this](std::error_code result) { started_ = result; });
        });
    }

    /// @throw violation
    fate run() {
        run_until([this] { return done() || surfaced_ || (started_ && *started_); }, time_to_consume);
        if (surfaced_)
            run_until([this] { return done(); }, 30ms); // who gets an exception may go on, or not
        const bool refused = started_ && *started_;
        if (!done() && !surfaced_ && !refused)
            throw violation{fmt::format("nobody was told, and {} messages were not consumed", messages - ledger_.done())};
        stop();
        const bool reached           = test::allocations_to_failure < 0;
        test::allocations_to_failure = -1;
        consumer_.reset();
        if (!run_until([this] { return context_.stopped(); }, 10s))
            throw violation{"something of a consumer that stopped still runs"};
        ledger_.check();
        return !reached ? fate::unscathed : surfaced_ ? fate::surfaced : refused ? fate::refused : fate::went_on;
    }

  private:
    using consumer = consumer_of<Listener, Allocation, inline_executor, no_observer, asio_runtime>;

    bool done() const { return ledger_.done() == messages; }

    /// What throws here reaches the caller.
    template <class Call>
    void attempt(Call call) {
        try {
            call();
        } catch (const std::bad_alloc&) {
            surfaced_ = true;
        }
    }

    template <class Done>
    bool run_until(Done is_done, std::chrono::steady_clock::duration limit) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        while (!is_done()) {
            const auto now = std::chrono::steady_clock::now();
            if (now > deadline || context_.stopped())
                return false;
            attempt([&] { context_.run_one_until(std::min(deadline, now + 100ms)); });
        }
        return true;
    }

    void stop() {
        if (!consumer_)
            return;
        for (int attempts = 0; attempts < 2 && !stopped_; ++attempts) { // the first may be what failed
            const bool before = std::exchange(surfaced_, false);
            context_.restart();
            attempt([&] { consumer_->async_stop([this](std::error_code result) { stopped_ = result; }); });
            run_until([this] { return stopped_ || surfaced_; }, time_to_stop);
            surfaced_ = surfaced_ || before;
        }
        if (!stopped_)
            throw violation{"the stop did not end"};
    }

    ledger& ledger_;
    asio::io_context context_{1};
    std::optional<std::error_code> started_, stopped_;
    std::optional<consumer> consumer_;
    bool surfaced_ = false;
};

/// In the process of a life.
template <class Listener, class Allocation>
[[noreturn]] void live(const std::string& name_server, ledger& to, testimony& seen, std::ptrdiff_t which) {
    static testimony* witness = &seen;
    const auto say            = [](const char* what) { std::strncpy(witness->what.data(), what, witness->what.size() - 1); };
    std::set_terminate([] {
        test::allocations_to_failure = -1;
        try {
            if (const auto thrown = std::current_exception())
                std::rethrow_exception(thrown);
        } catch (const std::bad_alloc&) {
            ::_exit(static_cast<int>(fate::terminated));
        } catch (...) {
        }
        std::strncpy(witness->what.data(), "std::terminate without a std::bad_alloc", witness->what.size() - 1);
        ::_exit(static_cast<int>(fate::broken));
    });
    ::alarm(time_to_end);
    const auto before = test::blocks_in_use.load();
    auto end          = fate::broken;
    try {
        life<Listener, Allocation> one(name_server, to, seen, which);
        end = one.run();
    } catch (const violation& found) {
        say(found.what.c_str());
        ::_exit(static_cast<int>(fate::broken)); // what it left behind may hang
    } catch (const std::exception& found) {
        say(found.what());
        ::_exit(static_cast<int>(fate::broken));
    }
    if (test::blocks_in_use != before && which >= 0) {
        say(fmt::format("{} blocks of memory are left", test::blocks_in_use - before).c_str());
        end = fate::broken;
    }
    ::_exit(static_cast<int>(end));
}

struct variant {
    const char* name;
    bool popped;
    void (*live)(const std::string&, ledger&, testimony&, std::ptrdiff_t);
};
constexpr std::array variants{variant{"prompt", false, &live<noting_listener, average_allocation>},
                              variant{"in_order", false, &live<orderly<noting_listener>, average_allocation>},
                              variant{"popping", true, &live<noting_listener, broker_allocation<>>}};

/// Begins a life, and looks at what is left of it. @throw violation
fate fail_one(const variant& how, std::ptrdiff_t which) {
    static auto& seen = *static_cast<testimony*>(
        ::mmap(nullptr, sizeof(testimony), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    seen = testimony{};
    embedded::broker broker;
    broker.create_topic("orders", queues);
    if (how.popped)
        broker.set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
    ledger sent;
    sent.allow_repeats(true);
    for (std::size_t i = 0; i < messages; ++i) {
        const auto stored = broker.send("orders", std::to_string(i));
        sent.sent(stored.queue_id, stored.offset);
    }
    const auto name_server = broker.name_server_address();
    const auto child       = ::fork();
    if (child == 0)
        how.live(name_server, sent, seen, which);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
    }
    if (!WIFEXITED(status))
        throw violation{WTERMSIG(status) == SIGALRM ? "it hangs" : fmt::format("signal {}", WTERMSIG(status))};
    const auto end = static_cast<fate>(WEXITSTATUS(status));
    if (end == fate::broken)
        throw violation{seen.what.data()};

    const auto left = [&] { return broker.statistics().connections_open != 0 || !broker.members("billing").empty(); };
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (left() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    if (left())
        throw violation{"the broker still knows the member"};
    for (std::size_t i = 0; i < messages; ++i)
        if (seen.consumed[i])
            sent.succeeded(i);
    queue_offset sum = 0;
    for (std::int32_t id = 0; !how.popped && id < queues; ++id) {
        const auto offset = broker.committed_offset("billing", "orders", id).value_or(0);
        sent.committed(id, offset);
        sum += offset;
    }
    sent.check();
    if (!how.popped && end == fate::went_on && sum != static_cast<queue_offset>(messages))
        throw violation{fmt::format("all was consumed, and {} is committed", sum)};
    return end;
}

struct range {
    std::ptrdiff_t first = 0, last = 10'000, step = 1;
};

/// @return Whether all went well.
bool fail_each_of(const variant& how, const range& allocations, bool go_on) {
    std::map<fate, std::size_t> fates;
    auto n = allocations.first;
    for (; n <= allocations.last; n += allocations.step) {
        auto end = fate::broken;
        try {
            end = fail_one(how, n);
        } catch (const violation& found) {
            fmt::print("BROKEN: {}\n  again: exhausted_memory --kind {} --from {} --to {}\n", found.what, how.name, n, n);
        }
        ++fates[end];
        if (end == fate::unscathed || (end == fate::broken && !go_on))
            break;
    }
    fmt::print("{}: up to allocation {}: {} went on, {} gave the exception to their caller, {} did not start, {} ended by std::terminate, "
               "{} broken\n",
               how.name, n, fates[fate::went_on], fates[fate::surfaced], fates[fate::refused], fates[fate::terminated],
               fates[fate::broken]);
    return fates[fate::broken] == 0;
}

} // namespace

int main(int count, char** arguments) try {
    range allocations;
    std::string only;
    bool go_on = false;
    CLI::App app("Has one allocation of a consumer's life fail, the first, the second, ... and checks what is promised all the same.");
    app.add_option("--from", allocations.first, "The first allocation that fails, counted from 0")->capture_default_str();
    app.add_option("--to", allocations.last, "The last one; it ends before if a life has fewer")->capture_default_str();
    app.add_option("--step", allocations.step, "From one to the next")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--least", test::least_that_fails, "BYTES: smaller allocations do not fail, and are not counted")->capture_default_str();
    app.add_option("--kind", only, "Of consumers (default: all)")->check(CLI::IsMember({"prompt", "in_order", "popping"}));
    app.add_flag("--go-on", go_on, "After a promise was broken as well");
    CLI11_PARSE(app, count, arguments);
    bool well = true;
    for (const auto& each : variants)
        if (only.empty() || only == each.name)
            well = fail_each_of(each, allocations, go_on) && well;
    return well ? 0 : 1;
} catch (const std::exception& failure) {
    fmt::print(stderr, "exhausted_memory: {}\n", failure.what());
    return 2;
}

#include "tests/lifecycle/world.hpp"

#include <asio/post.hpp>

#include <system_error>
#include <utility>

namespace rocketpush::lifecycle {

using namespace std::chrono_literals;

const char* to_string(ending how) noexcept {
    switch (how) {
    case ending::stopped: return "stopped";
    case ending::stopped_in_haste: return "stopped in haste";
    case ending::stopped_twice: return "stopped twice";
    case ending::stopped_in_listener: return "stopped in its listener";
    case ending::stopped_then_destroyed: return "stopped, then destroyed";
    case ending::destroyed: return "destroyed";
    case ending::destroyed_in_listener: return "destroyed in its listener";
    }
    return "";
}

const char* to_string(kind how) noexcept {
    switch (how) {
    case kind::prompt: return "prompt";
    case kind::slow: return "slow";
    case kind::in_order: return "in_order";
    case kind::popping: return "popping";
    }
    return "";
}

/// What a member's operations completed with. Shared: some complete when nobody waits any more.
struct world::outcomes {
    std::size_t stops = 0;
    std::error_code last;

    static auto note_stop(const std::shared_ptr<outcomes>& into) {
        return [into](std::error_code result) {
            ++into->stops;
            into->last = result;
        };
    }
};

world::world(kind how, std::uint64_t seed) : how_(how), chance_(seed) {
    cluster_.broker().create_topic("orders", queues);
    if (how == kind::popping)
        cluster_.broker().set_request_mode("orders", "billing", {.mode = protocol::request_mode::pop});
}

void world::cycle() {
    send(draw(30));
    ledger_.open();
    const auto how   = endings[draw(endings.size())];
    auto one         = make(true);
    const auto begun = std::make_shared<std::size_t>(0);
    one->start([begun](std::error_code failure) { *begun += !failure; });
    // Most moments of a member's life are in its first second; some members get older.
    run_handlers(draw(4) == 0 ? draw(3000) : draw(300));
    if (draw(8) == 0)
        cluster_.runtime.advance(std::chrono::seconds(draw(40)));
    end(std::move(one), how);
    check_nothing_left(how);
    check_offsets();
    started_ += *begun;
    ++ended_[how];
    ++cycles_;
}

void world::drain() {
    ledger_.open();
    auto one = make(false);
    one->start([](std::error_code) {});
    if (!run_until([this] { return ledger_.done() == ledger_.size(); }, 10min))
        throw violation{fmt::format("after {} cycles {} of {} messages were not consumed in 10 minutes", cycles_,
                                    ledger_.size() - ledger_.done(), ledger_.size())};
    // What members consumed that ended in haste may not be committed: it comes again. A question is a handler too, so not in run_until.
    for (int seconds = 0; !all_committed(); ++seconds) {
        if (seconds == 600)
            throw violation{"all was consumed, and is not committed in 10 minutes more"};
        cluster_.runtime.advance(1s);
        ledger_.check();
    }
    end(std::move(one), ending::stopped);
    check_nothing_left(ending::stopped);
    check_offsets();
    if (!all_committed())
        throw violation{"a member that stopped has set offsets back"};
    ledger_.allow_repeats(false);
}

bool world::all_committed() {
    for (std::int32_t id = 0; how_ != kind::popping && id < queues; ++id) // a popped topic's offset is the broker's affair
        if (cluster_.broker().committed_offset("billing", "orders", id).value_or(0) != static_cast<queue_offset>(ledger_.size(id)))
            return false;
    return true;
}

bool world::run_until(const std::function<bool()>& done, std::chrono::seconds limit) {
    const bool in_time = cluster_.run_until(done, limit);
    ledger_.check();
    return in_time;
}

void world::run_handlers(std::size_t count) {
    cluster_.run_until([&count] { return count-- == 0; }, 1min);
    ledger_.check();
}

void world::send(std::size_t count) {
    for (; count != 0; --count) {
        const auto stored = cluster_.broker().send("orders", std::to_string(ledger_.size()));
        ledger_.sent(stored.queue_id, stored.offset);
    }
}

std::unique_ptr<member> world::make(bool failing) {
    auto with            = cluster_.member_options();
    with.instance_name   = "m" + std::to_string(cycles_);
    with.consume_threads = 1 + draw(8);
    const auto alive     = std::make_shared<int>(0);
    alive_               = alive;
    return make_member(how_, cluster_.network, with,
                       {.runtime = cluster_.runtime, .messages = &ledger_, .chance = &chance_, .failing = failing, .alive = alive});
}

void world::end(std::unique_ptr<member> one, ending how) {
    constexpr auto patience = 10'000ms;
    const auto seen         = std::make_shared<outcomes>();
    const auto stop         = [&](std::chrono::milliseconds limit) { one->stop(limit, outcomes::note_stop(seen)); };
    const auto destroy      = [&] { one.reset(); };
    switch (how) {
    case ending::stopped:
        stop(patience);
        return wait_for_stop(*seen, 1, how);
    case ending::stopped_in_haste:
        ledger_.allow_repeats(true);
        stop(0ms);
        return wait_for_stop(*seen, 1, how);
    case ending::stopped_twice:
        stop(patience);
        run_handlers(draw(20));
        stop(patience);
        return wait_for_stop(*seen, 2, how);
    case ending::stopped_in_listener:
        ledger_.at_next_call([&] { stop(patience); });
        run_handlers(300);
        ledger_.at_next_call(nullptr);
        if (seen->stops == 0)
            stop(patience);
        return wait_for_stop(*seen, 1, how);
    case ending::stopped_then_destroyed:
        stop(patience);
        run_handlers(draw(20));
        asio::post(cluster_.runtime.get_executor(), destroy);
        break;
    case ending::destroyed: asio::post(cluster_.runtime.get_executor(), destroy); break;
    case ending::destroyed_in_listener:
        ledger_.at_next_call(destroy);
        run_handlers(300);
        ledger_.at_next_call(nullptr);
        if (one)
            asio::post(cluster_.runtime.get_executor(), destroy);
        break;
    }
    if (!run_until([&] { return one == nullptr; }))
        throw violation{"nobody runs handlers"};
}

void world::wait_for_stop(outcomes& seen, std::size_t stops, ending how) {
    if (!run_until([&] { return seen.stops >= stops; }))
        throw violation{fmt::format("a member that was {} did not stop in 2 minutes", to_string(how))};
    if (seen.last && (how != ending::stopped_in_haste || seen.last != error::stop_deadline_passed))
        throw violation{fmt::format("a member that was {} says {}", to_string(how), seen.last.message())};
    ledger_.close(); // from now on no callback
}

void world::check_nothing_left(ending how) {
    const auto gone = [this] {
        return alive_.expired() && cluster_.broker().members("billing").empty() &&
               cluster_.broker().statistics().connections_open == 0;
    };
    if (!run_until(gone))
        throw violation{fmt::format("of a member that was {} there is left after 2 minutes:{}{}{}", to_string(how),
                                    alive_.expired() ? "" : " its listener;", cluster_.broker().members("billing").empty() ? "" : " a member of the group;",
                                    cluster_.broker().statistics().connections_open == 0 ? "" : " a connection")};
    ledger_.close();
    run_handlers(20);
}

void world::check_offsets() {
    for (std::int32_t id = 0; how_ != kind::popping && id < queues; ++id)
        ledger_.committed(id, cluster_.broker().committed_offset("billing", "orders", id).value_or(0));
    ledger_.check();
}

} // namespace rocketpush::lifecycle

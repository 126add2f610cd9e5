#include "tests/simulation/faults.hpp"

#include <initializer_list>

#include "tests/simulation/planted.hpp"

namespace rocketpush::simulation {

using namespace std::chrono_literals;

faults::faults(stage& on, cluster& servers, team& members) : stage_(on), servers_(servers), members_(members) {
    memory_fails_one_in = memory_asked_for = 0; // whatever the thread's last world left
    if (stage_.made.calm) {
        kinds_ = {{"clean stop", 1.0, [this] { members_.leave(); }}};
        return;
    }
    const auto add = [this](const char* name, std::initializer_list<double> rates, auto strike) {
        if (const auto rate = stage_.dice.one_of(rates); rate > 0)
            kinds_.push_back({name, rate, strike});
    };
    add("clean stop", {0, 0.5, 2}, [this] { members_.leave(); });
    add("crash of a member", {0, 0.3, 1}, [this] { members_.crash(line_state::refusing); });
    add("a member's machine dies", {0, 0, 0.3}, [this] { members_.crash(line_state::dead); });
    add("a consumer is destroyed", {0, 0, 0.3}, [this] { members_.destroy(); });
    add("suspension", {0, 0.5}, [this] { members_.suspend(); });
    add("reset of a connection", {0, 1, 10}, [this] { stage_.net->reset_any(); });
    add("line frozen", {0, 0.5}, [this] { disturb(line_state::frozen); });
    add("line deaf", {0, 0.3}, [this] { disturb(line_state::deaf); });
    add("line mute", {0, 0.3}, [this] { disturb(line_state::mute); });
    add("bad network", {0, 0.5}, [this] { bad_network(); });
    add("crash of a broker", {0, 0.3, 1}, [this] { servers_.crash_broker(); });
    add("pause of a broker", {0, 0.5}, [this] { servers_.pause_broker(); });
    add("a broker's answers", {0, 1, 4}, [this] { servers_.wrong_answers(); });
    add("damaged messages", {0, 0.5, 2}, [this] { servers_.damage_messages(); });
    add("wrong member list", {0, 0.5}, [this] { servers_.wrong_member_list(members_.some_client_ids()); });
    add("storm of notices", {0, 0.2}, [this] { servers_.storm_of_notices(); });
    add("wrong routes", {0, 0.5}, [this] { servers_.wrong_routes(); });
    add("name server away", {0, 0.5}, [this] { servers_.lose_name_server(); });
    add("no memory", {0, 0, 0.5}, [this] { exhaust_memory(); });
    add("wall clock jump", {0, 0.3}, [this] { stage_.runtime.skew_system_clock(stage_.dice.between(-3'600'000ms, 3'600'000ms)); });
    if (stage_.made.slaves) {
        add("loss of a master", {0, 0.3}, [this] { servers_.lose_master(); });
        add("slave favoured", {0, 0.5}, [this] { servers_.favour_slave(); });
    }
    if (stage_.made.how != consuming::by_pops)
        add("offsets refused", {0, 0.3}, [this] { servers_.refuse_offsets(); });
    if (stage_.made.how == consuming::in_order) {
        add("locks expire", {0, 0.3}, [this] { servers_.expire_locks(); });
        add("locks refused", {0, 0.3}, [this] { servers_.refuse_locks(); });
    }
    if (stage_.made.how == consuming::everywhere)
        add("failing disk", {0, 0.5}, [this] { members_.break_disk(); });
}

void faults::strike(std::chrono::milliseconds within) {
    for (auto& each : kinds_)
        if (stage_.dice.happens(each.a_minute * static_cast<double>(within.count()) / 60'000)) {
            ++counts_[each.name];
            each.strike();
        }
}

void faults::disturb(line_state how) {
    if (stage_.dice.happens(0.5))
        members_.disturb(how);
    else
        servers_.disturb_broker(how);
}

void faults::exhaust_memory() {
    memory_fails_one_in = static_cast<unsigned>(stage_.dice.between(2, 20));
    stage_.note("members find no memory, one time in {}", memory_fails_one_in);
    stage_.after(stage_.dice.between(10ms, 20'000ms), [] { memory_fails_one_in = 0; });
}

void faults::bad_network() {
    stage_.note("the network is bad");
    auto& dice       = stage_.dice;
    auto& now        = stage_.net->now;
    now.most_delay   = dice.between(duration(2ms), duration(2'000ms));
    now.split        = dice.one_of({0.0, 0.5, 1.0});
    now.reset        = dice.one_of({0.0, 0.0, 0.02});
    now.refused      = dice.one_of({0.0, 0.3});
    now.unanswered   = dice.one_of({0.0, 0.2});
    now.slow_connect = dice.one_of({0.0, 0.5});
    now.slow         = dice.between(500ms, 5'000ms);
    stage_.after(dice.between(1'000ms, 60'000ms), [this] { stage_.net->now = {}; });
}

} // namespace rocketpush::simulation

#include "tests/simulation/team.hpp"

#include <asio/post.hpp>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace rocketpush::simulation {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

team::~team() {
    stage_.quiet = true;
    for (auto& each : all_)
        if (each->state == life::starting || each->state == life::running)
            stop(*each);
    stage_.runtime.run_until([&] { return std::ranges::all_of(all_, [](const auto& one) { return one->over; }); }, 10min);
    all_.clear();
    stage_.runtime.run_ready();
}

team::actor& team::of(const std::string& name) {
    for (auto& each : all_)
        if (each->who.name == name)
            return *each;
    throw violation{name + " is not there any more, and speaks"};
}

team::actor* team::heard(const std::string& name) {
    if (stage_.quiet)
        return nullptr;
    auto& one = of(name);
    return one.state == life::ghost ? nullptr : &one;
}

team::actor* team::any_running() {
    std::vector<actor*> found;
    for (auto& each : all_)
        if (each->state == life::running)
            found.push_back(each.get());
    return found.empty() ? nullptr : stage_.dice.one_in(found);
}

std::vector<identity> team::running() const {
    std::vector<identity> found;
    for (const auto& each : all_)
        if (each->state == life::running)
            found.push_back(each->who);
    return found;
}

std::vector<std::string> team::some_client_ids() {
    std::vector<std::string> found;
    for (const auto& each : running())
        if (stage_.dice.happens(0.6))
            found.push_back(each.client_id);
    if (stage_.dice.happens(0.2))
        found.push_back("nobody@sim");
    return found;
}

void team::join() {
    auto one = std::make_unique<actor>();
    if (stage_.made.same_identity && !free_machines_.empty()) {
        one->machine = free_machines_.back();
        free_machines_.pop_back();
    } else {
        one->machine = fmt::format("machine-{}", ++machines_);
    }
    one->who    = {fmt::format("member-{}", ++joined_), one->machine + "@sim"};
    auto& who   = *one;
    auto& disk  = disks_[who.machine];
    disk        = disk ? disk : std::make_shared<test::fake_disk>();
    auto with          = options_of(stage_.made);
    with.name_servers  = cluster_.name_servers();
    with.group         = group;
    with.client_ip     = who.machine;
    with.instance_name = "sim";
    all_.push_back(std::move(one));
    stage_.note("{} joins as {}", who.who.name, who.who.client_id);
    promises_.joined(who.who);
    who.is = make_member(stage_.made.how, {stage_.runtime, stage_.net, who.who.name, std::move(with), cluster_.topics(), this, disk, who.alive});
    who.is->start([this, &who](std::error_code failure) {
        if (stage_.quiet || who.state != life::starting)
            return;
        stage_.note("{} has started{}{}", who.who.name, failure ? ": " : "", failure ? failure.message() : std::string());
        who.state = failure ? life::stopped : life::running;
        if (failure) {
            who.over = true;
            replace(who, 10'000ms);
        } else {
            promises_.started(who.who);
        }
    });
}

void team::replace(const actor& who, std::chrono::milliseconds within) {
    stage_.after(stage_.dice.between(0ms, within), [this, machine = who.machine] {
        free_machines_.push_back(machine);
        join();
    });
}

void team::stop(actor& who, std::optional<milliseconds> replaced_within) {
    const bool counts = who.state != life::ghost;
    if (counts)
        who.state = life::stopping;
    who.is->stop(5s, [this, &who, counts, replaced_within](std::error_code failure) {
        who.over = true;
        if (!counts || stage_.quiet)
            return;
        stage_.note("{} has stopped{}{}", who.who.name, failure ? ": " : "", failure ? failure.message() : std::string());
        who.state = life::stopped;
        if (!failure)
            promises_.stopped_cleanly(who.who);
        promises_.gone(who.who);
        if (replaced_within) // not before: who comes in its place may have its client id
            replace(who, *replaced_within);
    });
}

void team::leave() {
    if (auto* who = any_running()) {
        stage_.note("{} is stopped", who->who.name);
        stop(*who, 40'000ms);
    }
}

void team::crash(line_state how) {
    auto* who = any_running();
    if (!who)
        return;
    stage_.note("{} {}", who->who.name, how == line_state::dead ? "loses its machine" : "crashes");
    who->state  = life::ghost;
    *who->alive = false;
    stage_.net->set(who->who.name, how);
    promises_.gone(who->who);
    if (how == line_state::dead) { // what the disk was not certain of may be lost
        disk_of(*who).restore([this] { return stage_.dice.happens(0.5); });
    }
    who->is->stop(0ms, [who](std::error_code) { who->over = true; });
    replace(*who, 60'000ms);
}

void team::destroy() {
    auto* who = any_running();
    if (!who)
        return;
    stage_.note("{} is destroyed", who->who.name);
    who->state = life::stopping;
    asio::post(stage_.runtime.get_executor(), [who] { who->is.reset(); });
    stage_.after(6'000ms, [this, who] { // the time for a stop, and a little more
        who->state = life::stopped;
        who->over  = true;
        promises_.gone(who->who);
        replace(*who, 40'000ms);
    });
}

void team::suspend() {
    if (auto* who = any_running()) {
        stage_.note("{} is suspended", who->who.name);
        who->is->suspend();
        stage_.after(stage_.dice.between(100ms, 30'000ms), [this, name = who->who.name] {
            for (auto& each : all_)
                if (each->who.name == name && each->state == life::running)
                    each->is->resume();
        });
    }
}

void team::disturb(line_state how) {
    if (const auto* who = any_running())
        stage_.disturb(who->who.name, how);
}

void team::break_disk() {
    const auto* who = any_running();
    if (!who)
        return;
    const auto what    = stage_.dice.one_of<const char*>({"read", "write", "rename", "sync_folder"});
    const auto machine = who->machine;
    stage_.note("the disk of {} fails: {}", machine, what);
    disks_.at(machine)->failures[what] = std::make_error_code(std::errc::no_space_on_device);
    stage_.after(stage_.dice.between(500ms, 60'000ms), [this, machine, what] { disks_.at(machine)->failures.erase(what); });
}

void team::bury() {
    for (auto& each : all_)
        if (each->over)
            each->is.reset();
}

void team::make_peace() {
    for (auto& [machine, disk] : disks_)
        disk->failures.clear();
    for (auto& each : all_)
        if (each->state == life::running || each->state == life::starting) {
            stage_.net->set(each->who.name, line_state::open);
            each->is->resume();
        }
    for (std::size_t i = 0, count = all_.size(); i < count; ++i) // what such calls hold is never free again: who sees it restarts the process
        if (auto& each = *all_[i]; each.hangs && each.state == life::running) {
            stage_.note("{} is stopped, since it hangs", each.who.name);
            stop(each, 10'000ms);
        }
}

template <class Statistics>
void team::ask_all(Statistics with) {
    asio::post(stage_.runtime.get_executor(), [this, &with] {
        for (auto& each : all_)
            if (each->state == life::running)
                with(*each, each->is->statistics());
    });
    stage_.runtime.run_ready();
}

void team::check_statistics() {
    ask_all([this](const actor& each, const consumer_statistics& told) { promises_.check_statistics(each.who, told); });
}

void team::check_owners() {
    if (stage_.made.how == consuming::by_pops)
        return;
    std::map<message_queue, std::vector<std::string>> owners;
    std::size_t members = 0;
    ask_all([&](const actor& each, const consumer_statistics& told) {
        ++members;
        for (const auto& queue : told.queues)
            owners[queue.queue].push_back(each.who.name);
    });
    const auto wanted = stage_.made.how == consuming::everywhere ? members : 1;
    cluster_.for_each_queue([&](const message_queue& queue) {
        if (const auto& by = owners[queue]; by.size() != wanted)
            stage_.broken(fmt::format("in peace {} is held by {} members: {}", to_string(queue), by.size(), fmt::join(by, ", ")));
    });
}

behaviour team::draw_behaviour(std::size_t size) {
    using enum behaviour::end;
    const auto& made = stage_.made;
    auto& dice       = stage_.dice;
    // In peace what has piled up is to be consumed in time.
    const auto longest = stage_.peace ? std::min(made.longest_call, milliseconds(400)) : made.longest_call;
    behaviour now{.time = longest.count() == 0 ? 0ms : dice.between(0ms, longest)};
    if (stage_.peace)
        return now;
    if (dice.happens(made.never))
        now.how = never;
    else if (dice.happens(made.thrown))
        now.how = thrown;
    else if (dice.happens(made.later))
        now.how = later;
    else if (size > 1 && dice.happens(made.part))
        now.how = part;
    return now;
}

behaviour team::call_begins(const std::string& name, const message_queue& queue, std::span<const std::size_t> messages) {
    auto* who = heard(name);
    if (!who)
        return {.time = {}, .how = behaviour::end::never}; // nobody is there any more
    stage_.note("{} consumes {} of {}", name, fmt::join(messages, ","), to_string(queue));
    if (who->state == life::stopped)
        stage_.broken(fmt::format("{} called its listener after its stop had completed", name));
    promises_.call_begins(who->who, queue, messages);
    const auto now = draw_behaviour(messages.size());
    who->hangs     = who->hangs || now.how == behaviour::end::never;
    return now;
}

void team::call_ends(const std::string& name, const message_queue& queue, std::span<const std::size_t> messages, std::size_t succeeded) {
    const auto* who = heard(name);
    if (!who)
        return;
    stage_.note("{} has consumed {} of {}", name, succeeded, fmt::join(messages, ","));
    promises_.call_ends(who->who, queue, messages, succeeded);
}

void team::sent_back(const std::string& name, std::size_t message) {
    if (const auto* who = heard(name)) {
        stage_.note("{} sent {} back", name, message);
        promises_.sent_back(who->who, message);
    }
}

void team::dropped(const std::string& name, std::size_t message) {
    if (const auto* who = heard(name)) {
        stage_.note("{} drops {}", name, message);
        promises_.dropped(who->who, message);
    }
}

void team::unreadable(const std::string& name, const message_queue& queue, queue_offset at, bad_message done) {
    if (const auto* who = heard(name); who && done != bad_message::stop && stage_.made.how != consuming::by_pops) // one that was popped just comes again
        promises_.unreadable(who->who, queue, at, done);
}

void team::acquired(const std::string& name, const message_queue& queue, queue_offset first) {
    if (const auto* who = heard(name)) {
        stage_.note("{} has {} from {}", name, to_string(queue), first);
        promises_.acquired(who->who, queue, first);
    }
}

void team::released(const std::string& name, const message_queue& queue, queue_offset committed) {
    if (const auto* who = heard(name)) {
        stage_.note("{} gives {} up at {}", name, to_string(queue), committed);
        promises_.released(who->who, queue);
    }
}

void team::committed(const std::string& name, const message_queue& queue, queue_offset at, std::error_code failure) {
    if (const auto* who = heard(name)) {
        stage_.note("{} commits {} at {}{}{}", name, to_string(queue), at, failure ? ": " : "", failure ? failure.message() : std::string());
        if (!failure)
            promises_.committed(who->who, queue, at);
    }
}

void team::told(const std::string& name, const std::string& event) {
    if (!stage_.quiet)
        stage_.note("{} {}", name, event);
}

} // namespace rocketpush::simulation

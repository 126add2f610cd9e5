#include "tests/simulation/ledger.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace rocketpush::simulation {

void ledger::sent(number which, const message_queue& where, queue_offset offset) {
    auto& queue = queues_[where];
    if (which != all_.size() || offset != static_cast<queue_offset>(queue.numbers.size()))
        throw std::logic_error("messages are numbered in the order of their offsets");
    all_.push_back({.where = where, .offset = offset});
    queue.numbers.push_back(which);
}

void ledger::begun(number which, const std::string& member) {
    auto& one = all_.at(which);
    ++one.begun;
    ++deliveries_;
    repeats_ += one.done ? 1 : 0;
    one.last_member = member;
}

void ledger::settle(number which) {
    auto& one   = all_.at(which);
    one.settled = true;
    auto& queue = queues_.at(one.where);
    while (queue.settled_prefix < queue.numbers.size() && all_[queue.numbers[queue.settled_prefix]].settled)
        ++queue.settled_prefix;
}

void ledger::succeeded(number which, std::uint64_t epoch) {
    settle(which);
    auto& one = all_.at(which);
    one.epoch = epoch;
    if (one.done)
        return;
    one.done = true;
    ++done_;
    auto& queue = queues_.at(one.where);
    while (queue.done_prefix < queue.numbers.size() && all_[queue.numbers[queue.done_prefix]].done)
        ++queue.done_prefix;
}

void ledger::dropped(number which) { succeeded(which, 0); }

void ledger::unreadable(const message_queue& where, queue_offset at, bad_message done) {
    const auto found = queues_.find(where);
    if (found == queues_.end() || at < 0 || static_cast<std::size_t>(at) >= found->second.numbers.size())
        return;
    const auto which = found->second.numbers[static_cast<std::size_t>(at)];
    if (done == bad_message::skip)
        succeeded(which, 0);
    else
        settle(which);
}

std::optional<violation> ledger::passed(const message_queue& where, queue_offset offset) {
    const auto found = queues_.find(where);
    if (found == queues_.end())
        return std::nullopt;
    const auto& queue = found->second;
    if (offset > static_cast<queue_offset>(queue.numbers.size()))
        return violation{fmt::format("offset {} of {} is beyond its end, {}", offset, to_string(where), queue.numbers.size())};
    if (offset > static_cast<queue_offset>(queue.settled_prefix))
        return violation{fmt::format("offset {} of {} has passed {}", offset, to_string(where), describe(queue.numbers[queue.settled_prefix]))};
    return std::nullopt;
}

bool ledger::all_done_before(number which) const {
    const auto& one = all_.at(which);
    return static_cast<std::size_t>(one.offset) <= queues_.at(one.where).done_prefix;
}

std::vector<ledger::number> ledger::missing(std::size_t most) const {
    std::vector<number> some;
    for (number which = 0; which < all_.size() && some.size() < most; ++which)
        if (!all_[which].done)
            some.push_back(which);
    return some;
}

std::string ledger::describe(number which) const {
    const auto& one = all_.at(which);
    return fmt::format("message {} ({} at {}; given to listeners {} times{}{})", which, to_string(one.where), one.offset, one.begun,
                       one.last_member.empty() ? "" : ", last to " + one.last_member, one.done ? "; consumed" : "; not consumed");
}

} // namespace rocketpush::simulation

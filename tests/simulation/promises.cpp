#include "tests/simulation/promises.hpp"

#include <rocketpush/core/names.hpp>

#include <algorithm>

namespace rocketpush::simulation {

ledger& promises::of(const identity& who) {
    const auto [found, is_new] = ledgers_.try_emplace(is_shared() ? std::string() : who.client_id);
    if (is_new)
        for (std::size_t i = 0; i < sent_.size(); ++i)
            found->second.sent(i, sent_[i].queue, sent_[i].offset);
    return found->second;
}

const ledger* promises::find(const identity& who) const {
    const auto found = ledgers_.find(is_shared() ? std::string() : who.client_id);
    return found == ledgers_.end() ? nullptr : &found->second;
}

void promises::require(const std::optional<violation>& wrong, const std::string& about) {
    if (wrong)
        stage_.broken(about + ": " + wrong->what);
}

void promises::sent(const stored_place& where) {
    sent_.push_back(where);
    sent_at_.push_back(stage_.runtime.now());
    for (auto& [client, each] : ledgers_)
        each.sent(sent_.size() - 1, where.queue, where.offset);
}

void promises::joined(const identity& who) { of(who); }

void promises::started(const identity& who) {
    if (present_.empty())
        attended_since_ = stage_.runtime.now();
    present_.insert(who.name);
}

std::uint64_t promises::epoch_of(const identity& who, const message_queue& queue) const {
    // What was sent back comes again through a retry topic, and more than once if the answer to that was lost.
    const auto holds = is_retry_topic(queue.topic) ? holds_.end() : holds_.find(queue);
    if (holds == holds_.end())
        return 0;
    const auto held = holds->second.find(who.name);
    return held == holds->second.end() ? 0 : held->second.epoch;
}

void promises::call_begins(const identity& who, const message_queue& queue, std::span<const std::size_t> messages) {
    auto& known      = of(who);
    const auto epoch = epoch_of(who, queue);
    for (const auto one : messages) {
        if (one >= known.size())
            return stage_.broken(fmt::format("{} was given message {}, which nobody sent", who.name, one));
        if (epoch != 0 && known.is_done(one) && known.epoch_of(one) == epoch)
            stage_.broken(fmt::format("{} was given again, without having given its queue up, {}", who.name, known.describe(one)));
        require_soon(who, one);
        known.begun(one, who.name);
        if (epoch != 0)
            holds_.at(queue).at(who.name).given.insert(known.offset_of(one));
    }
    ++calls_[who.name];
    if (stage_.made.how == consuming::in_order)
        begin_in_order(who, queue, messages);
}

void promises::require_soon(const identity& who, std::size_t message) {
    // A hand-over takes a second until it is noticed, `takeover_delay`, and a second more if that was not enough.
    constexpr std::chrono::seconds soon{6};
    const auto& made = stage_.made;
    const bool quick = made.how == consuming::concurrently || made.how == consuming::at_once || made.how == consuming::by_hand;
    const auto waited = stage_.runtime.now() - std::max(sent_at_.at(message), attended_since_); // while nobody is there, all wait
    if (made.calm && quick && made.longest_call <= std::chrono::milliseconds(50) && waited > soon)
        stage_.broken(fmt::format("in a calm world {} was given only after {:.1f} s {}", who.name, std::chrono::duration<double>(waited).count(),
                                  of(who).describe(message)));
}

void promises::begin_in_order(const identity& who, const message_queue& queue, std::span<const std::size_t> messages) {
    for (const auto& [key, calls] : running_)
        if (key.first == queue) {
            if (key.second == who.name)
                stage_.broken(fmt::format("{} runs two calls at once of {}", who.name, to_string(queue)));
            else if (const auto owner = cluster_.broker_of(queue).lock_owner(group, queue.topic, queue.queue_id); stage_.made.calm || (owner != who.client_id && !cluster_.freed_locks(queue)))
                stage_.broken(fmt::format("{} consumes {} while {} does, and the lock is {}'s", who.name, to_string(queue), key.second,
                                          owner.empty() ? "nobody" : owner));
        }
    ++running_[{queue, who.name}];
    const auto& known = of(who);
    for (std::size_t i = 0; i < messages.size(); ++i)
        if (i == 0 ? !known.all_done_before(messages[i]) : messages[i] <= messages[i - 1])
            stage_.broken(fmt::format("{} was given out of order {}", who.name, known.describe(messages[i])));
}

void promises::call_ends(const identity& who, const message_queue& queue, std::span<const std::size_t> messages, std::size_t succeeded) {
    const auto epoch = epoch_of(who, queue);
    for (const auto one : messages.first(succeeded))
        of(who).succeeded(one, epoch);
    running_.erase({queue, who.name});
    --calls_[who.name];
}

void promises::acquired(const identity& who, const message_queue& queue, queue_offset first) {
    auto& holds              = holds_[queue];
    const auto [mine, is_new] = holds.try_emplace(who.name, hold{++last_epoch_, is_shared() ? std::string() : who.client_id});
    if (!is_new)
        stage_.broken(fmt::format("{} has taken {} over twice", who.name, to_string(queue)));
    require(of(who).passed(queue, first), fmt::format("{} begins {}", who.name, to_string(queue)));
    if (is_shared() && holds.size() > 1)
        for (auto& [name, each] : holds)
            each.alone = false;

    // Pulls may go one batch beyond the span.
    const auto span  = stage_.made.max_span;
    const auto bound = static_cast<std::size_t>(span) + stage_.made.pull_batch;
    const auto last  = last_holds_.find({is_shared() ? std::string() : who.client_id, queue});
    if (last == last_holds_.end() || !last->second.alone || cluster_.was_rolled_back(queue))
        return;
    if (const auto again = last->second.given_from(first); again > bound)
        stage_.broken(fmt::format("{} begins {} at {}: {} messages come again, where the span is {}", who.name, to_string(queue), first, again, span));
}

void promises::end(const message_queue& queue, hold last) {
    auto heir = last.heir;
    last_holds_.insert_or_assign({std::move(heir), queue}, std::move(last));
}

void promises::released(const identity& who, const message_queue& queue) {
    auto& holds = holds_[queue];
    if (const auto found = holds.find(who.name); found != holds.end()) {
        end(queue, std::move(found->second));
        holds.erase(found);
    }
}

void promises::committed(const identity& who, const message_queue& queue, queue_offset at) {
    require(of(who).passed(queue, at), who.name + " commits");
}

void promises::stopped_cleanly(const identity& who) {
    if (const auto calls = calls_.find(who.name); calls != calls_.end() && calls->second != 0)
        stage_.broken(fmt::format("{} has stopped, and says that nothing is left, while {} calls run", who.name, calls->second));
}

void promises::gone(const identity& who) {
    present_.erase(who.name);
    calls_.erase(who.name);
    std::erase_if(running_, [&](const auto& one) { return one.first.second == who.name; });
    for (auto& [queue, holds] : holds_)
        if (const auto found = holds.find(who.name); found != holds.end()) {
            end(queue, std::move(found->second));
            holds.erase(found);
        }
}

void promises::check_offsets() {
    if (stage_.made.how == consuming::by_pops || !is_shared() || ledgers_.empty())
        return;
    cluster_.for_each_queue([&](const message_queue& queue) {
        require(ledgers_.begin()->second.passed(queue, cluster_.committed(queue)), "at the broker");
    });
}

void promises::check_statistics(const identity& who, const consumer_statistics& told) {
    const auto& made = stage_.made;
    std::size_t messages = 0, bytes = 0;
    for (const auto& each : told.queues) {
        messages += each.cached.messages;
        bytes += each.cached.bytes;
        if (each.cached.messages > made.max_cached + made.pull_batch)
            stage_.broken(fmt::format("{} holds {} messages of {}, where {} are allowed", who.name, each.cached.messages, to_string(each.queue),
                                      made.max_cached));
        if (each.committable > each.next_pull)
            stage_.broken(fmt::format("{} would commit {} at {}, and pulls at {}", who.name, to_string(each.queue), each.committable, each.next_pull));
    }
    if (made.how != consuming::by_pops && (messages != told.cached_messages || bytes != told.cached_bytes))
        stage_.broken(fmt::format("{} says that it holds {} messages of {} bytes; its queues say {} of {}", who.name, told.cached_messages,
                                  told.cached_bytes, messages, bytes));
    // Beside what is held, one frame is being read on each connection: of every broker and its slave. What is popped goes beyond the
    // limit by the answers under way, one a queue.
    constexpr std::size_t answer = 512u << 10;
    const auto per_broker        = made.how == consuming::by_pops ? made.topics * made.queues : 0;
    const auto allowed           = made.consumer_bytes + static_cast<std::size_t>(made.brokers * per_broker) * answer;
    const auto in_frames         = allowed + static_cast<std::size_t>(made.brokers * (made.slaves ? 2 : 1)) * answer;
    // What messages hold of frames that share a block is an estimate; the blocks are not.
    if (told.cached_bytes > in_frames || told.block_bytes > in_frames)
        stage_.broken(fmt::format("{} holds {} bytes of messages and {} of frames; {} are allowed", who.name, told.cached_bytes, told.block_bytes,
                                  in_frames));
}

void promises::check_ends() {
    if (stage_.made.how == consuming::by_pops || !is_shared())
        return;
    cluster_.for_each_queue([&](const message_queue& queue) {
        const auto end = cluster_.broker_of(queue).max_offset(queue.topic, queue.queue_id);
        if (const auto offset = cluster_.committed(queue); offset != end)
            stage_.broken(fmt::format("in peace {} is committed at {}, and ends at {}", to_string(queue), offset, end));
    });
}

std::size_t promises::deliveries() const {
    std::size_t sum = 0;
    for (const auto& [client, each] : ledgers_)
        sum += each.deliveries();
    return sum;
}

std::size_t promises::repeats() const {
    std::size_t sum = 0;
    for (const auto& [client, each] : ledgers_)
        sum += each.repeats();
    return sum;
}

std::size_t promises::missing(const std::vector<identity>& there) const {
    std::size_t sum = 0;
    for (const auto& who : there) {
        if (const auto* known = find(who))
            sum += known->size() - known->done();
        if (is_shared())
            return sum;
    }
    return sum;
}

std::string promises::describe_missing(const std::vector<identity>& there) const {
    std::string some;
    for (const auto& who : there) {
        if (const auto* known = find(who))
            for (const auto which : known->missing(5))
                some += fmt::format("\n  {}{}", is_shared() ? "" : who.client_id + ": ", known->describe(which));
        if (is_shared())
            break;
    }
    return some;
}

} // namespace rocketpush::simulation

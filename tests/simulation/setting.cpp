#include "tests/simulation/setting.hpp"

#include <fmt/format.h>

namespace rocketpush::simulation {

using namespace std::chrono_literals;

setting draw_setting(chance& dice) {
    using enum consuming;
    setting s;
    s.how             = dice.one_of({concurrently, concurrently, at_once, by_hand, in_order, in_order, by_pops, everywhere});
    s.members         = dice.between(2, 8);
    s.brokers         = dice.between(1, 4);
    s.name_servers    = dice.between(1, 3);
    s.topics          = dice.between(1, 2);
    s.queues          = dice.between(1, 4);
    s.slaves          = s.how != by_pops && dice.happens(0.4);
    s.version_4       = s.how != by_pops && dice.happens(0.3);
    s.same_identity   = s.how == everywhere || dice.happens(0.3);
    s.consume_batch   = dice.one_of<std::size_t>({1, 1, 4, 16});
    s.pull_batch      = dice.one_of<std::size_t>({1, 8, 32, 32});
    s.max_cached      = dice.one_of<std::size_t>({4, 64, 1000});
    s.max_span        = dice.one_of<std::int64_t>({16, 200, 2000});
    s.largest_body    = dice.one_of<std::size_t>({16, 16, 16, 20'000});
    s.consumer_bytes  = dice.one_of<std::size_t>({1u << 20, 512u << 20});
    s.commit_interval = dice.one_of({500ms, 5000ms});
    s.longest_call    = dice.one_of({0ms, 5ms, 50ms, 400ms});
    s.send_interval   = dice.one_of({100ms, 400ms, 2000ms});
    s.calm            = dice.happens(0.15);
    if (s.calm)
        return s;
    s.when_bad = dice.one_of({bad_message::skip, bad_message::send_back, bad_message::stop});
    if (s.how == by_pops)
        s.when_bad = bad_message::send_back; // passed over it is a dead letter, which nobody reads here
    else if (s.when_bad == bad_message::send_back && (s.how == in_order || s.how == everywhere))
        s.when_bad = bad_message::stop; // sent back it comes out of order
    if (s.how == in_order && dice.happens(0.3))
        s.longest_call = 4000ms; // so that locks end, and queues change hands, while one runs
    s.later  = dice.one_of({0.0, 0.01, 0.1});
    s.part   = (s.how == concurrently || s.how == at_once) && s.consume_batch > 1 ? dice.one_of({0.0, 0.05}) : 0;
    s.thrown = dice.one_of({0.0, 0.0, 0.02});
    s.never  = s.how == concurrently || s.how == by_hand ? dice.one_of({0.0, 0.0, 0.001}) : 0;
    return s;
}

std::string describe(const setting& made) {
    constexpr std::string_view bad[] = {"skipped", "sent back", "stopped at"};
    return fmt::format("{} members {}, {} brokers{}{}, {} name servers, {} topics of {} queues, batches of {} and {}, {} cached, span {}, calls up to {} ms, bad "
                       "messages {}{}{}",
                       made.members, name_of(made.how), made.brokers, made.slaves ? " with slaves" : "", made.version_4 ? " (4.9)" : "",
                       made.name_servers, made.topics, made.queues, made.consume_batch, made.pull_batch, made.max_cached, made.max_span,
                       made.longest_call.count(), bad[static_cast<std::size_t>(made.when_bad)], made.same_identity ? ", ids come again" : "", made.calm ? ", calm" : "");
}

options options_of(const setting& made) {
    options with;
    with.from                = consume_from::first;
    with.consume_batch_size  = made.consume_batch;
    with.pull_batch_size     = made.pull_batch;
    with.max_cached_messages = made.max_cached;
    with.max_consumer_bytes  = made.consumer_bytes;
    with.max_span            = made.max_span;
    with.commit_interval     = made.commit_interval;
    with.consume_timeout     = 30s;
    with.pop_invisible_time  = 20s;
    with.stop_timeout        = 5s;
    with.when_bad_message    = made.when_bad;
    return with;
}

} // namespace rocketpush::simulation

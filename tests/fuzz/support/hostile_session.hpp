#ifndef ROCKETPUSH_TESTS_FUZZ_SUPPORT_HOSTILE_SESSION_HPP
#define ROCKETPUSH_TESTS_FUZZ_SUPPORT_HOSTILE_SESSION_HPP

#include <rocketpush/core/options.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/observe/observer.hpp>
#include <rocketpush/push_consumer.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/fuzz/support/fuzz_input.hpp"
#include "tests/fuzz/support/heap_watch.hpp"
#include "tests/fuzz/support/honest_server.hpp"
#include "tests/fuzz/support/hostile_script.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/memory_peer.hpp"

namespace rocketpush::test {

/// What a session's listener has had.
struct session_notes {
    std::set<std::string> quiet; ///< Bodies out of the healthy queue.
    std::size_t calls = 0;

    /// @return Whether it is well with them.
    bool note(std::span<const message_view> messages) {
        ++calls;
        bool good = true;
        for (const auto& each : messages) {
            if (each.broker_name() == session_cluster::quiet_name)
                quiet.insert(std::string(each.body()));
            else
                good = good && !each.body().starts_with('?'); // so that some are sent back, or come again
        }
        return good;
    }
};

/// Notes what it is given; what is not well comes again.
struct noting_listener {
    std::shared_ptr<session_notes> notes;

    consume_result operator()(std::span<const message_view> messages) const {
        return notes->note(messages) ? consume_result::success : consume_result::reconsume_later;
    }
};

/**
 * @brief A name server, a broker that keeps to the rules, and one that does what the input says.
 *
 * The name server is hostile too if the input wants it. When the script is over, or two minutes have passed, all keep to the rules.
 */
class session_servers {
  public:
    session_servers(manual_runtime& runtime, const std::shared_ptr<memory_network>& network, fuzz_input& input)
        : runtime_(runtime), names_lie_(input.below(2) != 0), script_(input), honest_(cluster_) {
        for (const auto& where : {cluster_.name_server, cluster_.quiet, cluster_.loud})
            peers_.push_back(std::make_unique<memory_peer>(runtime, network, where, [this, where](peer_session& from) {
                while (from.received.size() >= 4) {
                    const auto frame = from.take_frame();
                    if (!frame)
                        break;
                    hear(from.shared_from_this(), *frame, where);
                }
            }));
    }
    ~session_servers() { *alive_ = false; }

    bool over() const { return behave_ || script_.over(); }
    void behave() { behave_ = true; }

  private:
    void hear(std::shared_ptr<peer_session> from, const peer_frame& request, const endpoint& where) {
        if (request.header.is_response())
            return; // to what was pushed
        const bool at_loud = where == cluster_.loud;
        const bool lies    = at_loud || (names_lie_ && where == cluster_.name_server);
        const auto answer  = honest_.answer(request, at_loud);
        hostile_deed deed;
        if (lies && !over()) {
            const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(runtime_.system_now().time_since_epoch());
            deed           = script_.next(request, answer.value_or(session_answer()), now.count());
        } else if (answer) {
            deed = {.bytes = frame_of(*answer, request.header.opaque), .after = answer->after};
        }
        if (deed.bytes.empty() && deed.pushed.empty() && !deed.then_close)
            return;
        auto timer = std::make_shared<manual_runtime::timer>(runtime_);
        timer->expires_at(runtime_.now() + deed.after);
        timer->async_wait([timer, from = std::move(from), deed = std::move(deed), alive = alive_](std::error_code) {
            if (!*alive || from->ended)
                return;
            if (!deed.pushed.empty())
                from->write(deed.pushed);
            if (!deed.bytes.empty())
                from->write(deed.bytes);
            if (deed.then_close)
                from->close();
        });
    }

    manual_runtime& runtime_;
    const session_cluster cluster_;
    const bool names_lie_;
    hostile_script script_;
    honest_server honest_;
    bool behave_                 = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::vector<std::unique_ptr<memory_peer>> peers_;
};

/// Runs virtual time and counts handlers: a session that goes round without the clock moving on would never end.
class bounded_time {
  public:
    explicit bounded_time(manual_runtime& runtime) : runtime_(runtime) {}

    template <class Done>
    bool run_until(Done done, std::chrono::seconds limit) {
        return runtime_.run_until(
            [&] {
                must(++handlers_ < most_handlers, "a session of some minutes has a bounded number of handlers");
                return done();
            },
            limit);
    }

  private:
    /// A minute of the busiest of liars, who answers three queues each 10 ms, is about 200,000.
    static constexpr std::size_t most_handlers = 3'000'000;

    manual_runtime& runtime_;
    std::size_t handlers_ = 0;
};

inline options session_options() {
    return {.name_servers       = "names:9876",
            .group              = session_cluster::group,
            .client_ip          = "10.0.0.1",
            .instance_name      = "fuzzed",
            .from               = consume_from::first,
            .max_cached_bytes   = 1u << 20,
            .max_consumer_bytes = 4u << 20,
            .max_body_size      = 1u << 20,
            .max_frame_size     = 1u << 20};
}

/**
 * @brief A consumer in a hostile session. It must not crash, take memory without bound or turn in circles; it must consume the
 *        healthy queue once the others keep to the rules again; and it must stop, in the middle of it all if the input says so.
 *
 * @tparam Consumer  On the memory transport, in virtual time, made with a listener that `make_listener(notes)` gives.
 * Input: a byte (odd: reads give 16 bytes at most), a byte (odd: the name server is hostile too), a byte (when it is stopped: 0 when all is
 * well, else after so many seconds), then the script.
 */
template <class Consumer, class MakeListener, class... Policies>
void run_hostile_session(fuzz_input input, MakeListener make_listener, Policies... policies) {
    const test::heap_watch heap;
    manual_runtime runtime;
    const bool in_pieces = input.below(2) != 0;
    auto network         = std::make_shared<memory_network>(
        memory_network_options{.largest_read = in_pieces ? 16 : std::numeric_limits<std::size_t>::max()});
    const auto stop_after = std::chrono::seconds(input.below(64));
    bounded_time time(runtime);
    const auto notes = std::make_shared<session_notes>();
    {
        session_servers servers(runtime, network, input);
        auto consumer =
            std::make_unique<Consumer>(session_options(), make_listener(notes), memory_transport(network),
                                       inline_executor(), no_observer(), std::move(policies)..., runtime);
        consumer->subscribe(session_cluster::topic);
        std::optional<std::error_code> started, stopped;
        consumer->async_start([&started](std::error_code code) { started = code; });
        const auto has_all = [&] { return notes->quiet.size() >= std::size_t{session_cluster::quiet_size}; };
        if (stop_after.count() != 0) {
            time.run_until([] { return false; }, stop_after);
        } else {
            time.run_until([&] { return servers.over(); }, std::chrono::seconds(120));
            servers.behave();
            time.run_until([&] { return started.has_value(); }, std::chrono::seconds(120));
            must(started.has_value(), "a start comes to an end");
            if (!*started) {
                time.run_until(has_all, std::chrono::seconds(300));
                must(has_all(), "the healthy queue is consumed");
            }
        }
        consumer->async_stop(std::chrono::seconds(10), [&stopped](std::error_code code) { stopped = code; });
        time.run_until([&] { return stopped.has_value(); }, std::chrono::seconds(120));
        must(stopped.has_value(), "a stop comes to an end");
        time.run_until([&] { return started.has_value(); }, std::chrono::seconds(1));
        must(started.has_value(), "a start that is stopped comes to an end");
        runtime.run_ready();
        consumer.reset();
        runtime.run_ready();
    }
    must(heap.most() < std::size_t{192} << 20, "a session takes a bounded amount of memory");
}

} // namespace rocketpush::test

#endif

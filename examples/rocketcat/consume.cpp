#include "consume.hpp"

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/asio_compat.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>

#include "exit_codes.hpp"
#include "json_lines.hpp"
#include "terminal.hpp"

namespace rocketcat {
namespace {

using clock = std::chrono::steady_clock;

/**
 * @brief From start to stop: all that may end a consumer meets on one io_context, run by the main thread.
 */
class session {
  public:
    session(const consume_settings& settings, asio::io_context& context, const message_sink& sink,
            const line_output& out, const consumer_controls& consumer)
        : settings_(settings),
          context_(context),
          sink_(sink),
          out_(out),
          consumer_(consumer),
          signals_(context, SIGINT, SIGTERM),
          tick_(context) {}

    int run() {
        expect_signal();
        consumer_.start(
            [this](std::error_code failure) { asio::post(context_, [this, failure] { started(failure); }); });
        context_.run();
        return code_;
    }

    bool could_start() const noexcept { return could_start_; }

    void stop() {
        if (stopping_)
            return;
        stopping_ = true;
        live_.clear();
        consumer_.stop(
            [this](std::error_code failure) { asio::post(context_, [this, failure] { stopped(failure); }); });
    }

  private:
    void expect_signal() {
        signals_.async_wait([this](std::error_code failure, int number) {
            if (failure)
                return;
            if (stopping_)
                std::_Exit(128 + number); // somebody does not want to wait
            stop();
            expect_signal();
        });
    }

    void started(std::error_code failure) {
        if (stopping_)
            return;
        if (failure) {
            if (failure != rocketpush::error::filter_refused &&
                failure != rocketpush::response_code::no_permission) // else the broker's text was told
                tell("cannot start, name servers {}{}: {}", settings_.options.name_servers,
                     settings_.options.name_server_url, failure.message());
            could_start_ = false;
            code_        = failed;
            context_.stop();
            return;
        }
        began_ = last_news_ = clock::now();
        tick();
    }

    void stopped(std::error_code failure) {
        if (failure) {
            tell("not stopped cleanly: {}", failure.message());
            code_ = failed;
        }
        context_.stop();
    }

    /// Has one of the times passed? And the live line.
    void tick() {
        const auto now    = clock::now();
        const auto totals = sink_.totals();
        if (totals.received != seen_) {
            seen_      = totals.received;
            last_news_ = now;
        }
        if (out_.is_lost()) {
            tell("nobody reads standard output any more");
            code_ = failed;
            return stop();
        }
        if ((settings_.idle && now - last_news_ >= *settings_.idle) ||
            (settings_.duration && now - began_ >= *settings_.duration))
            return stop();
        if (live_.is_on() && now - shown_ >= live_interval)
            show(now, totals);
        const auto next = next_tick(now);
        if (next == clock::time_point::max())
            return;
        tick_.expires_at(next);
        tick_.async_wait([this](std::error_code cancelled) {
            if (!cancelled && !stopping_)
                tick();
        });
    }

    /// When there may be something to do, and no sooner: a consumer that waits for messages should sleep.
    clock::time_point next_tick(clock::time_point now) const {
        using std::chrono::milliseconds;
        auto next = clock::time_point::max();
        if (settings_.duration)
            next = std::min(next, began_ + *settings_.duration);
        if (settings_.idle) // news is seen at ticks only
            next = std::min(next, now + std::clamp(*settings_.idle / 20, milliseconds(10), milliseconds(500)));
        if (settings_.print_lines)
            next = std::min(next, now + milliseconds(500)); // is there still a reader?
        if (live_.is_on())
            next = std::min(next, now + live_interval);
        return next;
    }

    void show(clock::time_point now, const sink_totals& totals) {
        const auto seconds = std::chrono::duration<double>(now - shown_).count();
        const auto rate =
            shown_ == clock::time_point() ? 0 : static_cast<double>(totals.consumed - shown_count_) / seconds;
        shown_           = now;
        shown_count_     = totals.consumed;
        const auto state = consumer_.statistics();
        live_.show(fmt::format("{}/s  consumed {}  lag {}  held {}  queues {}",
                               with_commas(static_cast<std::uint64_t>(rate)), with_commas(totals.consumed),
                               with_commas(static_cast<std::uint64_t>(state.lag)), with_commas(state.cached_messages),
                               state.queues.size()));
    }

    static constexpr std::chrono::milliseconds live_interval{500};

    const consume_settings& settings_;
    asio::io_context& context_;
    const message_sink& sink_;
    const line_output& out_;
    const consumer_controls& consumer_;
    asio::signal_set signals_;
    asio::steady_timer tick_;
    live_line live_;
    clock::time_point began_{}, last_news_{}, shown_{};
    std::uint64_t seen_ = 0, shown_count_ = 0;
    bool stopping_    = false;
    bool could_start_ = true;
    int code_         = ended_well;
};

double seconds_of(const timeval& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::string last_line(const consume_settings& settings, const sink_totals& totals) {
    if (settings.print_lines)
        return fmt::format("{{\"event\":\"stopped\",\"consumed\":{}}}\n", totals.consumed);
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return fmt::format(
        "{{\"event\":\"stopped\",\"consumed\":{},\"bytes\":{},\"first_to_last_s\":{:.6f},\"cpu_user_s\":{:.6f},"
        "\"cpu_sys_s\":{:.6f},\"maxrss_kb\":{}}}\n",
        totals.consumed, totals.bytes, std::chrono::duration<double>(totals.first_to_last).count(),
        seconds_of(used.ru_utime), seconds_of(used.ru_stime), used.ru_maxrss);
}

} // namespace

int consume(const consume_settings& settings) {
    asio::io_context context{1};
    const auto running = asio::make_work_guard(context);
    line_output out;
    session* current = nullptr; // touched on the context only
    message_sink sink(settings, out, [&] {
        asio::post(context, [&] {
            if (current && !out.is_lost()) // that one the next tick tells
                current->stop();
        });
    });
    bool begun        = false;
    const auto attend = [&](const consumer_controls& consumer) {
        session here(settings, context, sink, out, consumer);
        current         = &here;
        const auto code = here.run();
        current         = nullptr;
        begun           = here.could_start();
        return code;
    };
    const auto broadcast     = settings.run_inline ? with_inline_broadcast : with_pool_broadcast;
    const auto concurrently  = settings.run_inline ? with_inline_consumer : with_pool_consumer;
    const auto orderly       = settings.run_inline ? with_orderly_inline_consumer : with_orderly_pool_consumer;
    const auto with_consumer = settings.broadcasting ? (settings.orderly ? with_orderly_broadcast : broadcast)
                               : settings.orderly
                                   ? orderly // brokers share out for concurrent listeners only, as in Java
                               : settings.ask_broker ? with_asking_consumer
                                                     : concurrently;
    auto code                = with_consumer(settings, sink, out, attend);
    if (begun)
        out.write(last_line(settings, sink.totals()));
    if (!sink.finish()) {
        tell("cannot write all of {}", settings.latency_file);
        code = failed;
    }
    return code;
}

} // namespace rocketcat

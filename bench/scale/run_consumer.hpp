#ifndef BENCH_SCALE_RUN_CONSUMER_HPP
#define BENCH_SCALE_RUN_CONSUMER_HPP

#include <rocketpush/push_consumer.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench/scale/process_memory.hpp"
#include "bench/scale/runs.hpp"
#include "bench/support/process_cost.hpp"

namespace bench {

/// Where the listener, the observer and the one who measures meet.
class scale_meeting {
  public:
    using clock = std::chrono::steady_clock;

    explicit scale_meeting(const scale_case& with)
        : wanted_(with.blocked ? 1 : static_cast<std::uint64_t>(with.queues) * with.messages_a_queue),
          blocked_(with.blocked) {}

    /// By the listener. Stays inside while the case says so.
    void came() {
        const auto number = seen_.fetch_add(1) + 1;
        if (number != 1 && number != wanted_ && !blocked_)
            return;
        std::unique_lock lock(mutex_);
        if (number == 1)
            first_ = clock::now();
        if (number == wanted_)
            all_ = clock::now();
        changed_.notify_all();
        changed_.wait(lock, [this] { return !blocked_; });
    }
    void paused() { paused_.fetch_add(1); }

    void wait_for_all(std::chrono::seconds limit) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, limit, [this] { return all_ != clock::time_point(); }))
            throw std::runtime_error("after " + std::to_string(limit.count()) + " s only " + std::to_string(seen_) +
                                     " of " + std::to_string(wanted_) + " messages had come");
    }
    void let_go() {
        const std::lock_guard lock(mutex_);
        blocked_ = false;
        changed_.notify_all();
    }

    clock::time_point first() const noexcept { return first_; }
    clock::time_point all() const noexcept { return all_; }
    long paused_queues() const noexcept { return paused_; }

  private:
    std::uint64_t wanted_;
    std::atomic<std::uint64_t> seen_{0};
    std::atomic<long> paused_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<bool> blocked_;
    clock::time_point first_{}, all_{};
};

struct scale_listener {
    scale_meeting* meeting;
    void operator()(const rocketpush::message_view&) const { meeting->came(); }
};

struct scale_observer : rocketpush::no_observer {
    explicit scale_observer(scale_meeting& at) : meeting(&at) {}
    scale_meeting* meeting;
    void on_flow_control(const rocketpush::message_queue&, rocketpush::flow_state, const rocketpush::cache_level&) {
        meeting->paused();
    }
};

inline long voluntary_switches() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

/// What a consumer costs that has nothing to do.
inline void watch_idle(const scale_case& with, scale_figures& figures) {
    using seconds       = std::chrono::duration<double>;
    const auto cpu      = cpu_time();
    const auto switches = voluntary_switches();
    const auto begun    = scale_meeting::clock::now();
    std::this_thread::sleep_for(with.window);
    const double passed   = seconds(scale_meeting::clock::now() - begun).count();
    figures.idle_share    = seconds(cpu_time() - cpu).count() / passed;
    figures.idle_switches = static_cast<double>(voluntary_switches() - switches) / passed;
}

/// Looks at what is held until the time to settle is over.
template <class Consumer>
void watch_frames(Consumer& consumer, const scale_case& with, const scale_meeting& meeting, scale_figures& figures) {
    const auto end = scale_meeting::clock::now() + with.settle;
    while (scale_meeting::clock::now() < end) {
        const auto held         = static_cast<long>(consumer.statistics().block_bytes / 1024);
        figures.frames_peak_kib = std::max(figures.frames_peak_kib, held);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    figures.limit_kib     = static_cast<long>(with.max_cached_bytes / 1024) * with.queues;
    figures.paused_queues = meeting.paused_queues();
}

/// @throw std::exception  It could not start, or messages are missing.
template <class Executor>
scale_figures run_consumer(const scale_case& with, const std::string& name_server) {
    using seconds = std::chrono::duration<double>;
    scale_meeting meeting(with);
    scale_figures figures;
    figures.before_kib = process_memory_kib("VmRSS");

    rocketpush::options options{
        .name_servers = name_server, .group = "bench-scale-group", .from = rocketpush::consume_from::first};
    if (with.blocked) {
        options.max_cached_bytes    = with.max_cached_bytes;
        options.max_cached_messages = 65535;
        options.max_span            = 65535;
    }
    rocketpush::push_consumer consumer{options, scale_listener{&meeting}, Executor(), scale_observer(meeting)};
    for (std::int32_t topic = 0; topic < with.topics(); ++topic)
        consumer.subscribe(scale_topic(topic));

    const auto begun = scale_meeting::clock::now();
    consumer.start();
    figures.started_s = seconds(scale_meeting::clock::now() - begun).count();
    meeting.wait_for_all(std::chrono::seconds(120));
    figures.first_s   = seconds(meeting.first() - begun).count();
    figures.fetched_s = seconds(meeting.all() - begun).count();
    if (with.blocked)
        watch_frames(consumer, with, meeting, figures);
    else
        std::this_thread::sleep_for(with.settle);
    figures.settled_kib = process_memory_kib("VmRSS");
    if (with.window.count() != 0)
        watch_idle(with, figures);
    figures.peak_kib = process_memory_kib("VmHWM");
    meeting.let_go();
    consumer.stop();
    return figures;
}

} // namespace bench

#endif

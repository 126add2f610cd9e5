#include <rocketpush/core/names.hpp>
#include <rocketpush/executor/shared_executor.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/push_consumer.hpp>

#include <sys/resource.h>

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "bench/groups/settings.hpp"
#include "bench/scale/process_memory.hpp"
#include "bench/scale/settings.hpp"
#include "bench/support/process_cost.hpp"

namespace bench {
namespace {

using clock   = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

/// Where the listeners and the one who measures meet.
class meeting {
  public:
    explicit meeting(std::uint64_t wanted) : wanted_(wanted) {}

    void came() {
        const std::lock_guard lock(mutex_);
        if (++seen_ == wanted_)
            changed_.notify_all();
    }
    void wait_for_all(std::chrono::seconds limit) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, limit, [this] { return seen_ >= wanted_; }))
            throw std::runtime_error("after " + std::to_string(limit.count()) + " s only " + std::to_string(seen_) +
                                     " of " + std::to_string(wanted_) + " messages had come");
    }

  private:
    const std::uint64_t wanted_;
    std::uint64_t seen_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
};

struct counting_listener {
    meeting* all;
    void operator()(const rocketpush::message_view&) const { all->came(); }
};

using group_consumer =
    rocketpush::consumer_of<counting_listener, rocketpush::shared_executor<>, rocketpush::no_observer>;

long entries_of(const char* folder, const std::string& prefix) {
    long count = 0;
    for (const auto& each : std::filesystem::directory_iterator(folder)) {
        std::error_code gone; // the folder's own descriptor is one of them
        const auto target = prefix.empty() ? std::filesystem::path() : std::filesystem::read_symlink(each.path(), gone);
        count += !gone && target.string().starts_with(prefix);
    }
    return count;
}

/// What a heartbeat of these groups has in its body; made here as consumers make it.
long heartbeat_size(const std::string& client_id, std::size_t groups) {
    rocketpush::protocol::heartbeat_data data;
    data.client_id = client_id;
    const auto version =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    for (std::size_t i = 0; i < groups; ++i) {
        rocketpush::protocol::consumer_data one;
        one.group_name         = group_name(i);
        one.message_model      = rocketpush::protocol::heartbeat_words::clustering;
        one.consume_from_where = rocketpush::protocol::heartbeat_words::from_first;
        for (const auto& topic : {scale_topic(0), rocketpush::retry_topic(one.group_name)})
            one.subscriptions.push_back(*rocketpush::make_subscription(topic, rocketpush::all_messages, version));
        data.consumers.push_back(std::move(one));
    }
    return static_cast<long>(rocketpush::protocol::encode(data).size());
}

long voluntary_switches() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

void watch_idle(const groups_case& with, groups_figures& figures) {
    const auto cpu      = cpu_time();
    const auto switches = voluntary_switches();
    const auto begun    = clock::now();
    std::this_thread::sleep_for(with.window);
    const double passed   = seconds(clock::now() - begun).count();
    figures.idle_share    = seconds(cpu_time() - cpu).count() / passed;
    figures.idle_switches = static_cast<double>(voluntary_switches() - switches) / passed;
}

} // namespace

groups_figures run_groups(const groups_case& with, const std::string& name_server) {
    groups_figures figures;
    meeting all(with.groups * static_cast<std::uint64_t>(with.queues) * with.messages_a_queue);
    rocketpush::client client{rocketpush::options{.name_servers = name_server}};
    const rocketpush::shared_executor pool{rocketpush::thread_pool_executor(with.threads)};

    std::vector<std::unique_ptr<group_consumer>> consumers;
    const auto begun = clock::now();
    for (std::size_t i = 0; i < with.groups; ++i) {
        consumers.push_back(std::make_unique<group_consumer>(
            client, rocketpush::options{.group = group_name(i), .from = rocketpush::consume_from::first},
            counting_listener{&all}, pool));
        consumers.back()->subscribe(scale_topic(0));
        consumers.back()->start();
    }
    const auto started = clock::now();
    figures.started_s  = seconds(started - begun).count();
    all.wait_for_all(std::chrono::seconds(120));
    figures.fetched_s = seconds(clock::now() - started).count();

    std::this_thread::sleep_for(with.settle);
    figures.settled_kib = process_memory_kib("VmRSS");
    figures.threads     = entries_of("/proc/self/task", "");
    figures.sockets     = entries_of("/proc/self/fd", "socket:");
    if (with.window.count() != 0)
        watch_idle(with, figures);
    figures.peak_kib             = process_memory_kib("VmHWM");
    const auto client_id         = consumers.front()->statistics().client_id;
    figures.heartbeat_bytes      = heartbeat_size(client_id, with.groups);
    figures.join_heartbeat_bytes = heartbeat_size(client_id, 1);
    for (auto& each : consumers)
        each->stop();
    return figures;
}

} // namespace bench

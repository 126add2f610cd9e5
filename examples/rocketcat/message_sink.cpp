#include "message_sink.hpp"

#include <rocketpush/detail/byte_order.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace rocketcat {
namespace {

/// 1, 2, ... in the order in which threads first call.
std::size_t thread_number() noexcept {
    static std::atomic<std::size_t> last{0};
    thread_local const std::size_t own = ++last;
    return own;
}

std::int64_t realtime_nanoseconds() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch(); // CLOCK_REALTIME
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

void append_little_endian(std::string& out, std::int64_t value) {
    for (int shift = 0; shift < 64; shift += 8)
        out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFF);
}

} // namespace

message_sink::message_sink(const consume_settings& settings, line_output& out, std::function<void()> enough)
    : settings_(settings), out_(out), enough_(std::move(enough)) {
    if (settings.latency_file.empty())
        return;
    latencies_.reset(std::fopen(settings.latency_file.c_str(), "wb"));
    if (!latencies_)
        throw std::system_error(errno, std::generic_category(), settings.latency_file);
}

rocketpush::consume_result message_sink::take(std::span<const rocketpush::message_view> messages) {
    const auto number = thread_number();
    auto& own         = shards_[number % shards_.size()];
    const auto now    = clock::now().time_since_epoch().count();
    if (first_.load(std::memory_order_relaxed) == 0) {
        clock::rep none = 0;
        first_.compare_exchange_strong(none, now);
    }
    own.last.store(now, std::memory_order_relaxed);
    own.received.fetch_add(messages.size(), std::memory_order_relaxed);

    if (latencies_)
        record_latency(messages);
    if (settings_.print_lines && !print(messages, number)) {
        call_enough();
        return rocketpush::consume_result::reconsume_later; // nobody has seen them
    }
    if (settings_.delay.count() != 0)
        std::this_thread::sleep_for(settings_.delay);
    if (settings_.fail_times != 0 && fails(messages))
        return rocketpush::consume_result::reconsume_later;

    std::uint64_t bytes = 0;
    for (const auto& each : messages)
        bytes += each.body().size();
    own.bytes.fetch_add(bytes, std::memory_order_relaxed);
    own.consumed.fetch_add(messages.size(), std::memory_order_relaxed);
    if (settings_.count != 0 && counted_.fetch_add(messages.size()) + messages.size() >= settings_.count)
        call_enough();
    return rocketpush::consume_result::success;
}

bool message_sink::fails(std::span<const rocketpush::message_view> messages) const {
    return settings_.fail_times < 0 || std::ranges::any_of(messages, [this](const auto& each) {
               return each.reconsume_times() < settings_.fail_times;
           });
}

void message_sink::record_latency(std::span<const rocketpush::message_view> messages) {
    thread_local std::string bytes;
    bytes.clear();
    for (const auto& each : messages)
        if (each.body().size() >= 8)
            append_little_endian(bytes, realtime_nanoseconds() -
                                            rocketpush::detail::load_big<std::int64_t>(each.body().data()));
    const std::lock_guard lock(latency_mutex_);
    std::fwrite(bytes.data(), 1, bytes.size(), latencies_.get());
}

bool message_sink::print(std::span<const rocketpush::message_view> messages, std::size_t thread) {
    thread_local std::string lines;
    thread_local const std::string name = "listener-" + std::to_string(thread);
    lines.clear();
    for (const auto& each : messages)
        append_message_line(lines, each, name);
    return out_.write(lines);
}

void message_sink::call_enough() {
    if (!enough_called_.exchange(true))
        enough_();
}

sink_totals message_sink::totals() const {
    sink_totals sums;
    clock::rep last = 0;
    for (const auto& each : shards_) {
        sums.received += each.received.load(std::memory_order_relaxed);
        sums.consumed += each.consumed.load(std::memory_order_relaxed);
        sums.bytes += each.bytes.load(std::memory_order_relaxed);
        last = std::max(last, each.last.load(std::memory_order_relaxed));
    }
    if (const auto first = first_.load(); first != 0)
        sums.first_to_last = clock::duration(last - first);
    return sums;
}

bool message_sink::finish() {
    const std::lock_guard lock(latency_mutex_);
    return !latencies_ || (std::fflush(latencies_.get()) == 0 && std::ferror(latencies_.get()) == 0);
}

} // namespace rocketcat

#include "pulls.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <limits>

namespace bare {
namespace {

constexpr std::size_t least_room = 256 * 1024; ///< Bytes that one read can take.

// Response codes of a pull.
constexpr int found = 0, nothing_new = 19, nothing_matched = 20, offset_moved = 21;

double monotonic_seconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::int64_t realtime_nanoseconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t load_big64(const char* from) noexcept {
    return static_cast<std::int64_t>(std::uint64_t{load_big32(from)} << 32 | load_big32(from + 4));
}

std::string quoted_field(std::string_view name, std::string_view value) {
    return ((((",\"" + std::string(name)) += "\":\"") += value) += '"');
}

} // namespace

pulls::pulls(const settings& chosen, const route& where, int socket)
    : settings_(chosen), socket_(socket), buffer_(new char[capacity_]) {
    if (!chosen.latency_file.empty()) {
        latencies_.reset(std::fopen(chosen.latency_file.c_str(), "wb"));
        if (!latencies_)
            throw link_error(chosen.latency_file + ": " + std::strerror(errno));
    }
    for (int id = 0; id < where.queues; ++id) {
        const auto number = std::to_string(id);
        // sysFlag 6: held while there is nothing, and the subscription stands in the request, so no heartbeat is needed.
        queues_.push_back(
            {R"({"code":11,"flag":0,"language":"CPP","opaque":)" + number +
                 R"(,"version":441,"extFields":{"queueId":")" + number + '"' +
                 quoted_field("consumerGroup", chosen.group) + quoted_field("topic", chosen.topic) +
                 quoted_field("maxMsgNums", std::to_string(chosen.pull_batch)) +
                 R"(,"sysFlag":"6","commitOffset":"0","suspendTimeoutMillis":"15000","subscription":"*","subVersion":"0")"
                 R"(,"expressionType":"TAG","maxMsgBytes":"262144")" +
                 quoted_field("bname", where.broker_name) + R"(,"queueOffset":")",
             "\"}}"});
        // An offset far beyond the end is answered with the end.
        ask(static_cast<std::size_t>(id), chosen.from_first ? 0 : std::numeric_limits<std::int64_t>::max() / 2);
    }
}

void pulls::run() {
    send_all(socket_, requests_);
    requests_.clear();
    while (!enough() && receive()) {
        while (end_ - begin_ >= 8) {
            const auto* const at   = buffer_.get() + begin_;
            const std::size_t size = 4 + std::size_t{load_big32(at)};
            if (end_ - begin_ < size) {
                make_room(size);
                break;
            }
            const std::size_t header_size = load_big32(at + 4) & 0xFFFFFF;
            if (size < 8 || header_size > size - 8)
                throw link_error("the broker sent a frame that is none");
            take_frame({at + 8, header_size}, {at + 8 + header_size, size - 8 - header_size});
            begin_ += size;
        }
        if (!lines_.empty() && ::write(STDOUT_FILENO, lines_.data(), lines_.size()) < 0)
            throw link_error("nobody reads standard output any more");
        lines_.clear();
        if (!requests_.empty() && !enough())
            send_all(socket_, requests_);
        requests_.clear();
    }
    if (latencies_ && std::fclose(latencies_.release()) != 0)
        throw link_error("cannot write all of " + settings_.latency_file);
}

/// @return False when the connection ended; a signal's handler ends it too (main.cpp).
bool pulls::receive() {
    if (begin_ == end_)
        begin_ = end_ = 0;
    make_room(least_room);
    while (true) {
        const auto got = ::recv(socket_, buffer_.get() + end_, capacity_ - end_, 0);
        if (got > 0) {
            end_ += static_cast<std::size_t>(got);
            return true;
        }
        if (got == 0 || errno != EINTR)
            return false;
    }
}

/// So that `size` bytes from `begin_` on can be there.
void pulls::make_room(std::size_t size) {
    if (capacity_ - begin_ >= std::max(size, end_ - begin_ + least_room / 2))
        return;
    const auto held = end_ - begin_;
    if (size + least_room > capacity_) {
        capacity_ = size + least_room;
        std::unique_ptr<char[]> larger(new char[capacity_]);
        std::memcpy(larger.get(), buffer_.get() + begin_, held);
        buffer_ = std::move(larger);
    } else {
        std::memmove(buffer_.get(), buffer_.get() + begin_, held);
    }
    begin_ = 0;
    end_   = held;
}

void pulls::take_frame(std::string_view header, std::string_view body) {
    if ((find_number(header, "flag", 0) & 1) == 0)
        return; // a request of the broker: nobody here to answer it
    const auto code   = find_number(header, "code", -1);
    const auto opaque = find_number(header, "opaque", -1);
    if (opaque < 0 || static_cast<std::size_t>(opaque) >= queues_.size() ||
        (code != found && code != nothing_new && code != nothing_matched && code != offset_moved))
        throw link_error("the broker refuses a pull: " + std::string(header));
    // Goes out with the answers to all that this read brought.
    ask(static_cast<std::size_t>(opaque), find_number(header, "nextBeginOffset", 0));
    if (code == found)
        walk(body, opaque);
}

void pulls::walk(std::string_view body, std::int64_t queue_id) {
    constexpr std::uint32_t magic_v1 = 0xDAA320A7, magic_v2 = 0xDAA320AB;
    constexpr std::size_t least_record = 91;
    const bool closer                  = latencies_ || settings_.print_lines;

    last_ = monotonic_seconds();
    if (messages_ == 0)
        first_ = last_;
    const auto* at        = body.data();
    const auto* const end = at + body.size();
    std::uint64_t seen    = 0;
    while (at != end) {
        const auto left        = static_cast<std::size_t>(end - at);
        const std::size_t size = left < least_record ? 0 : load_big32(at);
        if (size < least_record || size > left || (load_big32(at + 4) != magic_v1 && load_big32(at + 4) != magic_v2))
            throw link_error("the broker sent a message that is none");
        if (closer)
            look_closer(at, queue_id);
        at += size;
        ++seen;
    }
    messages_ += seen;
    stored_bytes_ += body.size();
}

/// What `--output json` and `--latency-file` ask for.
void pulls::look_closer(const char* record, std::int64_t queue_id) {
    if (settings_.print_lines)
        lines_ += R"({"event":"message","topic":")" + settings_.topic + R"(","queueId":)" + std::to_string(queue_id) +
                  ",\"queueOffset\":" + std::to_string(load_big64(record + 20)) + "}\n";
    if (latencies_) {
        const auto system_flag = load_big32(record + 36);
        // The body's length stands behind both hosts; an IPv6 address has 12 bytes more.
        const auto* const body =
            record + 84 + ((system_flag & 0x10) != 0 ? 12 : 0) + ((system_flag & 0x20) != 0 ? 12 : 0);
        if (load_big32(body) < 8)
            return;
        const auto taken = static_cast<std::uint64_t>(realtime_nanoseconds() - load_big64(body + 4));
        char bytes[8];
        for (int i = 0; i < 8; ++i)
            bytes[i] = static_cast<char>(taken >> (8 * i) & 0xFF);
        std::fwrite(bytes, 1, sizeof bytes, latencies_.get());
    }
}

void pulls::ask(std::size_t queue_id, std::int64_t offset) {
    char digits[24];
    const auto* const end = std::to_chars(digits, digits + sizeof digits, offset).ptr;
    append_frame(requests_, queues_[queue_id].head, {digits, static_cast<std::size_t>(end - digits)},
                 queues_[queue_id].tail);
}

} // namespace bare

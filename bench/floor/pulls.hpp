#ifndef BENCH_FLOOR_PULLS_HPP
#define BENCH_FLOOR_PULLS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker_link.hpp"
#include "settings.hpp"

namespace bare {

/**
 * @brief One pull in flight for each queue, over one connection; the queue's number is the request's `opaque`.
 *
 * A blocking read into one large buffer, a walk over the sizes of all that came, one write with the next requests: so the
 * busier it is, the fewer system calls a message has.
 */
class pulls {
  public:
    pulls(const settings& chosen, const route& where, int socket);

    /// Until `--count`, or until the connection ends. @throws link_error when the broker refuses a pull
    void run();

    std::uint64_t messages() const noexcept { return messages_; }
    std::uint64_t stored_bytes() const noexcept { return stored_bytes_; }
    double first_to_last_seconds() const noexcept { return last_ - first_; }

  private:
    /// A request's text around the offset.
    struct queue {
        std::string head, tail;
    };

    bool receive();
    void make_room(std::size_t frame);
    void take_frame(std::string_view header, std::string_view body);
    void walk(std::string_view body, std::int64_t queue_id);
    void look_closer(const char* record, std::int64_t queue_id);
    void ask(std::size_t queue_id, std::int64_t offset);
    bool enough() const noexcept { return settings_.count != 0 && messages_ >= settings_.count; }

    const settings& settings_;
    int socket_;
    std::vector<queue> queues_;
    std::string requests_, lines_;
    std::size_t capacity_ = 1 << 20;
    std::unique_ptr<char[]> buffer_; // not initialised: only what is used becomes resident
    std::size_t begin_ = 0, end_ = 0;
    std::uint64_t messages_ = 0, stored_bytes_ = 0;
    double first_ = 0, last_ = 0;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> latencies_{nullptr, &std::fclose};
};

} // namespace bare

#endif

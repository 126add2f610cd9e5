#ifndef ROCKETCAT_MESSAGE_SINK_HPP
#define ROCKETCAT_MESSAGE_SINK_HPP

#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "consume_settings.hpp"
#include "json_lines.hpp"

namespace rocketcat {

/// What was consumed so far.
struct sink_totals {
    std::uint64_t received = 0; ///< Messages; one that comes again counts again.
    std::uint64_t consumed = 0; ///< Messages, with success.
    std::uint64_t bytes    = 0; ///< Of the bodies of those consumed.
    std::chrono::nanoseconds first_to_last{0};
};

/**
 * @brief What the listener does: prints, measures, counts, sleeps, and answers as it was told to.
 *
 * Figures are kept for each thread apart, so that a listener call without output costs no allocation, no lock, and no cache
 * line that another thread writes.
 *
 * @par Thread safety  take() and totals() from any thread.
 */
class message_sink {
  public:
    /**
     * @param enough  Called from take(), once, when `--count` is reached or the output is lost.
     * @throw std::system_error  The latency file cannot be written.
     */
    message_sink(const consume_settings& settings, line_output& out, std::function<void()> enough);

    rocketpush::consume_result take(std::span<const rocketpush::message_view> messages);

    sink_totals totals() const;

    /// Writes the latency file to its end. @return Whether all of it could be written.
    bool finish();

  private:
    using clock = std::chrono::steady_clock;

    struct alignas(64) shard {
        std::atomic<std::uint64_t> received{0}, consumed{0}, bytes{0};
        std::atomic<clock::rep> last{0}; ///< When a message last came.
    };
    struct file_closer {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };

    void record_latency(std::span<const rocketpush::message_view> messages);
    bool print(std::span<const rocketpush::message_view> messages, std::size_t thread);
    bool fails(std::span<const rocketpush::message_view> messages) const;
    void call_enough();

    const consume_settings& settings_;
    line_output& out_;
    std::function<void()> enough_;
    std::atomic<bool> enough_called_{false};
    std::atomic<std::uint64_t> counted_{0}; ///< Towards `--count`.
    std::atomic<clock::rep> first_{0};
    std::array<shard, 64> shards_;
    std::mutex latency_mutex_;
    std::unique_ptr<std::FILE, file_closer> latencies_;
};

} // namespace rocketcat

#endif

#ifndef ROCKETPUSH_FETCH_PULLED_BATCH_HPP
#define ROCKETPUSH_FETCH_PULLED_BATCH_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/shared_cell.hpp>
#include <rocketpush/fetch/claim_history.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace rocketpush {

/// How far one message of a batch is.
enum class message_progress : std::uint8_t {
    unfinished,   ///< Not yet consumed, or a listener is at it.
    failed,       ///< The listener wants it again; the strand has not seen to it yet.
    sending_back, ///< On its way back to the broker, or to be consumed here once more.
    consumed,     ///< In order, by a listener that commits itself and has not yet.
    finished      ///< Consumed, or confirmed by the broker to come again.
};

/// A run of messages of one batch that one listener call gets. Empty: nothing was left to claim.
struct batch_slice {
    std::uint32_t first = 0;
    std::uint32_t count = 0;

    explicit operator bool() const noexcept { return count != 0; }
};

/**
 * @brief The messages of one pull response: the unit of dispatch, of memory and of offsets.
 *
 * The strand fills it and hands it to the executor once. Whoever runs it claims slices with one atomic add each and
 * marks in the batch what it finished; the strand hears when the last runner has left, and reads the marks whenever it
 * commits offsets. So a message costs no queue push, wake-up or post of its own.
 *
 * Batches are reused: their vectors keep their capacity, so a steady stream of pulls allocates nothing.
 *
 * @tparam Concurrent  Whether runners are on other threads than the strand; if not there are no atomics.
 * @par Thread safety  `claim`, `mark`, `messages`, `views`, `enter`, `leave`, `tally` for runners; the rest for the strand.
 */
template <bool Concurrent>
class pulled_batch {
  public:
    template <class T>
    using cell = detail::shared_cell<T, Concurrent>;

    static constexpr bool one_runner = false;

    pulled_batch()                               = default;
    pulled_batch(const pulled_batch&)            = delete;
    pulled_batch& operator=(const pulled_batch&) = delete;

    // Filling it, by the strand before dispatch.

    detail::message_origin origin{};
    detail::block_ref frame;     ///< Holds the bytes of all messages.
    detail::byte_arena inflated; ///< Holds bodies that were compressed.
    std::vector<detail::message_fields> messages;
    std::size_t frame_size = 0;       ///< Its share of `frame`, bytes; flow control counts them with the inflated ones.
    void* home             = nullptr; ///< The owned queue; kept until no batch of it has a runner.
    bool popped            = false;   ///< It is a popped_batch, and `home` a popped_queue.

    /// Call when `messages` is complete; resets claims and marks.
    void prepare() {
        ROCKETPUSH_TAKES_MEMORY();
        if (capacity_ < messages.size()) {
            capacity_     = std::max<std::size_t>(messages.size(), 32);
            progress_     = std::make_unique<cell<message_progress>[]>(capacity_);
            delay_levels_ = std::make_unique<int[]>(capacity_);
        }
        // A view is where its message lies, so the views of another batch in the same place will do.
        const bool same_place = !views_.empty() && &views_.front().fields() == messages.data();
        if (!same_place || views_.size() < messages.size()) {
            views_.clear();
            for (const auto& each : messages)
                views_.emplace_back(each);
        }
        for (std::size_t i = 0; i < messages.size(); ++i)
            progress_[i].store(message_progress::unfinished, std::memory_order_relaxed);
        next_.store(0, std::memory_order_relaxed);
        taken_over_.reset();
        claims.clear();
        may_run_         = size();
        finished_prefix_ = 0;
        under_send_back  = 0;
        tally            = {};
    }

    // Running it.

    /// Whether the queue had more messages than these when they were pulled.
    bool has_more_behind() const noexcept { return messages.back().queue_offset + 1 < origin.max_offset; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(messages.size()); }
    std::span<const message_view> views(batch_slice slice) const noexcept {
        return std::span(views_).subspan(slice.first, slice.count);
    }

    /// Takes the next messages, at most `most`. Each message is claimed once.
    batch_slice claim(std::uint32_t most) noexcept {
        const auto first = next_.fetch_add(most, std::memory_order_relaxed);
        if (first >= size())
            return {};
        return {first, std::min(most, size() - first)};
    }
    std::uint32_t claimed_count() const noexcept { return size() - unclaimed_count(); }
    bool has_unclaimed() const noexcept { return next_.load(std::memory_order_relaxed) < size(); }
    std::uint32_t unclaimed_count() const noexcept {
        const auto next = next_.load(std::memory_order_relaxed);
        return next < size() ? size() - next : 0;
    }

    void mark_finished(std::uint32_t index) noexcept {
        progress_[index].store(message_progress::finished, std::memory_order_release);
    }
    void mark_failed(std::uint32_t index, int delay_level) noexcept {
        delay_levels_[index] = delay_level;
        progress_[index].store(message_progress::failed, std::memory_order_release);
    }

    // In order: one runner at a time, who goes by the marks and claims nothing.

    void mark_consumed(std::uint32_t index) noexcept {
        progress_[index].store(message_progress::consumed, std::memory_order_release);
    }
    /// The next messages from `at` on that are not consumed, at most `most`, without a gap. Empty: there are none.
    batch_slice next_unconsumed(std::uint32_t at, std::uint32_t most) const noexcept {
        while (at < size() && progress(at) != message_progress::unfinished)
            ++at;
        auto end = at;
        while (end < size() && end - at < most && progress(end) == message_progress::unfinished)
            ++end;
        return {at, end - at};
    }

    /// Runners count themselves in and out; the one that leaves last tells the strand.
    void enter() noexcept { runners_.fetch_add(1, std::memory_order_relaxed); }
    /// As `enter`, unless nobody is in it any more.
    [[nodiscard]] bool enter_if_running() noexcept {
        auto count = runners_.load(std::memory_order_relaxed);
        while (count != 0)
            if (runners_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed))
                return true;
        return false;
    }
    [[nodiscard]] bool leave() noexcept { return runners_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

    /// What runners did, summed up once for each time one enters.
    struct tally_counts {
        cell<std::uint64_t> calls{0}, succeeded{0}, failed{0}, nanoseconds{0};

        tally_counts& operator=(std::initializer_list<int>) noexcept {
            for (auto* each : {&calls, &succeeded, &failed, &nanoseconds})
                each->store(0, std::memory_order_relaxed);
            return *this;
        }
    } tally;

    // Looking at it, by the strand.

    message_progress progress(std::uint32_t index) const noexcept {
        if (is_taken_over(index)) [[unlikely]]
            return taken_over_[index];
        return marked(index);
    }
    /// Takes a message from a listener that is at it for too long: what that still answers is not heard.
    /// @return False: it has answered.
    bool take_over(std::uint32_t index) {
        if (progress(index) != message_progress::unfinished)
            return false;
        if (!taken_over_)
            taken_over_ = std::make_unique<message_progress[]>(capacity_);
        taken_over_[index] = message_progress::sending_back;
        return true;
    }
    bool is_taken_over(std::uint32_t index) const noexcept {
        return taken_over_ && taken_over_[index] != message_progress::unfinished;
    }
    /// Whether the listener has succeeded with a message that was taken from it.
    bool succeeded_late(std::uint32_t index) const noexcept {
        return is_taken_over(index) && marked(index) == message_progress::finished;
    }
    /// Of a failed message; 0 of others.
    int delay_level(std::uint32_t index) const noexcept {
        const auto at = progress(index);
        return at == message_progress::failed || at == message_progress::sending_back ? delay_levels_[index] : 0;
    }
    void set_progress(std::uint32_t index, message_progress value) noexcept {
        if (is_taken_over(index))
            taken_over_[index] = value;
        else
            progress_[index].store(value, std::memory_order_relaxed);
    }

    std::uint32_t runners() const noexcept { return runners_.load(std::memory_order_acquire); }
    bool running() const noexcept { return runners() != 0; }

    /// Makes what nobody has claimed yet unclaimable: those listener calls will not start.
    /// @return Whether anything had been claimed.
    bool cancel_unclaimed() noexcept {
        const auto claimed = next_.exchange(size(), std::memory_order_relaxed);
        may_run_           = std::min(may_run_, claimed);
        return claimed != 0;
    }

    /// Whether a listener call is at a message of it or may begin to, or one is on its way elsewhere. Where all was cancelled the
    /// batch may still wait in the executor's line, to be found empty.
    bool consuming() const noexcept {
        if (heard || under_send_back != 0)
            return under_send_back != 0;
        for (std::uint32_t i = 0; i < may_run_; ++i)
            if (const auto at = progress(i); at == message_progress::unfinished || at == message_progress::failed)
                return true;
        return false;
    }

    /// The last runner has left, and the strand knows it.
    void hear() noexcept {
        heard = true;
        if (tally.succeeded.load(std::memory_order_relaxed) == size() && !taken_over_)
            finished_prefix_ = size(); // no need to look at each
    }

    /// The offset of the first message that is not finished; empty when all are.
    std::optional<queue_offset> first_unfinished() noexcept {
        if (taken_over_) [[unlikely]]
            while (finished_prefix_ < size() && progress(finished_prefix_) == message_progress::finished)
                ++finished_prefix_;
        else
            while (finished_prefix_ < size() && marked(finished_prefix_) == message_progress::finished)
                ++finished_prefix_;
        if (finished_prefix_ == size())
            return std::nullopt;
        return messages[finished_prefix_].queue_offset;
    }

    /// That message; null when all are finished.
    const detail::message_fields* oldest_unfinished() noexcept {
        return first_unfinished() ? &messages[finished_prefix_] : nullptr;
    }

    std::size_t unfinished_count() const noexcept {
        std::size_t count = 0;
        for (std::uint32_t i = 0; i < size(); ++i)
            count += progress(i) != message_progress::finished;
        return count;
    }

    std::size_t held_bytes() const noexcept { return frame_size + inflated.used_bytes(); }
    /// Whether it was let go of: all messages are finished, only the place in the order is kept.
    bool released() const noexcept { return frame_size == 0; }

    claim_history claims;                    ///< Of a batch that takes long.
    std::uint32_t under_send_back = 0;       ///< Send-back operations at its messages, and echoes of them.
    pulled_batch* echo_of         = nullptr; ///< Its only message is one of that batch, consumed once more here ...
    std::uint32_t echo_index      = 0;       ///< ... namely this one.
    bool heard                    = false;   ///< The last runner left and the strand knows it.
    pulled_batch* next_left       = nullptr; ///< Link of the list of batches whose last runner left.
    std::uint32_t place           = 0;       ///< In the list of batches that are out.
    std::uint32_t unclaimed_then  = 0;       ///< When the strand looked at it last.

    /// Lets go of the bytes when all messages are finished; their offsets stay known.
    void release_bytes() noexcept {
        frame = {};
        inflated.clear();
        frame_size = 0;
    }

    /// Makes it ready for another pull; keeps capacities.
    void clear() noexcept {
        release_bytes();
        messages.clear();
        heard     = false;
        next_left = nullptr;
        echo_of   = nullptr;
    }

  private:
    message_progress marked(std::uint32_t index) const noexcept {
        return progress_[index].load(std::memory_order_acquire);
    }

    std::vector<message_view> views_; ///< Of the messages in their order, and perhaps of former ones behind them.
    std::unique_ptr<cell<message_progress>[]> progress_;
    std::unique_ptr<int[]> delay_levels_; ///< Of failed messages.
    std::unique_ptr<message_progress[]>
        taken_over_; ///< How far those are, the strand's alone; `unfinished` are the others.
    std::size_t capacity_ = 0;
    cell<std::uint32_t> next_{0};
    cell<std::uint32_t> runners_{0};
    std::uint32_t may_run_         = 0; ///< So many of its first messages were not cancelled.
    std::uint32_t finished_prefix_ = 0;
};

/// Keeps finished batches for the next pull. @par Thread safety None; used on the strand.
template <bool Concurrent>
class batch_pool {
  public:
    using batch_type = pulled_batch<Concurrent>;

    explicit batch_pool(std::size_t retained = 256) : retained_(retained) { free_.reserve(retained); }

    std::unique_ptr<batch_type> take() {
        ROCKETPUSH_TAKES_MEMORY();
        if (free_.empty())
            return std::make_unique<batch_type>();
        auto taken = std::move(free_.back());
        free_.pop_back();
        return taken;
    }
    void give_back(std::unique_ptr<batch_type> batch) noexcept {
        batch->clear();
        if (free_.size() < retained_)
            free_.push_back(std::move(batch));
    }

  private:
    std::size_t retained_;
    std::vector<std::unique_ptr<batch_type>> free_;
};

} // namespace rocketpush

#endif

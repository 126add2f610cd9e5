#ifndef ROCKETPUSH_REMOTING_PENDING_REQUESTS_HPP
#define ROCKETPUSH_REMOTING_PENDING_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/remoting/frame_reader.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The requests under way on one connection: matches responses by opaque, and knows every deadline.
 *
 * An opaque is a slot number below and a generation above, so a response finds its request with one array access and a
 * late one (its request timed out, its slot has a new request) is told apart. Handlers live in the slots: a request
 * allocates nothing once the table has grown to its working size.
 *
 * @par Thread safety  None; used on one strand. Handlers run inside the call that completes them.
 * @par Source         Java `NettyRemotingAbstract.responseTable`.
 */
class pending_requests {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit pending_requests(std::size_t limit = 65535) : limit_(std::min(limit, slot_mask + 1)) {}
    pending_requests(const pending_requests&)            = delete;
    pending_requests& operator=(const pending_requests&) = delete;
    ~pending_requests() { drop_all(); }

    std::size_t size() const noexcept { return size_; }
    bool full() const noexcept { return size_ >= limit_; }

    /**
     * @brief Remembers `handler` until its response, its deadline or the end of the connection.
     * @param handler  Called once with (std::error_code, received_frame).
     * @return The opaque to send. The table must not be full.
     */
    template <class Handler>
    std::int32_t add(time_point deadline, time_point now, Handler&& handler) {
        ROCKETPUSH_ASSERT(!full(), "callers ask full() first");
        slot& taken = free_ ? *std::exchange(free_, free_->next_free) : grow();
        taken.store(std::forward<Handler>(handler));
        taken.opaque   = static_cast<std::int32_t>((taken.generation << slot_bits) | taken.index);
        taken.deadline = deadline;
        taken.sent     = now;
        ++size_;
        return taken.opaque;
    }

    /// Completes the request that `frame` answers. False: it is not waited for any more; the frame is dropped.
    bool complete(received_frame frame) {
        const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(frame.header.opaque)) & slot_mask;
        if (index >= slots_.size() || slots_[index]->opaque != frame.header.opaque)
            return false;
        finish(*slots_[index], {}, std::move(frame));
        return true;
    }

    /// Ends one request with `reason`, if it is still under way.
    void fail(std::int32_t opaque, std::error_code reason) {
        const auto index = static_cast<std::size_t>(static_cast<std::uint32_t>(opaque)) & slot_mask;
        if (index < slots_.size() && slots_[index]->opaque == opaque)
            finish(*slots_[index], reason, {});
    }

    /// Ends every request with `reason`; needs no memory, for it may be the want of it that ends them. Requests that handlers add
    /// meanwhile stay.
    void fail_all(std::error_code reason) {
        for (const auto& each : slots_)
            each->ending = each->opaque != unused;
        for (std::size_t i = 0; i < slots_.size(); ++i)
            if (slots_[i]->ending)
                finish(*slots_[i], reason, {});
    }

    /// Lets go of every handler without calling it.
    void drop_all() {
        for (const auto& each : slots_)
            if (each->opaque != unused) {
                release(*each);
                each->operate(*each, nullptr, {}, {});
            }
    }

    /**
     * @brief Ends what is past its deadline with `error::request_timed_out`.
     * @return When the oldest of those was sent; `time_point::max()` if nothing was due.
     */
    time_point expire(time_point now) {
        auto oldest = time_point::max();
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            slot& each = *slots_[i];
            if (each.opaque == unused || each.deadline > now)
                continue;
            oldest = std::min(oldest, each.sent);
            finish(each, error::request_timed_out, {});
        }
        return oldest;
    }

    /// The earliest deadline; `time_point::max()` when nothing is under way.
    time_point next_deadline() const noexcept {
        auto earliest = time_point::max();
        for (const auto& each : slots_)
            if (each->opaque != unused)
                earliest = std::min(earliest, each->deadline);
        return earliest;
    }

    /// When the oldest request left that is still under way; `time_point::max()` when nothing is.
    time_point oldest_sent() const noexcept {
        auto oldest = time_point::max();
        for (const auto& each : slots_)
            if (each->opaque != unused)
                oldest = std::min(oldest, each->sent);
        return oldest;
    }

  private:
    static constexpr unsigned slot_bits        = 16;
    static constexpr std::size_t slot_mask     = (std::size_t{1} << slot_bits) - 1;
    static constexpr std::uint32_t generations = 1u << 15; // keeps opaques positive, as Java's are
    static constexpr std::int32_t unused       = -1;

    struct slot {
        /// Runs the handler for `table`, or only destroys it when there is none.
        using operation = void(slot&, pending_requests* table, std::error_code, received_frame&&);

        alignas(std::max_align_t) std::byte storage[64];
        operation* operate = nullptr;
        slot* next_free    = nullptr;
        time_point deadline{};
        time_point sent{};
        std::int32_t opaque      = unused;
        std::uint32_t index      = 0;
        std::uint32_t generation = 0;
        bool ending              = false; ///< One of those that `fail_all` found.

        /// Coroutines' handlers fit; a larger one (a test's, a user's) goes to the heap.
        template <class Handler>
        void store(Handler&& handler) {
            using stored = std::decay_t<Handler>;
            if constexpr (sizeof(stored) <= sizeof storage) {
                ::new (static_cast<void*>(storage)) stored(std::forward<Handler>(handler));
                operate = [](slot& self, pending_requests* table, std::error_code code, received_frame&& frame) {
                    auto* held = std::launder(reinterpret_cast<stored*>(self.storage));
                    auto taken = std::move(*held);
                    held->~stored();
                    if (!table)
                        return;
                    table->release(self); // first: the handler may send the next request at once
                    std::move(taken)(code, std::move(frame));
                };
            } else {
                store(on_heap<stored>{std::make_unique<stored>(std::forward<Handler>(handler))});
            }
        }
    };

    template <class Handler>
    struct on_heap {
        std::unique_ptr<Handler> handler;
        void operator()(std::error_code code, received_frame frame) { std::move (*handler)(code, std::move(frame)); }
    };

    slot& grow() {
        auto fresh   = std::make_unique<slot>();
        fresh->index = static_cast<std::uint32_t>(slots_.size());
        slots_.push_back(std::move(fresh));
        return *slots_.back();
    }

    void release(slot& returned) noexcept {
        returned.opaque     = unused;
        returned.ending     = false;
        returned.generation = (returned.generation + 1) % generations;
        returned.next_free  = std::exchange(free_, &returned);
        --size_;
    }

    void finish(slot& ended, std::error_code code, received_frame frame) {
        ended.operate(ended, this, code, std::move(frame));
    }

    std::vector<std::unique_ptr<slot>> slots_;
    slot* free_       = nullptr;
    std::size_t size_ = 0;
    std::size_t limit_;
};

} // namespace rocketpush

#endif

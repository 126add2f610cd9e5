#ifndef ROCKETPUSH_EMBEDDED_COMMIT_LOG_HPP
#define ROCKETPUSH_EMBEDDED_COMMIT_LOG_HPP

#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/message_encoder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <string>
#include <string_view>

namespace rocketpush::embedded {

/**
 * @brief All stored messages of a broker, one behind the other in the form that pulls give out, and bounded.
 *
 * Kept in segments; at the limit the oldest segment goes, with every message in it. Offsets are bytes since the log
 * began and never come again.
 *
 * @par Source  Java `CommitLog`, whose segments are files.
 */
class commit_log {
  public:
    static constexpr std::size_t largest_segment  = 1024 * 1024;
    static constexpr std::size_t smallest_segment = 4 * 1024;

    /// @param limit  Bytes; what is kept may exceed it by one message.
    explicit commit_log(std::size_t limit)
        : limit_(limit), segment_size_(std::clamp(limit / 8, smallest_segment, largest_segment)) {}

    /// Offset of the oldest byte that is kept.
    std::int64_t begin_offset() const noexcept { return segments_.empty() ? end_ : segments_.front().begin; }
    /// Where the next message will begin.
    std::int64_t end_offset() const noexcept { return end_; }

    /// Appends `message`, whose commit log offset is `end_offset()`. @return Its bytes; valid until it is dropped.
    std::string_view append(const protocol::stored_message& message) {
        ROCKETPUSH_ASSERT(message.commit_log_offset == end_, "a message is stored at the log's end");
        const auto size = message.stored_size();
        drop_oldest(size);
        auto& last        = segment_with_room(size);
        const auto before = last.bytes.size();
        protocol::append_stored_message(last.bytes, message);
        end_ += static_cast<std::int64_t>(size);
        return std::string_view(last.bytes).substr(before);
    }

    /// The message that begins at `offset`; empty if none does or it was dropped. Valid until it is dropped.
    std::string_view record_at(std::int64_t offset) const noexcept {
        namespace layout = detail::message_layout;
        const auto behind =
            std::upper_bound(segments_.begin(), segments_.end(), offset,
                             [](std::int64_t wanted, const segment& one) { return wanted < one.begin; });
        if (offset < 0 || behind == segments_.begin())
            return {};
        const auto& holder = *std::prev(behind);
        const auto place   = static_cast<std::size_t>(offset - holder.begin);
        if (place >= holder.bytes.size() || holder.bytes.size() - place < layout::smallest)
            return {};
        // Each message knows its own offset: so an offset into the middle of one is not taken for a message.
        const char* record = holder.bytes.data() + place;
        const auto size    = std::size_t{detail::load_big<std::uint32_t>(record)};
        const auto magic   = detail::load_big<std::uint32_t>(record + layout::magic);
        const bool begins  = (magic == layout::magic_v1 || magic == layout::magic_v2) &&
                            detail::load_big<std::int64_t>(record + layout::commit_log_offset) == offset &&
                            size <= holder.bytes.size() - place;
        return begins ? std::string_view(record, size) : std::string_view();
    }

  private:
    struct segment {
        std::int64_t begin;
        std::string bytes; ///< Reserved at once, so that records never move.
    };

    void drop_oldest(std::size_t coming) {
        while (!segments_.empty() && static_cast<std::size_t>(end_ - begin_offset()) + coming > limit_)
            segments_.pop_front();
    }

    segment& segment_with_room(std::size_t size) {
        if (segments_.empty() || segments_.back().bytes.capacity() - segments_.back().bytes.size() < size) {
            segments_.push_back({end_, {}});
            segments_.back().bytes.reserve(std::max(size, segment_size_));
        }
        return segments_.back();
    }

    std::size_t limit_;
    std::size_t segment_size_;
    std::int64_t end_ = 0;
    std::deque<segment> segments_;
};

} // namespace rocketpush::embedded

#endif

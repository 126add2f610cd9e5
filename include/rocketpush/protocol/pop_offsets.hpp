#ifndef ROCKETPUSH_PROTOCOL_POP_OFFSETS_HPP
#define ROCKETPUSH_PROTOCOL_POP_OFFSETS_HPP

#include <rocketpush/protocol/receipt_handle.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

/**
 * @file
 * The lists in the header of a pop's answer, read where they stand:
 *
 *     startOffsetInfo  0 1 0;0 0 0         topic kind, queue, smallest offset
 *     msgOffsetInfo    0 1 0,1;0 0 0,1,2   topic kind, queue, offsets
 *     orderCountInfo   0 qo0%1 1;0 0 1     topic kind, a queue or one of its offsets, times delivered before
 *
 * @par Source  Java `ExtraInfoUtil.parseStartOffsetInfo`, `parseMsgOffsetInfo`, `parseOrderCountInfo`.
 */
namespace rocketpush::protocol {

/// One entry of such a list.
struct pop_list_entry {
    pop_topic topic = pop_topic::normal;
    std::string_view place{}; ///< A queue id, or `qo0%1`: queue 0, offset 1.
    std::string_view values{};
};

/// Calls `entry(const pop_list_entry&)` for each, until one says false. @return Whether all were well-formed and said true.
template <class F>
bool read_pop_list(std::string_view list, F&& entry) {
    using namespace rocketpush::detail;
    while (!list.empty()) {
        auto rest = take_token(list, ';');
        pop_list_entry each;
        if (!read_pop_topic(take_token(rest, ' '), each.topic))
            return false;
        each.place  = take_token(rest, ' ');
        each.values = rest;
        if (each.place.empty() || each.values.empty() || !entry(each))
            return false;
    }
    return true;
}

/// The values of one entry, in turn.
class pop_list_values {
  public:
    explicit pop_list_values(std::string_view values) noexcept : rest_(values) {}

    bool empty() const noexcept { return rest_.empty(); }
    /// The next one; nothing if there is none, or if it is no number.
    std::optional<std::int64_t> next() noexcept {
        std::int64_t value = 0;
        if (rest_.empty() || !rocketpush::detail::read_natural(rocketpush::detail::take_token(rest_, ','), value))
            return std::nullopt;
        return value;
    }

  private:
    std::string_view rest_;
};

/**
 * @brief How often a message of an orderly pop was delivered before: what the list says of its offset, else of its queue.
 * @return 0 if the list has neither.
 */
inline std::int32_t times_delivered(std::string_view order_counts, std::int32_t queue_id,
                                    std::int64_t offset) noexcept {
    using namespace rocketpush::detail;
    std::int32_t of_queue = 0, of_offset = 0;
    read_pop_list(order_counts, [&](const pop_list_entry& entry) {
        const bool exact          = entry.place.starts_with("qo");
        auto place                = entry.place.substr(exact ? 2 : 0);
        std::int32_t listed_queue = 0, count = 0;
        std::int64_t listed_offset = offset;
        if (!read_natural(exact ? take_token(place, '%') : place, listed_queue) ||
            (exact && !read_natural(place, listed_offset)) || !read_natural(entry.values, count))
            return false;
        if (listed_queue == queue_id && listed_offset == offset)
            (exact ? of_offset : of_queue) = count;
        return true;
    });
    return of_offset > 0 ? of_offset : of_queue;
}

} // namespace rocketpush::protocol

#endif

#ifndef ROCKETPUSH_EMBEDDED_STORED_FILTER_HPP
#define ROCKETPUSH_EMBEDDED_STORED_FILTER_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/embedded/condition.hpp>
#include <rocketpush/embedded/message_store.hpp>
#include <rocketpush/embedded/stored_record.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief Which stored messages somebody wants: those with one of these tags, or that meet a condition; all, if it names neither.
 * @par Source  Java `ExpressionMessageFilter`.
 */
struct stored_filter {
    std::vector<std::int32_t> tag_codes{};     ///< Java hashes; a message whose tag only shares one is wanted, too.
    std::shared_ptr<const condition> wanted{}; ///< Null: no SQL92 condition.

    bool wants_tag(std::int32_t hash) const noexcept {
        return tag_codes.empty() || std::ranges::find(tag_codes, hash) != tag_codes.end();
    }
    /// @param record  From the commit log. Empty: the message is not kept any more; it may have been wanted.
    bool wants(std::int32_t tag_hash, std::string_view record) const {
        return wants_tag(tag_hash) && (!wanted || record.empty() || wanted->matches(read_stored(record).properties));
    }
};

/// Finds those of a queue's messages that are wanted; see `message_store::read`. Only a condition looks into the messages.
inline read_result read_wanted(const message_store& store, std::string_view topic, std::int32_t queue_id,
                               queue_offset from, const read_limits& limits, const stored_filter& filter,
                               std::vector<std::string_view>& records) {
    const auto read = [&](auto wants) { return store.read(topic, queue_id, from, limits, wants, records); };
    if (!filter.wanted)
        return read([&filter](std::int32_t hash) { return filter.wants_tag(hash); });
    return read([&filter](std::int32_t hash, std::string_view record) { return filter.wants(hash, record); });
}

} // namespace rocketpush::embedded

#endif

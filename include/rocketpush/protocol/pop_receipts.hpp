#ifndef ROCKETPUSH_PROTOCOL_POP_RECEIPTS_HPP
#define ROCKETPUSH_PROTOCOL_POP_RECEIPTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/pop_offsets.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace rocketpush::protocol {

/**
 * @brief Gives each message of a pop's answer its receipt.
 *
 * A message that has one in its properties, as retries do, keeps it; unless it is of another pop and the answer's lists know the
 * message: somebody has sent a message again that he had popped. Else its place in the lists says which check point it belongs
 * to. The list's value is the message's own offset where it is listed, else that at the message's rank among the offsets of its
 * topic kind and queue. Messages out of one inner batch share a receipt.
 *
 * Keep one: in steady state it allocates nothing.
 *
 * @par Thread safety  None.
 * @par Source         Java `MQClientAPIImpl.processPopResponse`. Differs: it goes by the rank alone, so when one message cannot be
 *                     read the receipts of others are wrong; and it believes every receipt that a message brings.
 */
class receipt_maker {
  public:
    /**
     * @param broker_name  Of the broker that answered; it and the messages outlive the receipts.
     * @param messages     All of the answer, in its order.
     * @param receipts     Gets as many, in that order, in place of those it has.
     * @return How many messages the lists do not know, where there are lists. Their receipts are made as for a very old broker;
     *         this one may not know them, and then the messages come again.
     * @retval error::header_malformed  A list is none.
     */
    result<std::size_t> make(const pop_response& answer, std::string_view broker_name,
                             std::span<const detail::message_fields> messages, std::vector<receipt_handle>& receipts) {
        receipts.assign(messages.size(), {.pop_time         = answer.pop_time,
                                          .invisible_millis = answer.invisible_millis,
                                          .revive_queue_id  = answer.revive_queue_id,
                                          .broker_name      = broker_name});
        if (!read_lists(answer))
            return error::header_malformed;
        find_records(answer, messages, receipts);
        std::ranges::sort(records_);
        const auto unknown = number_ranks(receipts);
        return starts_.empty() && offsets_.empty() ? std::size_t{0} : unknown;
    }

  private:
    struct queue_key {
        pop_topic topic                                             = pop_topic::normal;
        std::int32_t queue_id                                       = 0;
        friend auto operator<=>(const queue_key&, const queue_key&) = default;
    };
    /// An entry of either list: it has one of the two.
    struct list_entry {
        queue_key key;
        std::int64_t start_offset = 0;
        std::string_view offsets{};
    };
    /// One stored message, which is one or (an inner batch) several of those found.
    struct record {
        queue_key key;
        std::int64_t offset                                   = 0;
        std::uint32_t first                                   = 0; ///< Place among the messages.
        std::uint32_t count                                   = 1;
        friend auto operator<=>(const record&, const record&) = default;
    };

    bool read_lists(const pop_response& answer) {
        starts_.clear();
        offsets_.clear();
        const auto read = [](std::string_view list, auto&& take) {
            return read_pop_list(list, [&](const pop_list_entry& entry) {
                queue_key key{entry.topic, 0};
                return rocketpush::detail::read_natural(entry.place, key.queue_id) && take(key, entry.values);
            });
        };
        const bool good = read(answer.start_offsets,
                               [&](const queue_key& key, std::string_view value) {
                                   auto& start = starts_.emplace_back(list_entry{key});
                                   return rocketpush::detail::read_natural(value, start.start_offset);
                               }) &&
                          read(answer.message_offsets, [&](const queue_key& key, std::string_view values) {
                              offsets_.push_back({key, 0, values});
                              return true;
                          });
        std::ranges::stable_sort(starts_, {}, &list_entry::key);
        std::ranges::stable_sort(offsets_, {}, &list_entry::key);
        return good;
    }

    /// Sets what a receipt knows of its own message, and lists the stored messages that need the answer's lists.
    void find_records(const pop_response& answer, std::span<const detail::message_fields> messages,
                      std::vector<receipt_handle>& receipts) {
        namespace layout = rocketpush::detail::message_layout;
        records_.clear();
        const char* previous = nullptr;
        int strange          = 0; // a hostile answer must not have us search for ever
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const message_view message(messages[i]);
            auto& receipt      = receipts[i];
            const auto* stored = messages[i].record;
            const queue_key key{kind_of_topic(message.stored_topic()),
                                std::max(0, rocketpush::detail::load_big<std::int32_t>(stored + layout::queue_id))};
            const auto offset = rocketpush::detail::load_big<std::int64_t>(stored + layout::queue_offset);
            if (const auto own = message.property(property_names::pop_receipt))
                if (const auto parsed = parse_receipt(*own);
                    parsed &&
                    (parsed->pop_time == answer.pop_time || ++strange > most_pop_messages || !lists(key, offset))) {
                    receipt  = *parsed;
                    previous = nullptr;
                    continue;
                }
            receipt.topic        = key.topic;
            receipt.queue_id     = key.queue_id;
            receipt.queue_offset = offset;
            if (stored == previous)
                ++records_.back().count;
            else
                records_.push_back({key, offset, static_cast<std::uint32_t>(i), 1});
            previous = stored;
        }
    }

    /// @return The number of messages whose queue or rank the lists do not have.
    std::size_t number_ranks(std::vector<receipt_handle>& receipts) const {
        std::size_t unknown = 0;
        for (std::size_t i = 0; i < records_.size();) {
            const auto key    = records_[i].key;
            const auto first  = records_[i].offset;
            const auto* start = find(starts_, key);
            const auto* list  = find(offsets_, key);
            const auto listed = list ? list->offsets : std::string_view();
            pop_list_values values(listed), by_offset(listed);
            auto own = by_offset.next(); // goes up the list as the offsets do
            for (; i < records_.size() && records_[i].key == key; ++i) {
                const auto& each = records_[i];
                auto value       = values.next();
                while (own && *own < each.offset)
                    own = by_offset.next();
                if (own == each.offset)
                    value = own;
                for (auto at = each.first; at < each.first + each.count; ++at) {
                    receipts[at].start_offset = start ? start->start_offset : first;
                    receipts[at].queue_offset = value.value_or(each.offset);
                }
                if (!start || !value)
                    unknown += each.count;
            }
        }
        return unknown;
    }

    bool lists(const queue_key& key, std::int64_t offset) const noexcept {
        const auto* list = find(offsets_, key);
        pop_list_values values(list ? list->offsets : std::string_view());
        for (auto value = values.next(); value; value = values.next())
            if (*value == offset)
                return true;
        return false;
    }

    static const list_entry* find(const std::vector<list_entry>& sorted, const queue_key& key) noexcept {
        const auto found = std::ranges::lower_bound(sorted, key, {}, &list_entry::key);
        return found != sorted.end() && found->key == key ? &*found : nullptr;
    }

    std::vector<list_entry> starts_;
    std::vector<list_entry> offsets_;
    std::vector<record> records_;
};

} // namespace rocketpush::protocol

#endif

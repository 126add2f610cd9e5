#ifndef ROCKETPUSH_EMBEDDED_MESSAGE_STORE_HPP
#define ROCKETPUSH_EMBEDDED_MESSAGE_STORE_HPP

#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/java_string.hpp>
#include <rocketpush/embedded/commit_log.hpp>
#include <rocketpush/embedded/stored_record.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// What a topic allows. Bits of `permission`: 4 read, 2 write, 1 others may be made by its example.
struct topic_settings {
    std::int32_t read_queues  = 8;
    std::int32_t write_queues = 8;
    std::int32_t permission   = 6;

    /// Of a static topic: how often it was mapped. Its queues are known by logical ids and offsets; 0: it is not one.
    std::int64_t static_epoch = 0;

    /// Batches are stored as one message each. Java: `queue.type=BatchCQ`.
    bool inner_batches = false;

    bool readable() const noexcept { return (permission & 4) != 0; }
    bool writable() const noexcept { return (permission & 2) != 0; }
    std::int32_t queues() const noexcept { return std::max(read_queues, write_queues); }
};

/**
 * @brief Where a queue of a static topic really lies. Only what is in a message's own bytes is of that place.
 * @par Source  Java `LogicQueueMappingItem`.
 */
struct physical_queue {
    std::int32_t id     = 0;
    queue_offset behind = 0; ///< How much smaller its offsets are.
};

/// A queue of a static topic on its way from one broker to another.
struct moved_queue {
    struct message {
        std::string record;      ///< As it was stored; empty for offsets that no message has.
        std::size_t offsets = 1; ///< How many it takes.
    };

    std::int64_t epoch = 0; ///< Of the mapping in which it is gone from the one and at the other.
    queue_offset begin = 0;
    std::vector<message> messages{};
    std::map<std::string, queue_offset> committed{}; ///< By group.
};

/// Where a message has been stored.
struct stored_place {
    std::int32_t queue_id          = 0;
    queue_offset offset            = 0;
    std::int64_t commit_log_offset = 0;
};

/// How a read ended. @par Source  Java `GetMessageStatus`, whose names go into a pull answer's remark.
enum class read_status {
    found,
    no_matched_message,
    no_message_in_queue,
    offset_overflow_one,
    offset_overflow_badly,
    offset_too_small,
    offset_reset, ///< An administrator has moved the group.
};

constexpr std::string_view to_string(read_status status) noexcept {
    switch (status) {
    case read_status::found: return "FOUND";
    case read_status::no_matched_message: return "NO_MATCHED_MESSAGE";
    case read_status::no_message_in_queue: return "NO_MESSAGE_IN_QUEUE";
    case read_status::offset_overflow_one: return "OFFSET_OVERFLOW_ONE";
    case read_status::offset_overflow_badly: return "OFFSET_OVERFLOW_BADLY";
    case read_status::offset_too_small: return "OFFSET_TOO_SMALL";
    case read_status::offset_reset: return "OFFSET_RESET";
    }
    return {};
}

/// Most that one read gives.
struct read_limits {
    std::size_t messages = 32;
    std::size_t bytes    = 256 * 1024; ///< One message is given even if it is larger.
    queue_offset end     = INT64_MAX;  ///< As if the queue ended there.
};

struct read_result {
    read_status status = read_status::no_message_in_queue;
    queue_offset next  = 0; ///< Where to read on.
};

/**
 * @brief Topics, their queues, and the messages in them.
 *
 * A message is encoded once, when it is stored; reads give views of those bytes.
 *
 * @par Thread safety  None.
 * @par Source         Java `DefaultMessageStore`, `ConsumeQueue`, `TopicConfigManager`.
 */
class message_store {
  public:
    /// One stored message, as its queue knows it.
    struct entry {
        std::int64_t commit_log_offset;
        std::int64_t store_timestamp; ///< ms since 1970
        std::int32_t tag_hash;        ///< 0 without a tag, as in Java.
    };

    message_store(std::size_t byte_limit, const host_address& store_host) : log_(byte_limit), store_host_(store_host) {}

    const host_address& store_host() const noexcept { return store_host_; }

    /// Null for a topic that does not exist.
    const topic_settings* find_topic(std::string_view topic) const {
        const auto found = topics_.find(topic);
        return found == topics_.end() ? nullptr : &found->second.settings;
    }

    /// Makes a topic or changes it; queues that it has are kept, also when it shall have fewer.
    void set_topic(std::string_view topic, const topic_settings& settings) {
        auto& made    = topics_.try_emplace(std::string(topic)).first->second;
        made.settings = settings;
        if (const auto queues = static_cast<std::size_t>(settings.queues()); made.queues.size() < queues)
            made.queues.resize(queues);
    }

    /// Says where a queue of a static topic lies, which has no messages yet. Its first offset is `place.behind`.
    void place_queue(std::string_view topic, std::int32_t queue_id, const physical_queue& place) {
        if (auto* queue = find_queue(topic, queue_id); queue && queue->entries.empty()) {
            queue->place = place;
            queue->begin = std::max(queue->begin, place.behind);
        }
    }

    /// Where a queue of a static topic lies; nothing for a queue that is not one, or not there.
    std::optional<physical_queue> place_of(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        return queue ? queue->place : std::nullopt;
    }

    /// Whether a queue is one of a static topic that another broker leads.
    bool is_led_elsewhere(std::string_view topic, std::int32_t queue_id) const {
        const auto* settings = find_topic(topic);
        const auto* queue    = settings && settings->static_epoch > 0 ? find_queue(topic, queue_id) : nullptr;
        return queue && !queue->place;
    }

    /// Takes a static topic's queue out, which another broker leads from now on. It is led here.
    moved_queue take_queue(std::string_view topic, std::int32_t queue_id) {
        auto* queue = find_queue(topic, queue_id);
        ROCKETPUSH_ASSERT(queue && queue->place, "a queue that is taken is led here");
        moved_queue taken;
        taken.begin       = queue->begin;
        std::int64_t last = -2;
        for (const auto& each : queue->entries) {
            if (std::exchange(last, each.commit_log_offset) == each.commit_log_offset)
                ++taken.messages.back().offsets;
            else
                taken.messages.push_back({std::string(record_at(each.commit_log_offset))});
        }
        *queue = {};
        return taken;
    }

    /// Puts in what another broker's `take_queue` gave; the next message gets an offset of `next` or more.
    void put_queue(std::string_view topic, std::int32_t queue_id, std::int32_t physical_id, const moved_queue& taken,
                   queue_offset next) {
        auto* queue = find_queue(topic, queue_id);
        ROCKETPUSH_ASSERT(queue && !queue->place, "a queue that is put in is led elsewhere");
        *queue       = {};
        queue->begin = taken.begin;
        queue->place = physical_queue{physical_id, taken.begin};
        for (const auto& each : taken.messages) {
            if (each.record.empty()) {
                queue->entries.insert(queue->entries.end(), each.offsets, no_message);
                continue;
            }
            auto message     = read_stored(each.record);
            message.queue_id = queue_id;
            append(message, each.offsets);
        }
        if (next > queue->end())
            queue->entries.insert(queue->entries.end(), static_cast<std::size_t>(next - queue->end()), no_message);
    }

    /// Messages of a queue; there are offsets that none has.
    std::size_t message_count(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue)
            return 0;
        return queue->entries.size() -
               (queue->place
                    ? static_cast<std::size_t>(std::ranges::count(queue->entries, -1, &entry::commit_log_offset))
                    : 0);
    }

    /// Forgets a topic with its messages. @return Whether it existed.
    bool remove_topic(std::string_view topic) {
        const auto found = topics_.find(topic);
        if (found == topics_.end())
            return false;
        topics_.erase(found);
        return true;
    }

    std::vector<std::string> topic_names() const {
        std::vector<std::string> names;
        for (const auto& [name, topic] : topics_)
            names.push_back(name);
        return names;
    }

    /// The topic's queues in turn, for those who do not name one. The topic exists.
    std::int32_t next_queue(std::string_view topic) {
        auto& writer = topics_.find(topic)->second;
        for (std::int32_t tried = 0; tried < std::max(1, writer.settings.write_queues); ++tried) {
            writer.turn = (writer.turn + 1) % std::max(1, writer.settings.write_queues);
            if (!is_led_elsewhere(topic, writer.turn))
                break;
        }
        return writer.turn;
    }

    /**
     * @brief Stores a message; its offsets and store host are set here. The topic and the queue exist.
     * @param count  Offsets that it takes: more than 1 for a batch that is stored as one message.
     */
    stored_place append(protocol::stored_message message, std::size_t count = 1) {
        auto* queue = find_queue(message.topic, message.queue_id);
        ROCKETPUSH_ASSERT(queue, "messages are stored in queues that exist");
        const stored_place place{message.queue_id, queue->end(), log_.end_offset()};
        message.queue_offset      = queue->end() - (queue->place ? queue->place->behind : 0);
        message.queue_id          = queue->place ? queue->place->id : message.queue_id;
        message.commit_log_offset = log_.end_offset();
        message.store_host        = store_host_;
        const auto oldest         = log_.begin_offset();
        log_.append(message);
        queue->entries.insert(queue->entries.end(), count,
                              {message.commit_log_offset, message.store_timestamp, tag_hash(message.properties)});
        if (log_.begin_offset() != oldest)
            forget_dropped();
        return place;
    }

    /// The message that begins there in the commit log; empty if there is none.
    std::string_view record_at(std::int64_t commit_log_offset) const noexcept {
        return log_.record_at(commit_log_offset);
    }

    /// Offset of a queue's oldest message; where the next will be if it has none; 0 if there is no such queue.
    queue_offset min_offset(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        return queue ? queue->begin : 0;
    }
    /// Where a queue's next message will be; 0 if there is no such queue.
    queue_offset max_offset(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        return queue ? queue->end() : 0;
    }

    /// What the queue knows of the message at an offset; nothing if it is not kept.
    std::optional<entry> find_entry(std::string_view topic, std::int32_t queue_id, queue_offset at) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue || at < queue->begin || at >= queue->end())
            return std::nullopt;
        return this->at(*queue, at);
    }

    /// Offset of the first message that was stored at `timestamp` (ms) or later; the maximum if none was.
    queue_offset first_since(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue)
            return 0;
        const auto first =
            std::partition_point(queue->entries.begin(), queue->entries.end(),
                                 [timestamp](const entry& one) { return one.store_timestamp < timestamp; });
        return queue->begin + std::distance(queue->entries.begin(), first);
    }

    /**
     * @brief Finds messages of a queue, which exists, from an offset on.
     * @param wants    `bool(std::int32_t tag_hash)`, or `bool(std::int32_t tag_hash, std::string_view record)`; others are
     *                 passed over.
     * @param records  Gets the messages found, as stored, behind those it has.
     */
    template <class Wants>
        requires std::predicate<Wants, std::int32_t> || std::predicate<Wants, std::int32_t, std::string_view>
    read_result read(std::string_view topic, std::int32_t queue_id, queue_offset from, const read_limits& limits,
                     Wants&& wants, std::vector<std::string_view>& records) const {
        const auto* queue = find_queue(topic, queue_id);
        const auto end    = queue ? std::min(queue->end(), std::max(queue->begin, limits.end)) : 0;
        if (end == 0)
            return {read_status::no_message_in_queue, 0};
        if (from < queue->begin)
            return {read_status::offset_too_small, queue->begin};
        if (from == end)
            return {read_status::offset_overflow_one, from};
        if (from > end)
            return {read_status::offset_overflow_badly, end};

        std::size_t messages = 0, bytes = 0;
        // A tag that nobody uses must not make one read walk through a million messages.
        const auto stop = std::min(end, from + most_looked_at);
        auto next       = from;
        for (; next < stop && messages < limits.messages; ++next) {
            const auto& candidate = at(*queue, next);
            if constexpr (std::predicate<Wants, std::int32_t>)
                if (!wants(candidate.tag_hash))
                    continue;
            const auto record = log_.record_at(candidate.commit_log_offset);
            if constexpr (!std::predicate<Wants, std::int32_t>)
                if (!wants(candidate.tag_hash, record))
                    continue;
            if (record.empty())
                continue;
            if (messages > 0 && bytes + record.size() > limits.bytes)
                break;
            records.push_back(record);
            bytes += record.size();
            ++messages;
            while (next + 1 < queue->end() && at(*queue, next + 1).commit_log_offset == candidate.commit_log_offset)
                ++next; // a batch comes whole, from wherever in it
        }
        return {messages > 0 ? read_status::found : read_status::no_matched_message, next};
    }

    /// Forgets a queue's messages before an offset, which becomes its minimum (at most its maximum).
    void drop_before(std::string_view topic, std::int32_t queue_id, queue_offset at) {
        if (auto* queue = find_queue(topic, queue_id))
            while (queue->begin < at && !queue->entries.empty())
                queue->pop();
    }

    static std::int32_t tag_hash(std::string_view properties) noexcept {
        const auto tag = protocol::find_property(properties, property_names::tags);
        return tag ? detail::java_hash(*tag) : 0;
    }

  private:
    static constexpr queue_offset most_looked_at = 16'000;
    static constexpr entry no_message{-1, 0, 0};

    struct queue_state {
        std::deque<entry> entries;
        queue_offset begin = 0;
        std::optional<physical_queue> place;

        queue_offset end() const noexcept { return begin + static_cast<queue_offset>(entries.size()); }
        void pop() {
            entries.pop_front();
            ++begin;
        }
    };
    struct topic_state {
        topic_settings settings;
        std::vector<queue_state> queues;
        std::int32_t turn = -1; ///< Queue of the last message that named none.
    };

    static const entry& at(const queue_state& queue, queue_offset offset) noexcept {
        return queue.entries[static_cast<std::size_t>(offset - queue.begin)];
    }

    const queue_state* find_queue(std::string_view topic, std::int32_t queue_id) const {
        const auto found = topics_.find(topic);
        if (found == topics_.end() || queue_id < 0 || static_cast<std::size_t>(queue_id) >= found->second.queues.size())
            return nullptr;
        return &found->second.queues[static_cast<std::size_t>(queue_id)];
    }
    queue_state* find_queue(std::string_view topic, std::int32_t queue_id) {
        return const_cast<queue_state*>(std::as_const(*this).find_queue(topic, queue_id));
    }

    void forget_dropped() {
        for (auto& [name, topic] : topics_)
            for (auto& queue : topic.queues)
                while (!queue.entries.empty() && queue.entries.front().commit_log_offset < log_.begin_offset())
                    queue.pop();
    }

    commit_log log_;
    host_address store_host_;
    std::map<std::string, topic_state, std::less<>> topics_;
};

} // namespace rocketpush::embedded

#endif

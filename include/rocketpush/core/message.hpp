#ifndef ROCKETPUSH_CORE_MESSAGE_HPP
#define ROCKETPUSH_CORE_MESSAGE_HPP

#include <rocketpush/core/host_address.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/hex.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/detail/property_scan.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/// A point of the system clock in milliseconds, as RocketMQ writes times.
using message_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

namespace detail {

/// What the messages of one pulled batch have in common.
struct message_origin {
    const message_queue* queue   = nullptr;
    std::string_view retry_topic = {}; ///< `%RETRY%` + the consumer's group; empty when it has none.
    std::int64_t min_offset      = -1; ///< Of the queue, from the response that brought the batch.
    std::int64_t max_offset      = -1;
    std::string_view name_space  = {}; ///< `NS%`, what users do not see of topics; mostly empty.
};

/**
 * @brief Where the fields of one message lie: what the decoder finds, and all that is kept for a message.
 *
 * One cache line. What is seldom asked for is read from `record` on demand.
 */
struct message_fields {
    message_fields() noexcept {} // leaves all of it to the decoder, which makes many and fills them once

    const char* record; ///< Of a message out of an inner batch: the record of the whole batch.
    const message_origin* origin;
    const char* body;
    const char* properties;
    const char* topic;
    std::int64_t queue_offset;
    std::uint32_t body_size; ///< Bytes, inflated.
    std::uint16_t properties_size;
    std::uint16_t topic_size;
    std::int32_t reconsume_times;
    std::uint32_t sys_flag; ///< `compressed` is cleared when `body` is inflated.

    /// Whether this is one message out of an inner batch. (A compressed batch was not unwrapped.)
    bool is_inner() const noexcept {
        constexpr auto batch = sys_flags::inner_batch | sys_flags::needs_unwrap;
        return (sys_flag & (batch | sys_flags::compressed)) == batch;
    }
};

/// Bytes in front of an inner message's body that belong to it: its flag and body size (wire form of a batch).
inline constexpr std::size_t inner_body_prefix = 8;

} // namespace detail

/**
 * @brief One consumed message: a view into the frame it came in.
 *
 * Cheap to copy. Valid while the listener call (or awaitable) that it was given to lasts; keep a `message` of it
 * for longer. Fields are read from the frame when asked for; a property is found anew by each call.
 *
 * @par Source  Java `MessageExt`.
 */
class message_view {
  public:
    /// @param fields  Stays where it is for as long as the view is used.
    explicit message_view(const detail::message_fields& fields) noexcept : fields_(&fields) {}

    /**
     * @brief The topic that the producer sent to.
     *
     * A retried message is stored under the group's retry topic; its first topic is given here. Without the namespace,
     * unless that stands behind a prefix (`%DLQ%ns%billing`). Java `DefaultMQPushConsumerImpl.resetRetryAndNamespace`.
     */
    std::string_view topic() const noexcept {
        const auto whole      = full_topic();
        const auto name_space = fields_->origin->name_space;
        return whole.starts_with(name_space) ? whole.substr(name_space.size()) : whole;
    }

    /// The topic that the producer sent to, as the broker knows it: with its namespace.
    std::string_view full_topic() const noexcept {
        const auto stored = stored_topic();
        const auto retry  = fields_->origin->retry_topic;
        if (retry.empty() || !stored.starts_with(retry))
            return stored;
        if (stored.size() == retry.size())
            return property(property_names::retry_topic).value_or(stored);
        // Retry topics of POP consumers: group_topic, or group+topic where the broker names them so.
        const auto rest = stored.substr(retry.size());
        return rest.size() > 1 && (rest.front() == '_' || rest.front() == '+') ? rest.substr(1) : stored;
    }

    /// The topic that it is stored under: that of its queue, which may be a retry topic.
    std::string_view stored_topic() const noexcept { return {fields_->topic, fields_->topic_size}; }

    std::string_view body() const noexcept { return {fields_->body, fields_->body_size}; }

    std::optional<std::string_view> tags() const noexcept { return property(property_names::tags); }
    /// Index keys, separated by a space.
    std::optional<std::string_view> keys() const noexcept { return property(property_names::keys); }

    /// The value of a property; an empty one counts as absent, as in Java.
    std::optional<std::string_view> property(std::string_view name) const noexcept {
        return detail::find_property(raw_properties(), name);
    }

    /// All properties in stored order: `for (auto [name, value] : m.properties())`.
    detail::property_range properties() const noexcept { return detail::property_range(raw_properties()); }

    /// The properties as stored: `name 0x01 value 0x02`, repeated.
    std::string_view raw_properties() const noexcept { return {fields_->properties, fields_->properties_size}; }

    /// The queue as it was asked for messages: of one that was popped from all queues of a broker its id is -1.
    const message_queue& queue() const noexcept { return *fields_->origin->queue; }
    std::string_view broker_name() const noexcept { return queue().broker_name; }
    std::int32_t queue_id() const noexcept {
        const auto asked = queue().queue_id;
        return asked >= 0 ? asked : load<std::int32_t>(detail::message_layout::queue_id);
    }
    std::int64_t queue_offset() const noexcept { return fields_->queue_offset; }
    /// Place in the broker's commit log. Messages of one inner batch share it.
    std::int64_t commit_log_offset() const noexcept {
        return load<std::int64_t>(detail::message_layout::commit_log_offset);
    }

    /// Smallest offset of the queue when this message was pulled; -1 when the broker did not say.
    std::int64_t min_offset() const noexcept { return fields_->origin->min_offset; }
    /// Offset behind the queue's last message when this one was pulled; -1 when the broker did not say.
    std::int64_t max_offset() const noexcept { return fields_->origin->max_offset; }

    /// When the producer sent it, by the producer's clock.
    message_time born_timestamp() const noexcept { return time_at(detail::message_layout::born_timestamp); }
    /// When the broker stored it, by the broker's clock.
    message_time store_timestamp() const noexcept {
        return time_at(detail::message_layout::store_timestamp(fields_->sys_flag));
    }
    host_address born_host() const noexcept {
        return host_address::read(fields_->record + detail::message_layout::born_host,
                                  (fields_->sys_flag & sys_flags::born_host_v6) != 0);
    }
    host_address store_host() const noexcept {
        return host_address::read(fields_->record + detail::message_layout::store_host(fields_->sys_flag),
                                  (fields_->sys_flag & sys_flags::store_host_v6) != 0);
    }

    /// The producer's own 32 bits; RocketMQ gives them no meaning.
    std::int32_t flag() const noexcept {
        return fields_->is_inner() ? detail::load_big<std::int32_t>(fields_->body - detail::inner_body_prefix)
                                   : load<std::int32_t>(detail::message_layout::flag);
    }
    /// Bits of `rocketpush::sys_flags`.
    std::uint32_t sys_flag() const noexcept { return fields_->sys_flag; }
    /// How often it was consumed in vain before.
    std::int32_t reconsume_times() const noexcept { return fields_->reconsume_times; }
    /// CRC-32 of the body as stored (compressed, or a whole inner batch) with the sign bit cleared.
    std::uint32_t body_crc() const noexcept { return load<std::uint32_t>(detail::message_layout::body_crc); }

    /// Java's `msgId`: the producer's unique key, or where there is none the offset message id.
    std::string message_id() const {
        const auto unique = property(property_names::unique_key);
        return unique ? std::string(*unique) : offset_message_id();
    }

    /// Java's `offsetMsgId`: store host and commit log offset in upper-case hex, 32 or (IPv6) 56 characters.
    std::string offset_message_id() const {
        namespace layout = detail::message_layout;
        const auto flags = fields_->sys_flag;
        std::string id;
        id.reserve(2 * (layout::store_host_size(flags) + 8));
        detail::append_hex(id, {fields_->record + layout::store_host(flags), layout::store_host_size(flags)});
        detail::append_hex(id, {fields_->record + layout::commit_log_offset, 8});
        return id;
    }

    /// `offset_message_id` of the copy that was stored first: of a retry or dead letter not its own.
    std::string original_message_id() const {
        const auto first = property(property_names::origin_message_id);
        return first ? std::string(*first) : offset_message_id();
    }

    /// For the library's own use.
    const detail::message_fields& fields() const noexcept { return *fields_; }

  private:
    template <class Integer>
    Integer load(std::size_t place) const noexcept {
        return detail::load_big<Integer>(fields_->record + place);
    }
    message_time time_at(std::size_t place) const noexcept {
        return message_time(std::chrono::milliseconds(load<std::int64_t>(place)));
    }

    const detail::message_fields* fields_;
};

/**
 * @brief An owning copy of a message, for those who keep it longer than the listener call.
 *
 * Read it as a pointer to a view: `kept->body()`. Its bytes are one allocation. Moving keeps views of it valid.
 */
class message {
  public:
    explicit message(message_view original) : storage_(copy_of(original)) {}
    message(const message& other) : message(other.view()) {}
    message(message&&) noexcept = default;
    message& operator=(const message& other) { return *this = message(other); }
    message& operator=(message&&) noexcept = default;
    ~message()                             = default;

    message_view view() const noexcept {
        ROCKETPUSH_ASSERT(storage_, "a message is not used after it was moved from");
        return storage_->view;
    }
    operator message_view() const noexcept { return view(); }
    message_view operator*() const noexcept { return view(); }
    const message_view* operator->() const noexcept {
        ROCKETPUSH_ASSERT(storage_, "a message is not used after it was moved from");
        return &storage_->view;
    }

  private:
    /// The bytes follow it in memory.
    struct storage {
        explicit storage(const message_queue& from) : queue(from) {}

        message_queue queue;
        detail::message_origin origin{};
        detail::message_fields fields{};
        message_view view{fields};
    };
    struct deleter {
        void operator()(storage* owned) const noexcept {
            owned->~storage();
            ::operator delete(owned);
        }
    };
    using owner = std::unique_ptr<storage, deleter>;

    static owner copy_of(message_view original) {
        const auto& from       = original.fields();
        const auto header_size = detail::message_layout::body(from.sys_flag);
        const auto prefix      = from.is_inner() ? detail::inner_body_prefix : 0;
        const auto retry_topic = from.origin->retry_topic;
        const auto name_space  = from.origin->name_space;
        const auto size        = header_size + prefix + original.body().size() + original.raw_properties().size() +
                          original.stored_topic().size() + retry_topic.size() + name_space.size();

        void* memory = ::operator new(sizeof(storage) + size);
        owner copy;
        try {
            copy.reset(::new (memory) storage(original.queue()));
        } catch (...) {
            ::operator delete(memory);
            throw;
        }
        char* at        = reinterpret_cast<char*>(copy.get() + 1);
        const auto keep = [&at](const char* bytes, std::size_t count) {
            if (count != 0)
                std::memcpy(at, bytes, count);
            return std::exchange(at, at + count);
        };
        auto& fields      = copy->fields;
        fields            = from;
        fields.origin     = &copy->origin;
        fields.record     = keep(from.record, header_size);
        fields.body       = keep(from.body - prefix, prefix + from.body_size) + prefix;
        fields.properties = keep(from.properties, from.properties_size);
        fields.topic      = keep(from.topic, from.topic_size);
        copy->origin      = {&copy->queue,
                             {keep(retry_topic.data(), retry_topic.size()), retry_topic.size()},
                             from.origin->min_offset,
                             from.origin->max_offset,
                             {keep(name_space.data(), name_space.size()), name_space.size()}};
        return copy;
    }

    owner storage_;
};

} // namespace rocketpush

#endif

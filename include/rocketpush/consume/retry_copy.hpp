#ifndef ROCKETPUSH_CONSUME_RETRY_COPY_HPP
#define ROCKETPUSH_CONSUME_RETRY_COPY_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/core/names.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/properties.hpp>
#include <rocketpush/remoting/broker_calls.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace rocketpush {

/// How often a message may fail before it goes to the dead letter queue; -1 is Java's 16.
constexpr int effective_max_reconsume_times(int option) noexcept { return option < 0 ? 16 : option; }

namespace detail {

/// The body as the broker stored it, and the flags that say how to read it: nothing is compressed a second time.
struct stored_body {
    std::string_view bytes;
    std::uint32_t sys_flag;
};
inline stored_body stored_body_of(const message_view& message) noexcept {
    constexpr auto kept  = sys_flags::compressed | sys_flags::compression_mask | sys_flags::multi_tags;
    const auto& fields   = message.fields();
    const auto stored_as = load_big<std::uint32_t>(fields.record + message_layout::sys_flag);
    const auto* place    = fields.record + message_layout::body(stored_as);
    // Only an inflated body lies elsewhere than in its record. (An owning `message` has the inflated one there.)
    if (fields.is_inner() || (stored_as & sys_flags::compressed) == 0 || fields.body == place)
        return {message.body(), stored_as & sys_flags::multi_tags};
    return {{place, load_big<std::uint32_t>(fields.record + message_layout::body_size(stored_as))}, stored_as & kept};
}

} // namespace detail

/**
 * @brief The copy that goes to a group's retry topic when a message cannot go back to its broker.
 *
 * Delay level 0 becomes 3 + how often it was consumed; -1 makes it a dead letter, which a broker does of a copy that was
 * retried too often.
 *
 * @param delay_level          See consume_context::delay_level.
 * @param max_reconsume_times  The number itself, not -1.
 * @par Source  Java `DefaultMQPushConsumerImpl.sendMessageBackAsNormalMessage`, `ConsumeMessageOrderlyService.sendMessageBack`
 *              and what `DefaultMQProducerImpl.sendKernelImpl` makes of it. Differs: Java's copy forgets the asked level.
 */
inline message_copy make_retry_copy(const message_view& message, std::string_view group, int delay_level,
                                    int max_reconsume_times) {
    namespace names   = property_names;
    const auto before = std::clamp(message.reconsume_times(), 0, std::numeric_limits<int>::max() - 1);
    const auto most   = delay_level < 0 ? std::min(before, max_reconsume_times) : max_reconsume_times;
    const auto level  = delay_level > 0 ? delay_level : 3 + std::min(before, 1000); // the broker knows its last level
    const auto body   = detail::stored_body_of(message);

    message_copy copy;
    copy.topic               = retry_topic(group);
    copy.body                = body.bytes;
    copy.sys_flag            = body.sys_flag;
    copy.flag                = message.flag();
    copy.born_timestamp      = message.born_timestamp().time_since_epoch().count();
    copy.reconsume_times     = before + 1;
    copy.max_reconsume_times = most;
    copy.properties          = message.raw_properties();
    if (!message.property(names::origin_message_id))
        protocol::set_property(copy.properties, names::origin_message_id, message.message_id());
    protocol::set_property(copy.properties, names::retry_topic, message.full_topic());
    protocol::remove_property(copy.properties, names::transaction_message);
    protocol::set_property(copy.properties, names::delay_level, std::to_string(level));
    // Java's producer makes header fields of these two, and has written them into the properties before.
    protocol::set_property(copy.properties, names::reconsume_time, std::to_string(copy.reconsume_times));
    protocol::set_property(copy.properties, names::max_reconsume_times, std::to_string(most));
    return copy;
}

} // namespace rocketpush

#endif

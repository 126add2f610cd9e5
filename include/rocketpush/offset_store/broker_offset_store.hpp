#ifndef ROCKETPUSH_OFFSET_STORE_BROKER_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_BROKER_OFFSET_STORE_HPP

#include <rocketpush/offset_store/offset_store.hpp>

#include <optional>
#include <system_error>
#include <utility>

namespace rocketpush {

/**
 * @brief Keeps a group's offsets at the brokers, where all members and the admin tools find them.
 * @par Source  Java `RemoteBrokerOffsetStore`. Differs: a write waits for the broker's answer, so that a queue is
 *              handed over only after its offset has arrived.
 */
struct broker_offset_store {
    static constexpr message_model model = message_model::clustering;

    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access& access, message_queue queue) {
        return access.query_offset(std::move(queue));
    }

    template <class Access>
    typename Access::template task<std::error_code> write(Access& access, message_queue queue, queue_offset offset) {
        return access.update_offset(std::move(queue), offset);
    }
};
static_assert(offset_store<broker_offset_store>);

} // namespace rocketpush

#endif

#ifndef ROCKETPUSH_EMBEDDED_SLAVE_HPP
#define ROCKETPUSH_EMBEDDED_SLAVE_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/embedded/consumer_groups.hpp>

#include <optional>

namespace rocketpush::embedded {

/**
 * @brief The slave that an embedded broker plays besides itself, if it does: broker id 1, on an address of its own.
 *
 * It has the master's messages, perhaps not the newest, and members of its own: those who sent their heartbeats to it.
 */
struct slave_state {
    std::optional<endpoint> address{}; ///< What routes tell; nothing: there is no slave.
    queue_offset lag = 0;              ///< Messages of each queue that it has not got yet.
    bool suggested   = false;          ///< Whether pull answers send clients to it.
    bool master_lost = false;          ///< Then it is all that is left of this broker.
    consumer_groups groups{};
};

} // namespace rocketpush::embedded

#endif

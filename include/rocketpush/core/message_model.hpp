#ifndef ROCKETPUSH_CORE_MESSAGE_MODEL_HPP
#define ROCKETPUSH_CORE_MESSAGE_MODEL_HPP

#include <cstdint>

namespace rocketpush {

/**
 * @brief Who gets a message of a group.
 *
 * No option of a consumer but a property of its OffsetStore: members that share a group's queues need offsets that all of them see,
 * and members that each read every queue need offsets of their own.
 *
 * @par Source  Java `MessageModel`.
 */
enum class message_model : std::uint8_t {
    clustering,  ///< One member; what fails comes again.
    broadcasting ///< Every member; what fails is dropped, with an event.
};

} // namespace rocketpush

#endif

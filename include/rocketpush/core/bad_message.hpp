#ifndef ROCKETPUSH_CORE_BAD_MESSAGE_HPP
#define ROCKETPUSH_CORE_BAD_MESSAGE_HPP

#include <cstdint>

namespace rocketpush {

/// What becomes of a stored message that cannot be read: damaged, of an unknown form, or larger than `options::max_body_size`.
/// Its neighbours are delivered in any case, and other queues go on.
enum class bad_message : std::uint8_t {
    skip,      ///< It is passed over. A popped one becomes a dead letter.
    /// Its broker delivers it again later, as one that a listener failed with; in the end it is a dead letter. Until the broker has
    /// confirmed that, its queue waits. One that no broker can take back (of an inner batch or a static topic, or such that not even
    /// its parts can be told apart) is passed over. Not in broadcasting.
    send_back,
    stop ///< Its queue waits before it, and looks again, until it can be read or somebody seeks beyond it. Nothing popped.
};

} // namespace rocketpush

#endif

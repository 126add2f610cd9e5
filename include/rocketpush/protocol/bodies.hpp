#ifndef ROCKETPUSH_PROTOCOL_BODIES_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_HPP

/**
 * @file
 * Every JSON body, by theme: a struct each, `encode` to write it and a `decode_...` to read it. Unknown members are
 * skipped and missing ones keep their defaults, as versions differ.
 */
#include <rocketpush/protocol/bodies_assignment.hpp> // which queues a member reads, and how
#include <rocketpush/protocol/bodies_batch_ack.hpp>  // messages that were popped, acknowledged together
#include <rocketpush/protocol/bodies_connections.hpp> // who is in a group, and what it subscribes
#include <rocketpush/protocol/bodies_direct_result.hpp> // what a listener made of an administrator's message
#include <rocketpush/protocol/bodies_group.hpp>      // members, locks
#include <rocketpush/protocol/bodies_heartbeat.hpp>  // what a client registers
#include <rocketpush/protocol/bodies_offsets.hpp>    // where queues are to begin
#include <rocketpush/protocol/bodies_route.hpp>      // where topics live
#include <rocketpush/protocol/bodies_running_info.hpp> // how a member is

#endif

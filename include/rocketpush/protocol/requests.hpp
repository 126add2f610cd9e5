#ifndef ROCKETPUSH_PROTOCOL_REQUESTS_HPP
#define ROCKETPUSH_PROTOCOL_REQUESTS_HPP

/**
 * @file
 * Every request and response header, by theme. Each is a struct of plain members with one table, `fields()`, that
 * writes and reads it; a member without a default must be given.
 */
#include <rocketpush/protocol/requests_admin.hpp>  // what administrators want of a client
#include <rocketpush/protocol/requests_group.hpp>  // heartbeat, members, locks, what brokers push
#include <rocketpush/protocol/requests_offset.hpp> // committed, smallest, largest, by time
#include <rocketpush/protocol/requests_pop.hpp>    // messages out, acknowledged one by one
#include <rocketpush/protocol/requests_pull.hpp>   // messages out
#include <rocketpush/protocol/requests_route.hpp>  // where topics live
#include <rocketpush/protocol/requests_send.hpp>   // messages in, and back

#endif

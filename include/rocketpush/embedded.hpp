#ifndef ROCKETPUSH_EMBEDDED_HPP
#define ROCKETPUSH_EMBEDDED_HPP

// The other header, for tests and trials: a name server and broker inside the process. It stands apart because a
// service that only consumes should not pay for compiling it.

// clang-format off: in one file, the broker's text follows the consumer's.
#include <rocketpush/rocketpush.hpp>
#include <rocketpush/embedded/broker.hpp>
// clang-format on

#endif

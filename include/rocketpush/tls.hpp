#ifndef ROCKETPUSH_TLS_HPP
#define ROCKETPUSH_TLS_HPP

// Consuming over TLS. It stands apart because a program without TLS should not pay for compiling OpenSSL's headers.

// clang-format off: in one file, the transport's text follows the consumer's.
#include <rocketpush/rocketpush.hpp>
#include <rocketpush/transport/tls_transport.hpp>
// clang-format on

#endif

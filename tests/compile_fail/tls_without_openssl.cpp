// build error: TLS needs OpenSSL, which this build left out
#undef ROCKETPUSH_WITH_OPENSSL
#ifdef CONTROL
#define ROCKETPUSH_WITH_OPENSSL 1
#else
#define ROCKETPUSH_WITH_OPENSSL 0
#endif
#include <rocketpush/transport/tls_transport.hpp>

static_assert(sizeof(rocketpush::tls_transport) != 0);

// build error: listens
#include <rocketpush/transport/tcp_transport.hpp>

template <rocketpush::listening_transport Transport>
void serve_on(const Transport&) {}

#ifdef CONTROL
using own_transport = rocketpush::tcp_transport;
#else
struct own_transport : private rocketpush::tcp_transport { // connects, does not listen
    using rocketpush::tcp_transport::async_connect;
    using rocketpush::tcp_transport::stream;
};
#endif

void use(const own_transport& transport) { serve_on(transport); }

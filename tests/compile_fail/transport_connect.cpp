// build error: connects
#include <rocketpush/transport/tcp_transport.hpp>

#include <utility>

template <rocketpush::transport Transport>
void reach_by(const Transport&) {}

struct proxy_transport {
    template <class Executor>
    using stream = rocketpush::tcp_stream<Executor>;
#ifdef CONTROL
    template <class Executor, class Token>
    auto async_connect(stream<Executor>& connection, const rocketpush::endpoint& to, Token&& token) {
        return rocketpush::tcp_transport().async_connect(connection, to, std::forward<Token>(token));
    }
#else
    template <class Executor>
    void connect(stream<Executor>& connection, const rocketpush::endpoint& to); // blocks
#endif
};

void use(const proxy_transport& transport) { reach_by(transport); }

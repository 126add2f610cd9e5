// build error: closable_stream
#include <rocketpush/transport/tcp_transport.hpp>

#include <utility>

template <rocketpush::transport Transport>
void reach_by(const Transport&) {}

template <class Executor>
struct own_stream : rocketpush::tcp_stream<Executor> {
    using rocketpush::tcp_stream<Executor>::tcp_stream;
#ifndef CONTROL
    void close(std::error_code&); // hides the one without arguments
#endif
};

struct own_transport {
    template <class Executor>
    using stream = own_stream<Executor>;
    template <class Executor, class Token>
    auto async_connect(own_stream<Executor>& connection, const rocketpush::endpoint& to, Token&& token) {
        return rocketpush::tcp_transport().async_connect(connection, to, std::forward<Token>(token));
    }
};

void use(const own_transport& transport) { reach_by(transport); }

// build error: connects
#include <rocketpush/push_consumer.hpp>

#include <utility>

struct own_transport {
    template <class Executor>
    using stream = rocketpush::tcp_stream<Executor>;
#ifdef CONTROL
    template <class Executor, class Token>
    auto async_connect(stream<Executor>& connection, const rocketpush::endpoint& to, Token&& token) {
        return rocketpush::tcp_transport().async_connect(connection, to, std::forward<Token>(token));
    }
#endif
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_transport>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, own_transport{}));
#endif

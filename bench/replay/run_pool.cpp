#include <rocketpush/executor/thread_pool_executor.hpp>

#include "bench/replay/replay.hpp"
#include "bench/support/canned_transport.hpp"

namespace bench {

replay_outcome run_pool(const replay_case& which, const replay_size& size) {
    const auto broker = std::make_shared<canned_broker>(load_of(which, size));
    const auto with   = [&](auto listener) {
        return replay(which, size, broker, listener, canned_transport(broker), rocketpush::thread_pool_executor());
    };
    switch (which.listener) {
    case listener_kind::span: return with(on_span());
    case listener_kind::awaitable: return with(on_message_awaited());
    default: return with(on_message());
    }
}

} // namespace bench

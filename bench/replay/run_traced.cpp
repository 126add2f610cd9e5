#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/observe/message_trace.hpp>

#include "bench/replay/replay.hpp"

namespace bench {

replay_outcome run_traced(const replay_case& which, const replay_size& size) {
    const auto broker = std::make_shared<canned_broker>(load_of(which, size));
    const auto with   = [&](auto listener) {
        return replay_observed(
            which, size, broker, listener,
            [](complaints heard) { return rocketpush::observers(heard, rocketpush::message_trace({.queue = 65'536})); },
            canned_transport(broker), rocketpush::inline_executor());
    };
    return which.listener == listener_kind::span ? with(on_span()) : with(on_message());
}

} // namespace bench

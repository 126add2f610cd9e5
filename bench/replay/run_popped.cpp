#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>

#include "bench/replay/replay.hpp"

namespace bench {

namespace {

template <class Executor>
replay_outcome replay_popped(const replay_case& which, const replay_size& size) {
    if (size.pull_batch > 32)
        throw replay_failure("no pop brings more than 32 messages");
    const auto broker = std::make_shared<canned_broker>(load_of(which, size));
    return replay(which, size, broker, on_message(), canned_transport(broker), Executor(),
                  rocketpush::broker_allocation<>());
}

} // namespace

replay_outcome run_popped(const replay_case& which, const replay_size& size) {
    return which.executor == executor_kind::pool ? replay_popped<rocketpush::thread_pool_executor>(which, size)
                                                 : replay_popped<rocketpush::inline_executor>(which, size);
}

} // namespace bench

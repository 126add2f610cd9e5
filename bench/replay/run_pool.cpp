#include <rocketpush/executor/thread_pool_executor.hpp>

#include "bench/replay/replay.hpp"

namespace bench {

replay_outcome run_pool(const replay_case& which, const replay_size& size) {
    return replay_canned<rocketpush::thread_pool_executor>(which, size);
}

} // namespace bench

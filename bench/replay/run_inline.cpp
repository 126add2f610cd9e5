#include <rocketpush/executor/inline_executor.hpp>

#include "bench/replay/replay.hpp"

namespace bench {

replay_outcome run_inline(const replay_case& which, const replay_size& size) {
    return replay_canned<rocketpush::inline_executor>(which, size);
}

} // namespace bench

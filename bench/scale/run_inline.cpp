#include <rocketpush/executor/inline_executor.hpp>

#include "bench/scale/run_consumer.hpp"

namespace bench {

scale_figures run_inline(const scale_case& with, const std::string& name_server) {
    return run_consumer<rocketpush::inline_executor>(with, name_server);
}

} // namespace bench

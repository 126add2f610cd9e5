#include <rocketpush/executor/thread_pool_executor.hpp>

#include "bench/scale/run_consumer.hpp"

namespace bench {

scale_figures run_pool(const scale_case& with, const std::string& name_server) {
    return run_consumer<rocketpush::thread_pool_executor>(with, name_server);
}

} // namespace bench

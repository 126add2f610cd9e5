#ifndef BENCH_SCALE_RUNS_HPP
#define BENCH_SCALE_RUNS_HPP

#include <string>

#include "bench/scale/settings.hpp"

namespace bench {

/// One consumer from start to stop, in this process. @throw std::exception
scale_figures run_inline(const scale_case& with, const std::string& name_server);
scale_figures run_pool(const scale_case& with, const std::string& name_server);

} // namespace bench

#endif

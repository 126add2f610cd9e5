#ifndef BENCH_SCALE_BROKER_PROCESS_HPP
#define BENCH_SCALE_BROKER_PROCESS_HPP

#include <string>

#include "bench/scale/child_process.hpp"
#include "bench/scale/settings.hpp"

namespace bench {

/// The embedded broker in a process of its own, with the case's topics and a few messages in each queue.
class broker_process {
  public:
    explicit broker_process(const scale_case& with);

    const std::string& address() const noexcept { return address_; }

  private:
    child_process child_;
    std::string address_;
};

} // namespace bench

#endif

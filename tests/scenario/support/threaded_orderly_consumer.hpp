#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_THREADED_ORDERLY_CONSUMER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_THREADED_ORDERLY_CONSUMER_HPP

#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <memory>
#include <string>
#include <system_error>

#include "tests/scenario/support/threaded_consumer.hpp"

namespace rocketpush::test {

/// As threaded_consumer, in order. Compiled once, in threaded_orderly_consumer.cpp.
class threaded_orderly_consumer {
  public:
    threaded_orderly_consumer(const options& with, message_function listener);
    threaded_orderly_consumer(const threaded_orderly_consumer&)            = delete;
    threaded_orderly_consumer& operator=(const threaded_orderly_consumer&) = delete;
    ~threaded_orderly_consumer();

    void subscribe(const std::string& topic);
    void start();
    void stop();
    void stop(std::chrono::milliseconds limit);
    consumer_statistics statistics();
    event_log& events() const noexcept { return *log_; }

  private:
    struct impl;
    std::shared_ptr<event_log> log_ = std::make_shared<event_log>();
    std::unique_ptr<impl> impl_;
};

} // namespace rocketpush::test

#endif

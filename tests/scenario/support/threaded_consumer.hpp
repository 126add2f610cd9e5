#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_THREADED_CONSUMER_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_THREADED_CONSUMER_HPP

#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

#include "tests/scenario/support/event_log.hpp"

namespace rocketpush::test {

using message_function = std::function<consume_result(const message_view&)>;

/// A push consumer with all its defaults (TCP, threads of its own) and a recorder. Compiled once, in threaded_consumer.cpp.
class threaded_consumer {
  public:
    threaded_consumer(const options& with, message_function listener);
    threaded_consumer(const threaded_consumer&)            = delete;
    threaded_consumer& operator=(const threaded_consumer&) = delete;
    ~threaded_consumer();

    void subscribe(const std::string& topic, const filter_expression& filter = all_messages);
    void start();
    void start(std::error_code& failure);
    void stop();
    void stop(std::chrono::milliseconds limit);
    void stop(std::error_code& failure);
    void run();
    void resize(std::size_t threads);
    consumer_statistics statistics();

    void async_start(std::function<void(std::error_code)> done);
    void async_stop(std::function<void(std::error_code)> done);

    event_log& events() const noexcept { return *log_; }
    /// To look at after the consumer has gone.
    std::shared_ptr<event_log> shared_events() const noexcept { return log_; }

  private:
    struct impl;
    std::shared_ptr<event_log> log_ = std::make_shared<event_log>();
    std::unique_ptr<impl> impl_;
};

} // namespace rocketpush::test

#endif

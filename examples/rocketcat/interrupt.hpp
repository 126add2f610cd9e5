#ifndef ROCKETCAT_INTERRUPT_HPP
#define ROCKETCAT_INTERRUPT_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>

namespace rocketcat {

/// Remembers SIGINT and SIGTERM while it lives. A second one ends the program at once.
class interrupt {
  public:
    interrupt() {
        expect();
        thread_ = std::thread([this] { context_.run(); });
    }
    interrupt(const interrupt&)            = delete;
    interrupt& operator=(const interrupt&) = delete;
    ~interrupt() {
        context_.stop();
        thread_.join();
    }

    bool is_requested() const noexcept { return requested_.load(); }

    /// Waits for it. @return Whether it came before `limit` had passed.
    bool wait_for(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, limit, [this] { return is_requested(); });
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_requested(); });
    }

  private:
    void expect() {
        signals_.async_wait([this](std::error_code failure, int number) {
            if (failure)
                return;
            if (is_requested())
                std::_Exit(128 + number);
            {
                const std::lock_guard lock(mutex_);
                requested_ = true;
            }
            changed_.notify_all();
            expect();
        });
    }

    asio::io_context context_{1};
    asio::signal_set signals_{context_, SIGINT, SIGTERM};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<bool> requested_{false};
    std::thread thread_;
};

} // namespace rocketcat

#endif

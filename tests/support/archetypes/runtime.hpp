#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_RUNTIME_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_RUNTIME_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/runtime/runtime.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace rocketpush::test {

/// What runtime asks and no more.
class runtime_archetype {
  public:
    using executor_type = asio::io_context::executor_type;

    class timer {
      public:
        explicit timer(const runtime_archetype& runtime) : timer_(runtime.executor_) {}
        timer(const timer&)            = delete; // neither copied nor moved
        timer& operator=(const timer&) = delete;

        void expires_at(std::chrono::steady_clock::time_point at) { timer_.expires_at(at); }
        void cancel() { timer_.cancel(); }
        template <class Token>
        auto async_wait(Token&& token) {
            return timer_.async_wait(std::forward<Token>(token));
        }

      private:
        detail::steady_timer<executor_type> timer_;
    };

    explicit runtime_archetype(const executor_type& executor) : executor_(executor) {} // no default construction
    runtime_archetype(const runtime_archetype&)            = default;
    runtime_archetype& operator=(const runtime_archetype&) = delete;

    executor_type get_executor() const noexcept { return executor_; }
    std::chrono::steady_clock::time_point now() const noexcept { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point system_now() const noexcept { return std::chrono::system_clock::now(); }
    std::uint64_t random() const noexcept { return 4; }
    bool owns_thread() const noexcept { return false; }
    bool running_in_this_thread() const noexcept { return executor_.running_in_this_thread(); }
    void start() {}
    bool join(std::chrono::milliseconds) { return true; }

  private:
    executor_type executor_;
};
static_assert(runtime<runtime_archetype>);

} // namespace rocketpush::test

#endif

#ifndef ROCKETPUSH_TESTS_SCENARIO_SUPPORT_PROXY_HPP
#define ROCKETPUSH_TESTS_SCENARIO_SUPPORT_PROXY_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <functional>
#include <memory>
#include <string>

#include "tests/support/manual_runtime.hpp"

namespace rocketpush::test {

/**
 * @brief Stands between clients and a broker, on memory transports, and passes on what they say, until the test has it
 *        change the broker's frames, fall silent, or break.
 */
class proxy {
  public:
    /// What the client gets in place of one frame of the broker.
    struct instead {
        std::string bytes;
        bool then_close = false;
    };
    using change_function = std::function<instead(std::string frame)>;

    /// Clients connect to `at` of network `outside`; it connects to `to` of network `inside`. They may be one.
    proxy(manual_runtime& runtime, std::shared_ptr<memory_network> outside, const endpoint& at,
          std::shared_ptr<memory_network> inside, const endpoint& to);
    proxy(const proxy&)            = delete;
    proxy& operator=(const proxy&) = delete;
    ~proxy();

    /// From now on each frame of the broker goes through `function`.
    void change_answers(change_function function);

    /// Nothing goes either way any more, and nobody is told: as when a cable is pulled.
    void fall_silent();
    void speak_again();

    /// Connections end on both sides, and no new ones are made: as if the client's machine had crashed.
    void crash();

  private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace rocketpush::test

#endif

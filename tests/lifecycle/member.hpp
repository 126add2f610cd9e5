#ifndef ROCKETPUSH_TESTS_LIFECYCLE_MEMBER_HPP
#define ROCKETPUSH_TESTS_LIFECYCLE_MEMBER_HPP

#include <rocketpush/core/options.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <system_error>

#include "tests/lifecycle/ledger.hpp"
#include "tests/support/manual_runtime.hpp"

namespace rocketpush::lifecycle {

using test::manual_runtime;

/// How a member consumes: calls that end at once, calls that take (virtual) time, one after the other in each queue, or what it pops.
enum class kind { prompt, slow, in_order, popping };

/// What a listener knows.
struct surroundings {
    manual_runtime runtime;
    ledger* messages;
    std::mt19937_64* chance;
    bool failing = false;        ///< Whether a call now and then fails.
    std::shared_ptr<void> alive; ///< Held by the listener, and so by the consumer as long as there is anything of it.
};

/**
 * @brief A consumer of topic `orders` in virtual time, with inline_executor.
 *
 * It ends in a handler of the runtime, or when it has stopped: else its destructor would wait, and nobody would let time pass.
 */
class member {
  public:
    virtual ~member() = default;

    virtual void start(std::function<void(std::error_code)> done)                                 = 0;
    virtual void stop(std::chrono::milliseconds limit, std::function<void(std::error_code)> done) = 0;
};

std::unique_ptr<member> make_member(kind how, const std::shared_ptr<memory_network>& network, const options& with, surroundings in);

// Each kind is compiled in a source of its own.
std::unique_ptr<member> make_prompt_member(const std::shared_ptr<memory_network>&, const options&, surroundings);
std::unique_ptr<member> make_slow_member(const std::shared_ptr<memory_network>&, const options&, surroundings);
std::unique_ptr<member> make_orderly_member(const std::shared_ptr<memory_network>&, const options&, surroundings);
std::unique_ptr<member> make_popping_member(const std::shared_ptr<memory_network>&, const options&, surroundings);

} // namespace rocketpush::lifecycle

#endif

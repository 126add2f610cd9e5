#ifndef ROCKETPUSH_TESTS_LIFECYCLE_WORLD_HPP
#define ROCKETPUSH_TESTS_LIFECYCLE_WORLD_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/lifecycle/member.hpp"
#include "tests/scenario/support/virtual_cluster.hpp"

namespace rocketpush::lifecycle {

/// How a member ends.
enum class ending {
    stopped,
    stopped_in_haste, ///< Running calls are not waited for.
    stopped_twice,
    stopped_in_listener,
    stopped_then_destroyed, ///< Without waiting for the stop.
    destroyed,
    destroyed_in_listener
};
inline constexpr std::array endings{ending::stopped,
                                    ending::stopped_in_haste,
                                    ending::stopped_twice,
                                    ending::stopped_in_listener,
                                    ending::stopped_then_destroyed,
                                    ending::destroyed,
                                    ending::destroyed_in_listener};
const char* to_string(ending) noexcept;
const char* to_string(kind) noexcept;

/**
 * @brief A broker and a group whose only member starts and ends again and again, at moments that are drawn from the seed.
 *
 * Each cycle begins with new messages and ends when there is nothing left of the member: not in memory, nor at the broker.
 */
class world {
  public:
    world(kind how, std::uint64_t seed);

    /// @throw violation
    void cycle();
    /// A last member consumes the rest. @throw violation
    void drain();

    const std::map<ending, std::size_t>& ended() const noexcept { return ended_; }
    std::size_t messages() const noexcept { return ledger_.size(); }
    std::size_t calls() const noexcept { return ledger_.calls(); }
    /// Starts that came to their end, others were overtaken by the stop.
    std::size_t started() const noexcept { return started_; }

  private:
    struct outcomes;

    static constexpr std::int32_t queues = 4;

    std::size_t draw(std::size_t below) { return static_cast<std::size_t>(chance_() % below); }
    bool run_until(const std::function<bool()>& done, std::chrono::seconds limit = std::chrono::minutes(2));
    void run_handlers(std::size_t count);

    void send(std::size_t count);
    std::unique_ptr<member> make(bool failing);
    void end(std::unique_ptr<member> one, ending how);
    void wait_for_stop(outcomes& seen, std::size_t stops, ending how);
    void check_nothing_left(ending how);
    void check_offsets();
    bool all_committed();

    kind how_;
    std::mt19937_64 chance_;
    test::virtual_cluster cluster_;
    ledger ledger_;
    std::weak_ptr<void> alive_;
    std::map<ending, std::size_t> ended_;
    std::size_t cycles_ = 0, started_ = 0;
};

} // namespace rocketpush::lifecycle

#endif

#ifndef ROCKETPUSH_TESTS_SIMULATION_PROMISES_HPP
#define ROCKETPUSH_TESTS_SIMULATION_PROMISES_HPP

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/cluster.hpp"
#include "tests/simulation/stage.hpp"

namespace rocketpush::simulation {

/// Who does something: a process, and the member that it says it is.
struct identity {
    std::string name;
    std::string client_id;
};

/**
 * @brief What is promised, checked as things happen. A group has one ledger; where everybody gets everything each client id has its own.
 *
 * Told of live members only: what a process does that is thought dead counts for nothing.
 */
class promises {
  public:
    promises(stage& on, cluster& of) : stage_(on), cluster_(of) {}

    void sent(const stored_place& where);
    void joined(const identity& who);
    void started(const identity& who);

    void call_begins(const identity& who, const message_queue& queue, std::span<const std::size_t> messages);
    void call_ends(const identity& who, const message_queue& queue, std::span<const std::size_t> messages, std::size_t succeeded);
    void sent_back(const identity& who, std::size_t message) { of(who).sent_back(message); }
    void dropped(const identity& who, std::size_t message) { of(who).dropped(message); }
    void unreadable(const identity& who, const message_queue& queue, queue_offset at, bad_message done) {
        of(who).unreadable(queue, at, done);
    }
    void acquired(const identity& who, const message_queue& queue, queue_offset first);
    void released(const identity& who, const message_queue& queue);
    void committed(const identity& who, const message_queue& queue, queue_offset at);
    void stopped_cleanly(const identity& who);
    /// A process is gone, and everything that it had under way.
    void gone(const identity& who);

    /// What can be seen at the brokers now.
    void check_offsets();
    /// A member's own account of itself.
    void check_statistics(const identity& who, const consumer_statistics& told);
    /// In peace, when all was consumed: offsets are at their ends.
    void check_ends();

    std::size_t messages() const noexcept { return sent_.size(); }
    std::size_t deliveries() const;
    std::size_t repeats() const;
    /// Of those that have joined; nobody has to consume what nobody who is there was to have.
    std::size_t missing(const std::vector<identity>& there) const;
    std::string describe_missing(const std::vector<identity>& there) const;

  private:
    bool is_shared() const noexcept { return stage_.made.how != consuming::everywhere; }
    ledger& of(const identity& who);
    const ledger* find(const identity& who) const;
    /// A process's hold on a queue.
    struct hold {
        std::uint64_t epoch;
        std::string heir;               ///< Whoever goes on from it: a client id; of a group, an empty one.
        bool alone = true;              ///< Nobody else held the queue meanwhile, and so set its offset to where he was.
        std::set<queue_offset> given{}; ///< Of messages to its listener. Those that were passed over are none.

        std::size_t given_from(queue_offset first) const {
            return static_cast<std::size_t>(std::distance(given.lower_bound(first), given.end()));
        }
    };

    void end(const message_queue& queue, hold last);
    /// Of a process's hold on a queue; 0: it has none, or that does not matter.
    std::uint64_t epoch_of(const identity& who, const message_queue& queue) const;
    /// In a calm world whose members have time enough, nothing waits for long.
    void require_soon(const identity& who, std::size_t message);
    void begin_in_order(const identity& who, const message_queue& queue, std::span<const std::size_t> messages);
    void require(const std::optional<violation>& wrong, const std::string& about);

    stage& stage_;
    cluster& cluster_;
    std::vector<stored_place> sent_;
    std::vector<time_point> sent_at_;
    std::map<std::string, ledger> ledgers_; ///< By client id; of a group, one without a name.
    std::map<message_queue, std::map<std::string, hold>> holds_; ///< Those there are, by process.
    std::map<std::pair<std::string, message_queue>, hold> last_holds_; ///< Those that ended last, by heir.
    std::uint64_t last_epoch_ = 0;
    std::map<std::string, int> calls_; ///< That run, by process.
    std::set<std::string> present_;    ///< Processes that have started, and are not gone.
    time_point attended_since_{};      ///< When the first of them came.
    std::map<std::pair<message_queue, std::string>, int> running_; ///< Calls in order, by queue and process.
};

} // namespace rocketpush::simulation

#endif

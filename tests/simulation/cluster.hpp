#ifndef ROCKETPUSH_TESTS_SIMULATION_CLUSTER_HPP
#define ROCKETPUSH_TESTS_SIMULATION_CLUSTER_HPP

#include <rocketpush/core/message_queue.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/servers.hpp"
#include "tests/simulation/stage.hpp"

namespace rocketpush::simulation {

/// Where a message lies that a producer was told is stored.
struct stored_place {
    message_queue queue;
    queue_offset offset;
};

/// The brokers of a world, with their slaves, and its name servers; and what goes wrong with them.
class cluster {
  public:
    explicit cluster(stage& on);
    ~cluster();
    cluster(const cluster&)            = delete;
    cluster& operator=(const cluster&) = delete;

    /// As options want them.
    std::string name_servers() const;
    const std::vector<std::string>& topics() const noexcept { return topics_; }
    sim_broker& broker_of(const message_queue& queue);
    /// The group's offset; 0 if it has none.
    queue_offset committed(const message_queue& queue) { return broker_of(queue).committed_offset(group, queue.topic, queue.queue_id).value_or(0); }
    /// Whether a broker has ever lost an offset that it had confirmed, in a crash or with its master.
    bool was_rolled_back(const message_queue& queue) const { return rolled_back_.contains(queue); }
    template <class Each>
    void for_each_queue(Each each) {
        for (auto& broker : brokers_)
            for (const auto& topic : topics_)
                for (int id = 0; id < stage_.made.queues; ++id)
                    each(message_queue{topic, broker->address().host, id});
    }

    /// Stores a message somewhere; nothing if the broker that was chosen is away.
    std::optional<stored_place> send(const std::string& body);

    /// What is committed now outlives a crash.
    void flush_offsets();

    // Faults, each of which ends by itself.

    void crash_broker();
    void pause_broker();
    void lose_master();
    void favour_slave();
    void wrong_answers();
    /// Messages are damaged on their way to the members.
    void damage_messages();
    void wrong_member_list(const std::vector<std::string>& client_ids);
    void refuse_locks();
    /// Pulls are answered as if their offset were none of the queue's, with 0 where to begin instead.
    void refuse_offsets();
    /// Whether a broker has freed locks in the last 30 s, for which a member trusts its own.
    bool freed_locks(const message_queue& queue) const;
    void storm_of_notices();
    void expire_locks();
    void wrong_routes();
    void lose_name_server();
    void disturb_broker(line_state how) { stage_.disturb(any_broker().address().host, how); }

    void make_peace();

  private:
    void free_locks(sim_broker& of);
    sim_broker& any_broker() { return *stage_.dice.one_in(brokers_); }
    void add_fault(sim_broker& to, const embedded::fault& wanted);
    /// So many of these requests get this answer in place of the broker's.
    void answer_instead(sim_broker& of, protocol::request_code asked, double rate, embedded::fault_action::refuse answer);

    stage& stage_;
    std::vector<std::string> topics_;
    std::vector<std::unique_ptr<name_server>> names_;
    std::vector<std::unique_ptr<sim_broker>> brokers_;
    std::map<message_queue, queue_offset> flushed_;
    std::set<message_queue> rolled_back_;
    std::set<std::string> without_master_;
    std::map<std::string, time_point> locks_freed_; ///< By broker.
};

} // namespace rocketpush::simulation

#endif

#ifndef ROCKETPUSH_TESTS_SIMULATION_TEAM_HPP
#define ROCKETPUSH_TESTS_SIMULATION_TEAM_HPP

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/member.hpp"
#include "tests/simulation/promises.hpp"

namespace rocketpush::simulation {

/// The members of a world: who comes, goes, crashes; and what their listeners do.
class team final : public audience {
  public:
    team(stage& on, cluster& of, promises& kept) : stage_(on), cluster_(of), promises_(kept) {}
    /// Ends all; the runtime has to be there still.
    ~team() override;

    void join();

    // What may become of one of them; another comes for it.

    void leave();
    void crash(line_state how);
    void destroy();

    // And what ends by itself.

    void suspend();
    void disturb(line_state how);
    void break_disk();

    /// Forgets those that have ended.
    void bury();
    void make_peace();
    /// Some of the client ids that are there, for those who do not see all.
    std::vector<std::string> some_client_ids();
    std::vector<identity> running() const;
    void check_statistics();
    /// In peace every queue has one owner.
    void check_owners();

    behaviour call_begins(const std::string& name, const message_queue& queue, std::span<const std::size_t> messages) override;
    void call_ends(const std::string& name, const message_queue& queue, std::span<const std::size_t> messages, std::size_t succeeded) override;
    void sent_back(const std::string& name, std::size_t message) override;
    void dropped(const std::string& name, std::size_t message) override;
    void unreadable(const std::string& name, const message_queue& queue, queue_offset at, bad_message done) override;
    void acquired(const std::string& name, const message_queue& queue, queue_offset first) override;
    void released(const std::string& name, const message_queue& queue, queue_offset committed) override;
    void committed(const std::string& name, const message_queue& queue, queue_offset at, std::error_code failure) override;
    void told(const std::string& name, const std::string& event) override;

  private:
    enum class life {
        starting,
        running,
        stopping,
        stopped, ///< Nothing may be heard of it any more.
        ghost    ///< Nobody listens to it: its process has crashed.
    };

    struct actor {
        identity who;
        std::string machine;
        life state = life::starting;
        std::unique_ptr<member> is{};
        std::shared_ptr<bool> alive = std::make_shared<bool>(true);
        bool over                   = false; ///< Its stop has completed.
        bool hangs                  = false; ///< A listener call of it never ends.
    };

    actor& of(const std::string& name);
    /// Null for those nobody listens to.
    actor* heard(const std::string& name);
    actor* any_running();
    /// @param replaced_within  Then somebody comes in its place, so long at most after the stop.
    void stop(actor& who, std::optional<std::chrono::milliseconds> replaced_within = std::nullopt);
    void replace(const actor& who, std::chrono::milliseconds within);
    behaviour draw_behaviour(std::size_t size);
    test::fake_disk& disk_of(const actor& who) { return *disks_.at(who.machine); }
    template <class Statistics>
    void ask_all(Statistics with);

    stage& stage_;
    cluster& cluster_;
    promises& promises_;
    std::vector<std::unique_ptr<actor>> all_;
    std::vector<std::string> free_machines_; ///< Of those who went, to be used again.
    std::map<std::string, std::shared_ptr<test::fake_disk>> disks_;
    int joined_ = 0, machines_ = 0;
};

} // namespace rocketpush::simulation

#endif

#ifndef ROCKETPUSH_TESTS_SIMULATION_MEMBER_HPP
#define ROCKETPUSH_TESTS_SIMULATION_MEMBER_HPP

#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/simulation/network.hpp"
#include "tests/support/fake_disk.hpp"

namespace rocketpush::simulation {

/// How a group of the world consumes.
enum class consuming {
    concurrently, ///< An awaitable listener.
    at_once,      ///< A plain function.
    by_hand,      ///< A listener that completes messages later, on an Asio executor.
    in_order,
    by_pops,
    everywhere, ///< Broadcasting; offsets are in files.
};
std::string_view name_of(consuming how);

/// What a listener does with a call: how long it takes, and how it ends.
struct behaviour {
    enum class end { success, later, part, thrown, never };
    std::chrono::milliseconds time{};
    end how = end::success;
};

/// What the world hears of its members. `member` is the member's name.
class audience {
  public:
    virtual ~audience() = default;

    /// A call begins. @return What the listener is to do.
    virtual behaviour call_begins(const std::string& member, const message_queue& queue, std::span<const std::size_t> messages) = 0;
    /// It ends; `succeeded` of its messages, from the first, were consumed.
    virtual void call_ends(const std::string& member, const message_queue& queue, std::span<const std::size_t> messages,
                           std::size_t succeeded)                                                                     = 0;
    virtual void sent_back(const std::string& member, std::size_t message)                                            = 0;
    virtual void dropped(const std::string& member, std::size_t message)                                              = 0;
    virtual void unreadable(const std::string& member, const message_queue& queue, queue_offset at, bad_message done) = 0;
    virtual void acquired(const std::string& member, const message_queue& queue, queue_offset first)                  = 0;
    virtual void released(const std::string& member, const message_queue& queue, queue_offset committed)              = 0;
    virtual void committed(const std::string& member, const message_queue& queue, queue_offset at, std::error_code failure) = 0;
    /// Everything else that it tells, for the trace.
    virtual void told(const std::string& member, const std::string& event) = 0;
};

/// A consumer of the world. Ends without waiting for anything: what is under way is the runtime's to drop.
class member {
  public:
    virtual ~member() = default;

    virtual void start(std::function<void(std::error_code)> done) = 0;
    virtual void stop(std::chrono::milliseconds limit, std::function<void(std::error_code)> done) = 0;
    virtual void suspend() = 0;
    virtual void resume()  = 0;
    /// In a handler of the runtime only.
    virtual consumer_statistics statistics() = 0;
};

/// What a member is made of.
struct member_plan {
    manual_runtime runtime;
    std::shared_ptr<network> in;
    std::string name; ///< Of its machine, too.
    options with;
    std::vector<std::string> topics;
    audience* who;
    std::shared_ptr<test::fake_disk> disk;
    std::shared_ptr<bool> alive; ///< A process that has crashed writes no files.
};

/// A member of the group, which subscribes these topics.
std::unique_ptr<member> make_member(consuming how, const member_plan& of);

std::unique_ptr<member> make_concurrent_member(const member_plan&);
std::unique_ptr<member> make_plain_member(const member_plan&);
std::unique_ptr<member> make_deferring_member(const member_plan&);
std::unique_ptr<member> make_orderly_member(const member_plan&);
std::unique_ptr<member> make_popping_member(const member_plan&);
std::unique_ptr<member> make_broadcasting_member(const member_plan&);

} // namespace rocketpush::simulation

#endif

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
#include <system_error>
#include <vector>

#include "tests/simulation/network.hpp"

namespace rocketpush::simulation {

/// How a group of the world consumes.
enum class consuming { concurrently, in_order, by_pops };

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
                           std::size_t succeeded) = 0;
    virtual void sent_back(const std::string& member, std::size_t message) = 0;
    virtual void unreadable(const std::string& member, const message_queue& queue, queue_offset at) = 0;
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

/// A member of the group, which subscribes these topics; on the machine `name`.
std::unique_ptr<member> make_member(consuming how, const manual_runtime& runtime, const std::shared_ptr<network>& in,
                                    const std::string& name, const options& with, const std::vector<std::string>& topics,
                                    audience& who);

std::unique_ptr<member> make_concurrent_member(const manual_runtime&, const std::shared_ptr<network>&, const std::string&, const options&,
                                               const std::vector<std::string>&, audience&);
std::unique_ptr<member> make_orderly_member(const manual_runtime&, const std::shared_ptr<network>&, const std::string&, const options&,
                                            const std::vector<std::string>&, audience&);
std::unique_ptr<member> make_popping_member(const manual_runtime&, const std::shared_ptr<network>&, const std::string&, const options&,
                                            const std::vector<std::string>&, audience&);

} // namespace rocketpush::simulation

#endif

#ifndef ROCKETPUSH_TESTS_REAL_BROKER_MEMBER_HPP
#define ROCKETPUSH_TESTS_REAL_BROKER_MEMBER_HPP

#include <rocketpush/core/consume_result.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>
#include <rocketpush/observe/statistics.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace rocketpush::test {

using steady_time = std::chrono::steady_clock::time_point;

/// One message at one listener call.
struct delivery {
    std::string member;
    message kept;
    long sequence; ///< The number in front of the body: the Java helper's count.
    message_queue queue; ///< As the listener's context names it.
    std::size_t call;    ///< Listener call, counted over the journal.
    steady_time at;
    std::chrono::system_clock::time_point wall;
};

/// A queue that a member holds.
struct holding {
    steady_time since;
    queue_offset first;
};

/**
 * @brief What the members of one group saw: every delivery, who holds which queue, what went wrong.
 * @par Thread safety  All functions; `read` holds the lock while it runs.
 */
class journal {
  public:
    struct entries {
        std::vector<delivery> deliveries;
        std::map<long, int> times; ///< Deliveries of each sequence number.
        std::map<std::string, std::map<message_queue, holding>> held; ///< By member.
        std::map<std::string, std::set<message_queue>> popped; ///< Queues that a member pops; an id of -1: all of the broker.
        std::size_t calls       = 0;
        std::size_t disconnects = 0;
        std::size_t bad         = 0;
        std::size_t corrected   = 0; ///< Offsets that the broker refused.
        std::size_t send_backs  = 0; ///< That the broker confirmed.
        std::size_t acks        = 0; ///< Popped messages that were acknowledged.
        std::size_t hidden      = 0; ///< Popped messages that were hidden for another time.
        std::vector<std::string> differences; ///< Topics that another member subscribes otherwise: `topic: own / other`.
        std::vector<std::string> twins; ///< Client ids that another member has, too.
        std::vector<std::string> denials; ///< What was said of access that is denied.
        std::size_t expired     = 0; ///< Popped messages whose listener call outlived their receipt.
    };

    template <class Look>
    auto read(Look look) const {
        const std::lock_guard lock(mutex_);
        return look(entries_);
    }
    template <class Change>
    void write(Change change) {
        const std::lock_guard lock(mutex_);
        change(entries_);
    }

    std::size_t deliveries() const {
        return read([](const entries& e) { return e.deliveries.size(); });
    }
    std::size_t distinct() const {
        return read([](const entries& e) { return e.times.size(); });
    }
    std::size_t duplicates() const { return read([](const entries& e) { return e.deliveries.size() - e.times.size(); }); }

    /// The queues of `topic` that `member` holds.
    std::set<int> queues(const std::string& member, const std::string& topic) const;

    /// The deliveries of one sequence number, in order.
    std::vector<delivery> of(long sequence) const;

    std::vector<delivery> all() const {
        return read([](const entries& e) { return e.deliveries; });
    }

  private:
    mutable std::mutex mutex_;
    entries entries_;
};

/// What a member does with its messages after the journal has them.
using listener_function = std::function<consume_result(std::span<const message_view>, consume_context&)>;

/// The one listener type of these tests, so that the consumer is compiled once (member.cpp).
struct recording_listener {
    std::string member;
    journal* to;
    listener_function then; ///< Empty: success.

    consume_result operator()(std::span<const message_view> messages, consume_context& context);
};

/// Who shares the queues out: the members, or a broker, which may say that they are popped.
enum class sharing { by_members, by_broker };

/**
 * @brief A push consumer that writes down what it sees.
 *
 * Its defaults suit tests: the cluster of the environment, quick commits, from the first message.
 */
class member {
  public:
    /// @param traced  Whether message trace is sent.
    member(std::string name, journal& to, options with, listener_function then = {},
           sharing how = sharing::by_members, bool traced = false);
    ~member();
    member(const member&)            = delete;
    member& operator=(const member&) = delete;

    /// Options for a member of `group` on the cluster that `cluster run` started.
    static options of_group(std::string group);

    member& subscribe(const std::string& topic, const filter_expression& filter = all_messages);
    member& unsubscribe(const std::string& topic);
    member& start();
    /// @return The text of what start() threw; empty if it started.
    std::string refusal_to_start();
    void suspend(bool on);
    void seek(const message_queue& queue, queue_offset offset);
    void stop();
    /// @return Why not cleanly, if so.
    std::error_code stop(std::chrono::milliseconds limit);

    /// Known once started.
    std::string client_id() const;
    consumer_statistics statistics();
    /// How often bytes were written to a socket.
    std::size_t socket_writes() const;

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace rocketpush::test

#endif

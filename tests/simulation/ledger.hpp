#ifndef ROCKETPUSH_TESTS_SIMULATION_LEDGER_HPP
#define ROCKETPUSH_TESTS_SIMULATION_LEDGER_HPP

#include <rocketpush/core/bad_message.hpp>
#include <rocketpush/core/message_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rocketpush::simulation {

/// A promise was broken.
struct violation {
    std::string what;
};

/**
 * @brief What the world knows of every message: sent, given to listeners, done; and the promises that can be told from that alone.
 *
 * A message is settled when nothing further has to happen to it before an offset may pass it: a listener was successful, the broker
 * confirmed that it took it back, or it was told as given up or as unreadable.
 */
class ledger {
  public:
    using number = std::size_t; ///< Of a message, in the order in which they were sent; its body.

    /// A producer was told that the message is stored there. Numbers are given in order, from 0.
    void sent(number which, const message_queue& where, queue_offset offset);

    void begun(number which, const std::string& member);
    /// @param epoch  Of the member's hold on the queue; 0: it has none, as for what is popped or comes from a retry topic.
    void succeeded(number which, std::uint64_t epoch);
    void sent_back(number which) { settle(which); }
    void dropped(number which);
    /// A message that cannot be read was passed over, or sent back; nothing if nobody sent one there.
    void unreadable(const message_queue& where, queue_offset at, bad_message done);

    /// An offset is stored or begun with. @return What is wrong with it: it passes something that is not settled, or all that there is.
    std::optional<violation> passed(const message_queue& where, queue_offset offset);
    /// Whether every message before `which` in its queue was consumed: so much is promised of order.
    bool all_done_before(number which) const;
    queue_offset offset_of(number which) const { return all_.at(which).offset; }

    std::size_t size() const noexcept { return all_.size(); }
    std::size_t done() const noexcept { return done_; }
    std::size_t deliveries() const noexcept { return deliveries_; }
    std::size_t repeats() const noexcept { return repeats_; } ///< Deliveries of what had been consumed already.
    bool is_done(number which) const { return all_.at(which).done; }
    /// In which hold on its queue it was consumed.
    std::uint64_t epoch_of(number which) const { return all_.at(which).epoch; }
    /// Some that were not consumed.
    std::vector<number> missing(std::size_t most) const;
    std::string describe(number which) const;

  private:
    struct entry {
        message_queue where;
        queue_offset offset = 0;
        std::uint64_t epoch = 0;
        int begun           = 0;
        bool done           = false;
        bool settled        = false;
        std::string last_member{};
    };
    struct queue_entries {
        std::vector<number> numbers;    ///< By offset.
        std::size_t settled_prefix = 0; ///< All before it are settled.
        std::size_t done_prefix    = 0; ///< All before it are done.
    };

    void settle(number which);

    std::vector<entry> all_;
    std::map<message_queue, queue_entries> queues_;
    std::size_t done_ = 0, deliveries_ = 0, repeats_ = 0;
};

} // namespace rocketpush::simulation

#endif

#ifndef ROCKETPUSH_REBALANCE_OFFSET_WRITER_HPP
#define ROCKETPUSH_REBALANCE_OFFSET_WRITER_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/planted.hpp>
#include <rocketpush/detail/ring.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/detail/wait_group.hpp>
#include <rocketpush/offset_store/offset_store.hpp>
#include <rocketpush/rebalance/owned_queue.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief Writes the offsets of one consumer's queues to its store, never two of one queue at once: they could overtake each other.
 *
 * The first of a topic at a broker goes alone. A broker (4.9.7 and 5.5.0 alike) begins its table of a group's offsets in a topic with
 * the first that it is told, and of two that come at the same time it may keep one and confirm both: `ConsumerOffsetManager.commitOffset`.
 * So pulls carry commits only after that, see `owned_queue::broker_keeps`; and since another member may have been as early, what was
 * written before that is known is written once more with the next ones.
 *
 * @tparam Host  The consumer; see consumer_core.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `OffsetStore.persistAll`, `MQClientInstance.persistAllConsumerOffset`.
 */
template <class Host>
class offset_writer {
  public:
    using queue_type    = typename Host::queue_type;
    using queue_ptr     = std::shared_ptr<queue_type>;
    using executor_type = typename Host::executor_type;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    /// So many offsets are written at once at each broker.
    static constexpr std::size_t most_writes = 64;

    explicit offset_writer(Host& host) : host_(host) {}

    /// Writes what changed (or everything) of the queues that are fetched, some side by side or all at once; returns when all is
    /// answered.
    task<void> write_all(bool everything) {
        denied_ = {};
        if constexpr (writes_many_offsets<typename Host::store_type>)
            return write_together(everything);
        else
            return write_each(everything);
    }

    /// Writes what changed of one queue now, whose loop waits for that or soon will.
    void write_soon(queue_type& queue) {
        if (is_due(queue, false))
            if (auto owned = host_.queues().share(queue))
                host_.spawn(write_one(host_.shared_from_this(), std::move(owned)));
    }

    /// The queue's first offset was read. One above 0 comes from the broker's table; 0 may be its word for none.
    void found(queue_type& owned) {
        if (owned.committed > 0)
            keeps(owned);
        else
            owned.broker_keeps = kept_.contains(place_of(owned));
    }

    /// Whether a broker has denied some of it, since `write_all` was last called.
    std::error_code denied() const noexcept { return denied_; }

    /// Writes this offset of a queue of which none is being written.
    static task<std::error_code> write(std::shared_ptr<Host> host, queue_ptr owned, queue_offset offset) {
        auto& self     = host->offsets();
        auto access    = host->offset_access();
        owned->writing = true;
        bool early     = false;
        std::error_code failure;
        try {
            std::optional<first_write> first;
            if (!owned->broker_keeps) {
                if (const auto another = self.firsts_.find(place_of(*owned)); another == self.firsts_.end())
                    first.emplace(self, place_of(*owned));
                else
                    co_await wait_for(another->second); // if it fails, too: nobody waits for a broker more than once
            }
            early   = !owned->broker_keeps;
            failure = co_await host->store().write(access, owned->queue, offset);
        } catch (...) { // the store, or no memory
            failure = detail::code_of_thrown();
        }
        owned->writing     = false;
        owned->may_be_lost = early && !failure;
        self.written(*owned, offset, failure);
        co_return failure;
    }

  private:
    using due_list  = detail::ring<queue_ptr>;
    using place     = std::pair<std::string, std::string>; ///< Topic and broker name.
    using flag_type = detail::signal_flag<typename Host::runtime_type>;

    static place place_of(const queue_type& owned) { return {owned.queue.topic, owned.queue.broker_name}; }

    /// The first offset of a topic is on its way to a broker, until this goes, however that ends.
    struct first_write {
        first_write(offset_writer& writer, place there) : of(writer), at(std::move(there)) {
            of.firsts_.emplace(at, over);
        }
        first_write(const first_write&)            = delete;
        first_write& operator=(const first_write&) = delete;
        ~first_write() {
            of.firsts_.erase(at);
            over->set();
        }

        offset_writer& of;
        const place at;
        const std::shared_ptr<flag_type> over = std::make_shared<flag_type>(of.host_.runtime());
    };
    static task<void> wait_for(std::shared_ptr<flag_type> over) { co_await over->wait(); }

    /// The broker has a table of the topic's offsets.
    void keeps(const queue_type& owned) {
        if (!kept_.insert(place_of(owned)).second)
            return;
        for (const auto& each : host_.queues().all())
            if (each->queue.topic == owned.queue.topic && each->queue.broker_name == owned.queue.broker_name)
                each->broker_keeps = true;
    }

    bool is_due(queue_type& owned, bool everything) const {
        return owned.stage == queue_stage::fetching && !owned.writing && owned.order.may_commit(host_.runtime()) &&
               (everything || owned.may_be_lost || owned.cache.committable() != owned.committed);
    }

    task<void> write_each(bool everything) {
        // By broker: a slow one delays only what is its own.
        std::map<std::string, std::shared_ptr<due_list>> due;
        for (const auto& owned : host_.queues().all())
            if (is_due(*owned, everything)) {
                auto& list = due[std::string(host_.routes().home(owned->queue))];
                if (!list)
                    list = std::make_shared<due_list>();
                list->push_back(owned);
            }
        const auto writes = std::make_shared<detail::wait_group<typename Host::runtime_type>>(host_.runtime());
        for (const auto& [broker, list] : due)
            for (auto writers = std::min(list->size(), most_writes); writers > 0; --writers)
                writes->spawn(write_in_turn(host_.shared_from_this(), list, everything));
        co_await writes->wait();
    }

    task<void> write_together(bool everything) {
        std::vector<queue_ptr> due;
        std::vector<queue_progress> changes;
        for (const auto& owned : host_.queues().all())
            if (is_due(*owned, everything)) {
                due.push_back(owned);
                changes.push_back({owned->queue, owned->cache.committable()});
            }
        if (due.empty())
            co_return;
        for (const auto& owned : due)
            owned->writing = true;
        std::error_code failure;
        try {
            auto access = host_.offset_access();
            failure     = co_await host_.store().write_many(access, changes); // a copy: we need it too
        } catch (...) {                                                       // the store, or no memory
            failure = detail::code_of_thrown();
        }
        for (const auto& owned : due)
            owned->writing = false;
        for (std::size_t i = 0; i < due.size(); ++i)
            written(*due[i], changes[i].offset, failure);
    }

    static task<void> write_in_turn(std::shared_ptr<Host> host, std::shared_ptr<due_list> due, bool everything) {
        while (!due->empty()) {
            const auto owned = due->take_front();
            if (host->offsets().is_due(*owned, everything)) // still
                co_await write(host, owned, owned->cache.committable());
        }
    }

    static task<void> write_one(std::shared_ptr<Host> host, queue_ptr owned) {
        if (host->offsets().is_due(*owned, false)) { // still
            const auto offset = owned->cache.committable();
            co_await write(std::move(host), std::move(owned), offset);
        }
    }

    void written(queue_type& owned, queue_offset offset, std::error_code failure) {
        owned.wake_idle();
        if (!failure || ROCKETPUSH_PLANTED(failed_commit_is_done)) {
            owned.committed = owned.stored = offset;
            if (!ROCKETPUSH_PLANTED(lost_wake_up))
                owned.wake.wake(); // it may stand at the span's end
            if (!owned.broker_keeps)
                keeps(owned);
        } else {
            host_.queue_refused(owned.queue, failure);
        }
        if (failure == response_code::no_permission)
            denied_ = failure;
        host_.observe().on_commit(owned.queue, offset, failure);
    }

    Host& host_;
    std::error_code denied_;
    std::set<place> kept_;                               ///< Where an offset of ours is known to be kept.
    std::map<place, std::shared_ptr<flag_type>> firsts_; ///< Where the first is being written.
};

} // namespace rocketpush

#endif

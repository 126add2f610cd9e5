#ifndef ROCKETPUSH_EMBEDDED_COMMITTED_OFFSETS_HPP
#define ROCKETPUSH_EMBEDDED_COMMITTED_OFFSETS_HPP

#include <rocketpush/core/message_queue.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace rocketpush::embedded {

/**
 * @brief How far each group has come in each queue. The last writer wins, also backwards; but see `reset`.
 * @par Source  Java `ConsumerOffsetManager`.
 */
class committed_offsets {
  public:
    void commit(std::string_view group, std::string_view topic, std::int32_t queue_id, queue_offset next) {
        auto& topics = groups_.try_emplace(std::string(group)).first->second;
        topics.try_emplace(std::string(topic)).first->second[queue_id] = next;
    }

    /// The next offset to consume; nothing if the group never committed there.
    std::optional<queue_offset> find(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
        const auto* queues = queues_of(group, topic);
        if (!queues)
            return std::nullopt;
        const auto found = queues->find(queue_id);
        return found == queues->end() ? std::nullopt : std::optional(found->second);
    }

    /// What each group has committed in a queue, which is forgotten here.
    std::map<std::string, queue_offset> take_queue(std::string_view topic, std::int32_t queue_id) {
        std::map<std::string, queue_offset> taken;
        for (auto& [group, topics] : groups_)
            if (const auto queues = topics.find(topic); queues != topics.end())
                if (const auto one = queues->second.extract(queue_id))
                    taken.emplace(group, one.mapped());
        return taken;
    }

    /// The topics in which a group has committed.
    std::set<std::string> topics(std::string_view group) const {
        std::set<std::string> names;
        if (const auto found = groups_.find(group); found != groups_.end())
            for (const auto& [topic, queues] : found->second)
                names.insert(topic);
        return names;
    }

    /// An administrator has moved a group in a queue: until a pull was told, commits do not count.
    void reset(std::string_view group, std::string_view topic, std::int32_t queue_id, queue_offset next) {
        commit(group, topic, queue_id, next);
        resets_.insert_or_assign({std::string(group), std::string(topic), queue_id}, next);
    }

    /// Whether a pull still has to be told of a reset.
    bool has_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
        return !resets_.empty() && resets_.contains({std::string(group), std::string(topic), queue_id});
    }

    /// Where a group was moved to, for the pull that is told now.
    std::optional<queue_offset> take_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) {
        if (resets_.empty())
            return std::nullopt;
        const auto taken = resets_.extract({std::string(group), std::string(topic), queue_id});
        return taken ? std::optional(taken.mapped()) : std::nullopt;
    }

    void forget_topic(std::string_view topic) {
        std::erase_if(resets_, [topic](const auto& one) { return std::get<1>(one.first) == topic; });
        for (auto& [group, topics] : groups_)
            if (const auto found = topics.find(topic); found != topics.end())
                topics.erase(found);
    }

  private:
    using queue_table = std::map<std::int32_t, queue_offset>;
    using topic_table = std::map<std::string, queue_table, std::less<>>;

    const queue_table* queues_of(std::string_view group, std::string_view topic) const {
        const auto topics = groups_.find(group);
        if (topics == groups_.end())
            return nullptr;
        const auto queues = topics->second.find(topic);
        return queues == topics->second.end() ? nullptr : &queues->second;
    }

    std::map<std::string, topic_table, std::less<>> groups_;
    std::map<std::tuple<std::string, std::string, std::int32_t>, queue_offset> resets_;
};

} // namespace rocketpush::embedded

#endif

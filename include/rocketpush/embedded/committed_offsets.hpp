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

namespace rocketpush::embedded {

/**
 * @brief How far each group has come in each queue. The last writer wins, also backwards.
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

    /// The topics in which a group has committed.
    std::set<std::string> topics(std::string_view group) const {
        std::set<std::string> names;
        if (const auto found = groups_.find(group); found != groups_.end())
            for (const auto& [topic, queues] : found->second)
                names.insert(topic);
        return names;
    }

    void forget_topic(std::string_view topic) {
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
};

} // namespace rocketpush::embedded

#endif

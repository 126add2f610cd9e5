#ifndef ROCKETPUSH_EMBEDDED_HELD_POPS_HPP
#define ROCKETPUSH_EMBEDDED_HELD_POPS_HPP

#include <rocketpush/embedded/outbox.hpp>
#include <rocketpush/embedded/stored_filter.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A pop that found no message and waits.
struct held_pop {
    connection_id connection = 0;
    protocol::header_encoding encoding{};
    std::int32_t opaque = 0;
    protocol::pop_request request{};
    stored_filter filter{};
    std::chrono::steady_clock::time_point deadline{}; ///< Then it is answered without a message.

    /// Whether it looks into this queue.
    bool reads(std::int32_t queue_id) const noexcept { return request.queue_id < 0 || request.queue_id == queue_id; }
};

/**
 * @brief The pops that wait, by topic, group and time.
 * @par Thread safety  None.
 * @par Source         Java `PopLongPollingService`.
 */
class held_pops {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    std::size_t size() const noexcept { return pops_.size(); }

    /// How many wait for the same as this one.
    std::size_t alike(const protocol::pop_request& pop) const {
        const auto found = counts_.find({pop.topic, pop.consumer_group, pop.queue_id});
        return found == counts_.end() ? 0 : found->second;
    }

    void hold(held_pop pop) {
        const auto id = next_id_++;
        deadlines_.emplace(pop.deadline, id);
        groups_.emplace(pop.request.topic, pop.request.consumer_group, id);
        ++counts_[{pop.request.topic, pop.request.consumer_group, pop.request.queue_id}];
        pops_.emplace(id, std::move(pop));
    }

    /// Takes out, of each group that waits for the topic, the one held longest for which `ends(const held_pop&)` is true: a
    /// message goes to one member of a group.
    template <std::predicate<const held_pop&> Ends>
    std::vector<held_pop> take_one_each(std::string_view topic, Ends ends) {
        std::vector<std::uint64_t> ended;
        std::string_view group_done;
        for (auto at = groups_.lower_bound({std::string(topic), {}, 0}); at != groups_.end(); ++at) {
            const auto& [of_topic, group, id] = *at;
            if (of_topic != topic)
                break;
            if ((!ended.empty() && group == group_done) || !ends(pops_.find(id)->second))
                continue;
            group_done = group;
            ended.push_back(id);
        }
        return take(ended);
    }

    /// Takes all of a topic's out.
    std::vector<held_pop> take_topic(std::string_view topic) {
        std::vector<std::uint64_t> ended;
        for (auto at = groups_.lower_bound({std::string(topic), {}, 0});
             at != groups_.end() && std::get<0>(*at) == topic; ++at)
            ended.push_back(std::get<2>(*at));
        return take(ended);
    }

    /// One whose deadline has come.
    std::optional<held_pop> take_due(time_point now) {
        if (deadlines_.empty() || deadlines_.begin()->first > now)
            return std::nullopt;
        return take(deadlines_.begin()->second);
    }

    std::optional<time_point> next_due() const {
        return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
    }

    /// The connection has ended; nobody waits for these answers.
    void forget(connection_id connection) {
        std::vector<std::uint64_t> ended;
        for (const auto& [id, pop] : pops_)
            if (pop.connection == connection)
                ended.push_back(id);
        take(ended);
    }

  private:
    std::vector<held_pop> take(const std::vector<std::uint64_t>& ids) {
        std::vector<held_pop> taken;
        taken.reserve(ids.size());
        for (const auto id : ids)
            taken.push_back(take(id));
        return taken;
    }

    held_pop take(std::uint64_t id) {
        auto pop = std::move(pops_.extract(id).mapped());
        deadlines_.erase({pop.deadline, id});
        groups_.erase({pop.request.topic, pop.request.consumer_group, id});
        const auto count = counts_.find({pop.request.topic, pop.request.consumer_group, pop.request.queue_id});
        if (--count->second == 0)
            counts_.erase(count);
        return pop;
    }

    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, held_pop> pops_;
    std::set<std::pair<time_point, std::uint64_t>> deadlines_;
    std::set<std::tuple<std::string, std::string, std::uint64_t>> groups_; ///< Topic, group, id.
    std::map<std::tuple<std::string, std::string, std::int32_t>, std::size_t> counts_;
};

} // namespace rocketpush::embedded

#endif

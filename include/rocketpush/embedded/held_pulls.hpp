#ifndef ROCKETPUSH_EMBEDDED_HELD_PULLS_HPP
#define ROCKETPUSH_EMBEDDED_HELD_PULLS_HPP

#include <rocketpush/embedded/outbox.hpp>
#include <rocketpush/embedded/stored_filter.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/requests_pull.hpp>

#include <chrono>
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

/// A pull that found nothing new and waits.
struct held_pull {
    connection_id connection = 0;
    protocol::header_encoding encoding{};
    std::int32_t opaque = 0;
    protocol::pull_request request{};
    stored_filter filter{};
    std::chrono::steady_clock::time_point deadline{}; ///< Then it is answered without a message.
};

/**
 * @brief The pulls that wait, by queue and by time.
 * @par Source  Java `PullRequestHoldService`.
 */
class held_pulls {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    std::size_t size() const noexcept { return pulls_.size(); }

    void hold(held_pull pull) {
        const auto id = next_id_++;
        deadlines_.emplace(pull.deadline, id);
        queues_.emplace(pull.request.topic, pull.request.queue_id, id);
        pulls_.emplace(id, std::move(pull));
    }

    /// Takes those out that a message with this tag hash and record, new in the queue, ends; the longest held first.
    std::vector<held_pull> take_woken(std::string_view topic, std::int32_t queue_id, std::int32_t tag_hash,
                                      std::string_view record) {
        return take_from_queues({std::string(topic), queue_id, 0}, {std::string(topic), queue_id, last_id},
                                [&](const held_pull& pull) { return pull.filter.wants(tag_hash, record); });
    }

    /// One whose deadline has come.
    std::optional<held_pull> take_due(time_point now) {
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
        for (const auto& [id, pull] : pulls_)
            if (pull.connection == connection)
                ended.push_back(id);
        for (const auto id : ended)
            take(id);
    }

  private:
    using queue_place = std::tuple<std::string, std::int32_t, std::uint64_t>;

    static constexpr std::uint64_t last_id = UINT64_MAX;

    template <class Ends>
    std::vector<held_pull> take_from_queues(const queue_place& first, const queue_place& last, Ends ends) {
        std::vector<std::uint64_t> ended;
        for (auto at = queues_.lower_bound(first); at != queues_.end() && !(last < *at); ++at)
            if (const auto id = std::get<2>(*at); ends(pulls_.find(id)->second))
                ended.push_back(id);
        std::vector<held_pull> taken;
        for (const auto id : ended)
            taken.push_back(take(id));
        return taken;
    }

    held_pull take(std::uint64_t id) {
        auto pull = std::move(pulls_.extract(id).mapped());
        deadlines_.erase({pull.deadline, id});
        queues_.erase({pull.request.topic, pull.request.queue_id, id});
        return pull;
    }

    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, held_pull> pulls_;
    std::set<std::pair<time_point, std::uint64_t>> deadlines_;
    std::set<queue_place> queues_;
};

} // namespace rocketpush::embedded

#endif

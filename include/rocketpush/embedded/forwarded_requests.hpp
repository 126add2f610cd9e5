#ifndef ROCKETPUSH_EMBEDDED_FORWARDED_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_FORWARDED_REQUESTS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/embedded/outbox.hpp>
#include <rocketpush/protocol/header.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush::embedded {

/// Whoever asked, when the question itself is gone.
struct reply_address {
    connection_id to;
    std::int32_t opaque;
    protocol::header_encoding encoding;
};

/// What a member answered to what it was asked for an administrator, or why it did not.
struct client_answer {
    response_code code = response_code::success;
    std::string remark{};
    std::string body{};
};

/// A request that the broker has passed on to a member.
struct forwarded_request {
    std::variant<reply_address, std::promise<client_answer>> asked_by; ///< A client of the broker, or its owner.
    connection_id answered_by;
    std::chrono::steady_clock::time_point due; ///< Then nobody waits any longer.
};

/**
 * @brief Requests that wait for a member's answer, by the opaque that the broker gave them.
 * @par Thread safety  None.
 * @par Source         Java `Broker2Client.callClient`, whose threads wait.
 */
class forwarded_requests {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds patience{10};
    static constexpr std::size_t most = 1000;

    bool full() const noexcept { return waiting_.size() >= most; }

    void add(std::int32_t opaque, forwarded_request request) { waiting_.emplace(opaque, std::move(request)); }

    /// The one that this member was asked with this opaque.
    std::optional<forwarded_request> take(std::int32_t opaque, connection_id answered_by) {
        const auto found = waiting_.find(opaque);
        if (found == waiting_.end() || found->second.answered_by != answered_by)
            return std::nullopt;
        return std::move(waiting_.extract(found).mapped());
    }

    /// Those of a member that has gone; what a client has asked that has gone is forgotten.
    std::vector<forwarded_request> take_all_of(connection_id gone) {
        std::erase_if(waiting_, [gone](const auto& each) {
            const auto* asked_by = std::get_if<reply_address>(&each.second.asked_by);
            return asked_by && asked_by->to == gone;
        });
        return take_if([gone](const forwarded_request& each) { return each.answered_by == gone; });
    }

    std::vector<forwarded_request> take_overdue(time_point now) {
        return take_if([now](const forwarded_request& each) { return each.due <= now; });
    }

    std::optional<time_point> next_due() const {
        const auto first = std::ranges::min_element(waiting_, {}, [](const auto& each) { return each.second.due; });
        return first == waiting_.end() ? std::nullopt : std::optional(first->second.due);
    }

  private:
    template <class Predicate>
    std::vector<forwarded_request> take_if(Predicate wanted) {
        std::vector<forwarded_request> taken;
        for (auto each = waiting_.begin(); each != waiting_.end();)
            if (wanted(each->second)) {
                taken.push_back(std::move(each->second));
                each = waiting_.erase(each);
            } else {
                ++each;
            }
        return taken;
    }

    std::map<std::int32_t, forwarded_request> waiting_;
};

} // namespace rocketpush::embedded

#endif

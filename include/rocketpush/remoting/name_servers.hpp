#ifndef ROCKETPUSH_REMOTING_NAME_SERVERS_HPP
#define ROCKETPUSH_REMOTING_NAME_SERVERS_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/connection_pool.hpp>

#include <asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Whether a host's name could not be turned into an address.
inline bool is_resolver_error(std::error_code code) noexcept {
    return code && (code.category() == asio::error::get_netdb_category() ||
                    code.category() == asio::error::get_addrinfo_category());
}

/**
 * @brief Asks the name servers for routes: stays with one that works, and asks the others within the same request when
 *        it does not.
 *
 * @par Source  Java `NettyRemotingClient.getAndCreateNameserverChannel`. Differs: there a failed connect fails the
 *              request; here any usable server of the list is enough.
 */
template <transport Transport, runtime Runtime>
class name_servers {
  public:
    using pool_type = connection_pool<Transport, Runtime>;
    template <class T>
    using task = typename pool_type::template task<T>;

    /// @param list   Empty: nobody can be asked before `replace`.
    /// @param start  Any number: where in the list to begin, so that clients spread.
    name_servers(pool_type& pool, std::vector<endpoint> list, std::uint64_t start, std::chrono::milliseconds timeout)
        : pool_(pool), timeout_(timeout) {
        set(std::move(list), start);
    }

    const std::vector<endpoint>& list() const noexcept { return *list_; }

    /**
     * @brief Asks others from now on. The server in use stays so if it is among them; requests under way begin anew.
     * @param fresh  Not empty. @param start  As in the constructor.
     * @return Whether they are others: the same ones in another order are no change.
     */
    bool replace(std::vector<endpoint> fresh, std::uint64_t start) {
        if (std::ranges::is_permutation(fresh, *list_))
            return false;
        const auto in_use = list_->empty() ? endpoint() : (*list_)[current_];
        if (const auto kept = std::ranges::find(fresh, in_use); kept != fresh.end())
            start = static_cast<std::uint64_t>(kept - fresh.begin());
        set(std::move(fresh), start);
        return true;
    }

    /// The list is empty, for this reason.
    void set_unknown(std::error_code why) noexcept { last_failure_ = why; }

    /**
     * @brief The route of `topic`.
     * @retval error::no_route                   The name server has none (topic unknown, or its broker not registered yet).
     * @retval error::name_servers_unreachable   None of the list answered, or it is empty; `last_failure()` tells why.
     */
    task<result<protocol::route_data>> route(std::string topic) {
        const protocol::route_request request{.topic = std::move(topic), .accept_standard_json_only = true};
        std::error_code failure;
        auto list  = list_;
        auto asked = current_; // ours: another request may move on from the same server meanwhile
        for (std::size_t attempt = 0; attempt < list->size(); ++attempt) {
            auto answer = co_await pool_.call((*list)[asked], request, {}, timeout_);
            if (list != list_) { // what servers say that are not of the list any more does not count
                list    = list_;
                asked   = current_;
                attempt = static_cast<std::size_t>(-1);
                continue;
            }
            if (answer) {
                const auto code = static_cast<response_code>(answer->header.code);
                if (code == response_code::success || code == response_code::topic_not_exist)
                    current_ = asked;
                if (code == response_code::success)
                    co_return protocol::decode_route(answer->body);
                if (code == response_code::topic_not_exist)
                    co_return error::no_route;
                failure = make_error_code(code);
            } else {
                if (answer.error() == error::operation_cancelled)
                    co_return answer.error();
                // A server that is only away says more than one whose name nobody knows.
                if (!failure || !is_resolver_error(answer.error()))
                    failure = answer.error();
            }
            last_failure_ = failure;
            asked         = (asked + 1) % list->size();
        }
        co_return error::name_servers_unreachable;
    }

    /// Why no server answered: a resolver's error only if that befell all of them.
    std::error_code last_failure() const noexcept { return last_failure_; }

  private:
    void set(std::vector<endpoint> list, std::uint64_t start) {
        current_ = list.empty() ? 0 : static_cast<std::size_t>(start % list.size());
        list_    = std::make_shared<const std::vector<endpoint>>(std::move(list));
    }

    pool_type& pool_;
    std::shared_ptr<const std::vector<endpoint>> list_; ///< Shared with the requests under way.
    std::size_t current_ = 0;
    std::chrono::milliseconds timeout_;
    std::error_code last_failure_;
};

} // namespace rocketpush

#endif

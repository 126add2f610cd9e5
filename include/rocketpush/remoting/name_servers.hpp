#ifndef ROCKETPUSH_REMOTING_NAME_SERVERS_HPP
#define ROCKETPUSH_REMOTING_NAME_SERVERS_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/connection_pool.hpp>

#include <asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

/// Whether trying again is of no use before somebody changes something: nobody knows the host, or a certificate is refused.
inline bool is_hopeless(std::error_code code) noexcept { return is_resolver_error(code) || is_certificate_error(code); }

/**
 * @brief Asks the name servers for routes: stays with one that works, and asks the others within the same request when
 *        it does not, or takes its time.
 *
 * The next server is asked as soon as one fails, and 200 ms after one that has not answered yet, which may go on: the first
 * usable answer holds, and whoever gave it is asked first from then on.
 *
 * @par Source  Java `NettyRemotingClient.getAndCreateNameserverChannel`. Differs: there a failed connect fails the
 *              request, up to 3 s later; here any usable server of the list is enough.
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
     * @param owner  What has the pool; held until each server that was asked has answered or failed, which may be after the return.
     * @retval error::no_route                   The name server has none (topic unknown, or its broker not registered yet).
     * @retval error::name_servers_unreachable   None of the list answered, or it is empty; `last_failure()` tells why.
     */
    task<result<protocol::route_data>> route(std::string topic, std::shared_ptr<const void> owner = nullptr) {
        auto asking = std::make_shared<inquiry>(pool_.runtime(), topic, list_, current_);
        while (true) {
            if (asking->servers != list_) // what servers say that are not of the list any more does not count
                asking = std::make_shared<inquiry>(pool_.runtime(), topic, list_, current_);
            if (asking->answer || asking->has_failed())
                break;
            if (asking->next_is_due(pool_.runtime().now()))
                asio::co_spawn(pool_.runtime().get_executor(),
                               ask(pool_, asking, asking->take_next(pool_.runtime().now()), timeout_, owner),
                               asio::detached);
            co_await asking->news.wait_until(asking->next_at);
        }
        if (asking->answered_by)
            current_ = *asking->answered_by;
        if (asking->answer)
            co_return std::move(*asking->answer);
        if (!asking->servers->empty())
            last_failure_ = asking->failure;
        co_return error::name_servers_unreachable;
    }

    /// Why no server answered: one that is hopeless only if that befell all of them.
    std::error_code last_failure() const noexcept { return last_failure_; }

  private:
    using milliseconds = std::chrono::milliseconds;
    using time_point   = std::chrono::steady_clock::time_point;
    using server_list  = std::vector<endpoint>;

    /// So long a server may take before the next one is asked, too.
    static constexpr milliseconds patience{200};

    /// One question, put to as many servers as it takes. Shared with those that have not answered yet.
    struct inquiry {
        inquiry(typename pool_type::runtime_type& runtime, std::string about, std::shared_ptr<const server_list> of,
                std::size_t begin_at)
            : topic(std::move(about)), servers(std::move(of)), first(begin_at), news(runtime) {}

        bool all_asked() const noexcept { return asked == servers->size(); }
        bool has_failed() const noexcept { return all_asked() && failed == asked; }
        /// When nobody is left to wait for, or whoever is has had his time.
        bool next_is_due(time_point now) const noexcept { return !all_asked() && (failed == asked || now >= next_at); }
        /// Which server is to be asked now.
        std::size_t take_next(time_point now) noexcept {
            const auto next = (first + asked++) % servers->size();
            next_at         = all_asked() ? time_point::max() : now + patience;
            return next;
        }

        void hear(std::size_t server, const result<received_frame>& heard) {
            if (heard) {
                const auto code = static_cast<response_code>(heard->header.code);
                if (code == response_code::success)
                    return settle(server, protocol::decode_route(heard->body));
                if (code == response_code::topic_not_exist)
                    return settle(server, error::no_route);
                return fail(code);
            }
            if (heard.error() == error::operation_cancelled) // by us: nobody else shall be asked
                return settle(std::nullopt, heard.error());
            fail(heard.error());
        }

        void fail(std::error_code why) {
            ++failed;
            if (weight(why) >= weight(failure))
                failure = why;
            news.wake();
        }

        const std::string topic;
        const std::shared_ptr<const server_list> servers;
        const std::size_t first;
        std::size_t asked  = 0;
        std::size_t failed = 0;
        time_point next_at{}; ///< When the next one is to be asked, if nobody has answered.
        std::optional<result<protocol::route_data>> answer;
        std::optional<std::size_t> answered_by;
        std::error_code failure;
        detail::wake_up<Runtime> news;

      private:
        void settle(std::optional<std::size_t> server, result<protocol::route_data> with) {
            if (!answer) {
                answered_by = server;
                answer.emplace(std::move(with));
            }
            news.wake();
        }
        /// A server that refuses says more than one that is away, and that more than one that is hopeless.
        static int weight(std::error_code why) noexcept {
            if (!why)
                return 0;
            return is_hopeless(why) ? 1 : why.category() == response_category() ? 3 : 2;
        }
    };

    static task<void> ask(pool_type& pool, std::shared_ptr<inquiry> about, std::size_t server, milliseconds timeout,
                          [[maybe_unused]] std::shared_ptr<const void> owner) {
        try {
            const protocol::route_request request{.topic = about->topic, .accept_standard_json_only = true};
            const auto heard = co_await pool.call((*about->servers)[server], request, {}, timeout);
            about->hear(server, heard);
        } catch (...) { // no memory for it: who asks waits for the last server's word
            about->fail(detail::code_of_thrown());
        }
    }

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

#ifndef ROCKETPUSH_REMOTING_CONNECTION_POOL_HPP
#define ROCKETPUSH_REMOTING_CONNECTION_POOL_HPP

#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/detail/thrown.hpp>
#include <rocketpush/remoting/backoff.hpp>
#include <rocketpush/remoting/connection.hpp>
#include <rocketpush/remoting/go_away_rule.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace rocketpush {

/// What a pool asks of the one who uses it: plain functions, called when connections come and go.
template <class Connection>
struct pool_events {
    void* host = nullptr;
    /// Runs on a new connection before anybody else gets it: brokers want a heartbeat before the first pull.
    detail::awaitable<std::error_code, typename Connection::executor_type> (*greet)(
        void* host, std::shared_ptr<Connection>)                       = nullptr;
    void (*on_request)(void* host, Connection&, const received_frame&) = nullptr;
    /// An attempt ended: a false code is success.
    void (*on_connect)(void* host, const endpoint&, std::error_code) = nullptr;
    void (*on_closed)(void* host, Connection&, std::error_code)      = nullptr;
};

/**
 * @brief One connection for each address, opened when first needed, and again after it was lost, no sooner than the
 *        backoff allows.
 *
 * One per address and no more, since brokers know a member by its connection.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `NettyRemotingClient.channelTables`.
 */
template <transport Transport, runtime Runtime>
class connection_pool {
  public:
    using connection_type = connection<Transport, Runtime>;
    using connection_ptr  = std::shared_ptr<connection_type>;
    using executor_type   = typename Runtime::executor_type;
    using runtime_type    = Runtime;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    connection_pool(Runtime& runtime, Transport transport, std::size_t frame_limit,
                    std::chrono::milliseconds connect_timeout, pool_events<connection_type> host,
                    std::string name_space = {}, credentials keys = {})
        : runtime_(runtime),
          transport_(std::move(transport)),
          frame_limit_(frame_limit),
          connect_timeout_(connect_timeout),
          events_(host),
          name_space_(std::move(name_space)),
          access_(std::make_shared<access_control>(std::move(keys))) {}
    connection_pool(const connection_pool&)            = delete;
    connection_pool& operator=(const connection_pool&) = delete;

    /**
     * @brief The open connection to `peer`; connects if there is none, or joins an attempt that is under way.
     * @return The connection, or why there is none: the system's error of the attempt, error::connect_timed_out, or
     *         error::operation_cancelled after `close()`. Within the backoff of a failed attempt that attempt's error
     *         comes at once.
     */
    task<result<connection_ptr>> get(endpoint peer) {
        place& here = place_of(peer);
        if (here.open && here.open->is_open())
            co_return here.open;
        if (closed_)
            co_return error::operation_cancelled;
        if (here.connecting) {
            auto attempt = here.connecting;
            co_await attempt->finished.wait();
            co_return attempt->outcome();
        }
        if (here.last_error && runtime_.now() < here.not_before)
            co_return here.last_error;

        auto attempt = here.connecting = std::make_shared<connect_attempt>(runtime_);
        try {
            co_await connect(peer, *attempt);
        } catch (...) { // no memory, or the transport's own: whoever joined the attempt waits for its end
            attempt->failed(detail::code_of_thrown());
        }
        here.connecting = nullptr;
        if (attempt->failure == error::operation_cancelled) {
            here.last_error = {}; // by us, which says nothing of the peer
        } else if (attempt->failure) {
            here.last_error = attempt->failure;
            here.not_before = runtime_.now() + here.delay.failed(runtime_.random());
        } else {
            here.last_error = {};
            here.delay.succeeded();
            here.open = attempt->opened;
        }
        attempt->finished.set();
        if (events_.on_connect)
            events_.on_connect(events_.host, peer, attempt->failure);
        co_return attempt->outcome();
    }

    /**
     * @brief Sends a request to `peer`, connecting first where needed, and waits for its response, whatever its code.
     *
     * What the views view must outlive the call.
     */
    task<result<received_frame>> call(endpoint peer, protocol::request_view request, std::string_view body,
                                      std::chrono::milliseconds timeout) {
        for (go_away_rule sent_away;;) {
            auto open = co_await get(peer);
            if (!open)
                co_return open.error();
            auto [ec, frame] =
                co_await (*open)->async_request(request, body, timeout, detail::await_tuple<executor_type>);
            if (ec)
                co_return ec;
            if (!sent_away.answered(static_cast<response_code>(frame.header.code)))
                co_return std::move(frame);
        }
    }

    /// The open connection to `peer`, if there is one now.
    connection_ptr find(const endpoint& peer) const {
        const auto found = places_.find(peer);
        return found != places_.end() && found->second->open && found->second->open->is_open() ? found->second->open
                                                                                               : nullptr;
    }

    /// Ends the connection to `peer`, and an attempt at one, and forgets what is known of it: it is not needed any more.
    void drop(const endpoint& peer) {
        const auto found = places_.find(peer);
        if (found == places_.end())
            return;
        const auto open       = found->second->open;
        const auto connecting = found->second->connecting;
        if (connecting)
            connecting->abandon();
        else
            places_.erase(found); // else it is the attempt's until that ends
        if (open)
            open->close(error::operation_cancelled);
    }

    /// Ends every connection and attempt; `get()` fails from now on.
    void close() {
        closed_ = true;
        for (auto& [peer, held] : places_)
            if (held->connecting)
                held->connecting->abandon();
        const auto next_open = [this] { // whoever hears of an end may change the places
            return std::ranges::find_if(places_, [](const auto& each) { return each.second->open != nullptr; });
        };
        for (auto next = next_open(); next != places_.end(); next = next_open())
            std::exchange(next->second->open, nullptr)->close(error::operation_cancelled);
    }

    const std::shared_ptr<detail::block_pool>& blocks() noexcept { return blocks_; }
    Runtime& runtime() noexcept { return runtime_; }

    /// What a server said when it last refused a request for lack of permission.
    const access_denial& last_denial() const noexcept { return access_->last_denial(); }

  private:
    struct connect_attempt {
        explicit connect_attempt(Runtime& runtime)
            : finished(runtime), stream(runtime.get_executor()), limit(runtime) {}

        void abandon() {
            if (!failure)
                failure = error::operation_cancelled;
            if (greeting) // has the stream
                greeting->close(failure);
            else
                stream.close();
        }
        void failed(std::error_code why) {
            limit.cancel();
            if (!failure)
                failure = why;
            opened = nullptr;
            if (greeting)
                greeting->close(failure);
        }
        result<connection_ptr> outcome() const {
            if (failure)
                return failure;
            return opened;
        }

        detail::signal_flag<Runtime> finished;
        typename connection_type::stream_type stream;
        typename Runtime::timer limit;
        connection_ptr greeting; ///< Connected, not yet anybody's.
        connection_ptr opened;
        std::error_code failure;
    };

    struct place {
        connection_ptr open;
        std::shared_ptr<connect_attempt> connecting;
        std::error_code last_error;
        std::chrono::steady_clock::time_point not_before{};
        backoff delay;
    };

    task<void> connect(const endpoint& peer, connect_attempt& attempt) {
        attempt.limit.expires_at(runtime_.now() + connect_timeout_);
        attempt.limit.async_wait([shared = places_.at(peer)->connecting](std::error_code ec) {
            if (ec || shared->greeting || shared->failure)
                return;
            shared->failure = error::connect_timed_out;
            shared->stream.close();
        });
        const auto [ec] = co_await transport_.async_connect(attempt.stream, peer, detail::await_tuple<executor_type>);
        attempt.limit.cancel();
        if (!attempt.failure)
            attempt.failure = ec;
        if (attempt.failure)
            co_return;
        auto opened = std::make_shared<connection_type>(
            runtime_, blocks_, frame_limit_, peer, std::move(attempt.stream),
            connection_events<connection_type>{events_.host, events_.on_request, events_.on_closed}, name_space_,
            access_);
        attempt.greeting = opened;
        opened->start();
        std::error_code refused;
        if (events_.greet)
            refused = co_await events_.greet(events_.host, opened);
        if (!attempt.failure) // else it was abandoned meanwhile
            attempt.failure = refused;
        if (attempt.failure)
            opened->close(attempt.failure);
        else
            attempt.opened = std::move(opened);
    }

    place& place_of(const endpoint& peer) {
        auto& found = places_[peer];
        if (!found)
            found = std::make_unique<place>();
        return *found;
    }

    Runtime runtime_;
    Transport transport_;
    std::size_t frame_limit_;
    std::chrono::milliseconds connect_timeout_;
    pool_events<connection_type> events_;
    std::string name_space_;
    std::shared_ptr<access_control> access_;
    std::shared_ptr<detail::block_pool> blocks_ = std::make_shared<detail::block_pool>();
    std::unordered_map<endpoint, std::unique_ptr<place>> places_;
    bool closed_ = false;
};

} // namespace rocketpush

#endif

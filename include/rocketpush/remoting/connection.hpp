#ifndef ROCKETPUSH_REMOTING_CONNECTION_HPP
#define ROCKETPUSH_REMOTING_CONNECTION_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/detail/ring.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests_group.hpp>
#include <rocketpush/remoting/access_control.hpp>
#include <rocketpush/remoting/frame_reader.hpp>
#include <rocketpush/remoting/liveness.hpp>
#include <rocketpush/remoting/pending_requests.hpp>
#include <rocketpush/runtime/runtime.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rocketpush {

/**
 * @brief What a connection tells the one who opened it: plain functions, since none of this is on a message's way.
 */
template <class Connection>
struct connection_events {
    void* host = nullptr;
    /// A request from the server (members changed, ...). One-way or not; `Connection::respond` answers.
    void (*on_request)(void* host, Connection&, const received_frame&) = nullptr;
    /// The connection ended, by the peer, by an error or by `close()`. Called once.
    void (*on_closed)(void* host, Connection&, std::error_code) = nullptr;
};

/**
 * @brief One open connection: requests go out coalesced, responses come back to them by opaque, each has a deadline
 *        but all share one timer.
 *
 * Lives as a `shared_ptr` that its read and write operations hold too; `close()` ends those, and completes every request
 * under way with `error::connection_closed`.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `NettyRemotingClient`, one Netty channel.
 */
template <transport Transport, runtime Runtime>
class connection : public std::enable_shared_from_this<connection<Transport, Runtime>> {
  public:
    using executor_type = typename Runtime::executor_type;
    using stream_type   = typename Transport::template stream<executor_type>;
    using time_point    = pending_requests::time_point;
    using events        = connection_events<connection>;

    connection(Runtime& runtime, std::shared_ptr<detail::block_pool> blocks, std::size_t frame_limit, endpoint peer,
               stream_type stream, events host, std::string name_space = {},
               std::shared_ptr<access_control> access = std::make_shared<access_control>())
        : runtime_(runtime),
          blocks_(std::move(blocks)),
          stream_(std::move(stream)),
          deadline_timer_(runtime),
          reader_(*blocks_, frame_limit),
          peer_(std::move(peer)),
          events_(host),
          name_space_(std::move(name_space)),
          access_(std::move(access)) {}

    /// Begins to read. Call once, after construction.
    void start() {
        peer_life_.heard(runtime_.now());
        asio::co_spawn(stream_.get_executor(), read_frames(this->shared_from_this()), asio::detached);
    }

    const endpoint& peer() const noexcept { return peer_; }
    /// Our own address as the peer sees it, where the transport knows one.
    auto local_endpoint() const
        requires requires(const stream_type& stream) { stream.local_endpoint(); }
    {
        return stream_.local_endpoint();
    }
    /// Whether it is there for further requests.
    bool is_open() const noexcept { return open_ && !leaving_; }
    std::size_t requests_under_way() const noexcept { return pending_.size(); }

    /**
     * @brief Sends a request and waits for its response, whatever its code.
     * @param timeout  From now to the response.
     * @param token    Completion token for `void(std::error_code, received_frame)`. Completes on the strand with
     *                 error::request_timed_out, error::connection_closed, error::too_many_requests or the response.
     */
    template <class Token>
    auto async_request(protocol::request_view request, std::string_view body, std::chrono::milliseconds timeout,
                       Token&& token) {
        return asio::async_initiate<Token, void(std::error_code, received_frame)>(
            [this, request, body, timeout](auto handler) {
                if (!open_)
                    return complete_later(std::move(handler), error::connection_closed);
                if (pending_.full())
                    return complete_later(std::move(handler), error::too_many_requests);
                const auto now      = runtime_.now();
                const auto deadline = now + timeout;
                const auto opaque   = pending_.add(deadline, now, std::move(handler));
                protocol::append_request(outgoing_, protocol::header_encoding::json, request,
                                         {.opaque = opaque, .name_space = name_space_, .signer = access_->signer()},
                                         body);
                watch(std::min(deadline, now + liveness::quiet_limit));
                flush();
            },
            token);
    }

    /// Sends a request that has no response.
    void send_oneway(protocol::request_view request, std::string_view body = {}) {
        if (!open_)
            return;
        protocol::append_request(outgoing_, protocol::header_encoding::json, request,
                                 {.opaque     = 0,
                                  .flag       = protocol::oneway_flag,
                                  .name_space = name_space_,
                                  .signer     = access_->signer()},
                                 body);
        flush();
    }

    /// Answers a request of the server.
    void respond(const received_frame& request, response_code code, std::string_view remark,
                 const protocol::fields_view& fields, std::string_view body = {}) {
        if (!request.header.is_oneway())
            respond(request.header.opaque, code, remark, fields, body);
    }
    /// @param opaque  Of a request that is not one-way.
    void respond(std::int32_t opaque, response_code code, std::string_view remark, const protocol::fields_view& fields,
                 std::string_view body = {}) {
        if (!open_)
            return;
        protocol::append_response(outgoing_, protocol::header_encoding::json, code, opaque, remark, fields, body);
        flush();
    }

    /// Ends the connection; requests under way complete with error::connection_closed, the host hears `reason`.
    void close(std::error_code reason = error::connection_closed) {
        if (!std::exchange(open_, false))
            return;
        const auto self = this->shared_from_this();
        stream_.close();
        deadline_timer_.cancel();
        pending_.fail_all(error::connection_closed);
        if (events_.on_closed)
            events_.on_closed(events_.host, *this, reason);
    }

  private:
    /// One write has so much, bytes, and a frame: a burst, as when thousands of queues begin, is no reason to hold a
    /// buffer of megabytes for ever.
    static constexpr std::size_t enough_for_a_write = 64 * 1024;

    template <class Handler>
    void complete_later(Handler handler, error reason) {
        asio::post(stream_.get_executor(), [handler = std::move(handler), reason]() mutable {
            std::move(handler)(std::error_code(reason), received_frame());
        });
    }

    /// Ends with the reading. Whoever waits for a response holds this connection, which holds their handlers: when a context is
    /// destroyed with all that waits in it, this lets go of them.
    struct reading {
        connection& of;

        explicit reading(connection& which) noexcept : of(which) {}
        reading(const reading&)            = delete;
        reading& operator=(const reading&) = delete;
        ~reading() {
            if (std::exchange(of.open_, false))
                of.pending_.drop_all();
        }
    };

    static detail::awaitable<void, executor_type> read_frames(std::shared_ptr<connection> self) {
        const reading until_the_end(*self);
        try {
            while (self->open_) {
                const auto room      = self->reader_.prepare();
                const auto [ec, got] = co_await self->stream_.async_read_some(asio::buffer(room.data(), room.size()),
                                                                              detail::await_tuple<executor_type>);
                if (!self->open_)
                    break;
                if (ec) {
                    self->close(ec);
                    break;
                }
                self->peer_life_.heard(self->runtime_.now(), self->reader_.inside_frame());
                self->reader_.commit(got);
                self->corked_      = true; // what the responses of one read make us send goes out as one write
                const auto failure = self->deliver();
                self->corked_      = false;
                if (failure)
                    self->close(failure);
                else
                    self->flush();
            }
        } catch (const std::bad_alloc&) { // no room for what comes: requests under way shall hear of it, not wait
            self->close(std::make_error_code(std::errc::not_enough_memory));
        }
    }

    std::error_code deliver() {
        while (open_) {
            auto next = reader_.next();
            if (!next)
                return next.error();
            if (!*next)
                return {};
            received_frame& frame = **next;
            peer_life_.frame_ended();
            if (frame.header.is_response()) {
                access_->hear(peer_, frame.header);
                leaving_ = leaving_ || static_cast<response_code>(frame.header.code) == response_code::go_away;
                pending_.complete(std::move(frame)); // an unknown opaque is a response that came too late
                if (leaving_ && pending_.size() == 0)
                    close(error::operation_cancelled);
            } else if (events_.on_request) {
                events_.on_request(events_.host, *this, frame);
            }
        }
        return {};
    }

    void flush() {
        if (!open_)
            return;
        if (outgoing_.size() >= enough_for_a_write)
            full_.push_back(std::exchange(outgoing_, {}));
        if (writing_ || corked_ || (outgoing_.empty() && full_.empty()))
            return;
        writing_ = true;
        if (full_.empty()) {
            std::swap(outgoing_, in_flight_);
            outgoing_.clear();
        } else {
            in_flight_ = full_.take_front();
        }
        asio::async_write(stream_, asio::buffer(in_flight_),
                          [self = this->shared_from_this()](std::error_code ec, std::size_t) {
                              self->writing_ = false;
                              if (ec)
                                  self->close(ec);
                              else
                                  self->flush();
                          });
    }

    /// Makes sure that the timer fires by `deadline`. It is moved only to earlier times, so in steady state (long polls
    /// with equal timeouts) requests do not touch it.
    void watch(time_point deadline) {
        if (deadline >= watched_)
            return;
        watched_ = deadline;
        deadline_timer_.expires_at(deadline);
        deadline_timer_.async_wait([self = this->shared_from_this(), deadline](std::error_code ec) {
            if (ec || !self->open_ || self->watched_ != deadline)
                return;
            self->expire();
        });
    }

    void expire() {
        watched_          = time_point::max();
        const auto now    = runtime_.now();
        const auto oldest = pending_.expire(now);
        if (!open_)
            return;
        // Not one byte since the request left: the peer or the path to it is gone, and nobody else would notice. Or all bytes since
        // go into a frame that no one waits for, as may the next answers.
        const bool stuck = reader_.inside_frame() && peer_life_.frame_is_stale(pending_.oldest_sent());
        if (oldest != time_point::max() && (stuck || peer_life_.silent_since(oldest)))
            return close(error::request_timed_out);
        if (pending_.size() == 0)
            return;
        const auto ask_at = peer_life_.ask_at(pending_.oldest_sent());
        if (ask_at > now)
            watch(ask_at);
        else if (!asked_)
            ask_for_life();
        watch(pending_.next_deadline());
    }

    /// A heartbeat of nobody: every server answers it, and takes nothing from it.
    void ask_for_life() {
        asked_ = true;
        async_request(
            protocol::heartbeat_request{}, R"({"clientID":"","consumerDataSet":[],"producerDataSet":[]})",
            liveness::answer_limit, [self = this->shared_from_this()](std::error_code, const received_frame&) {
                self->asked_ = false; // without an answer its deadline has closed the connection, or is about to
            });
    }

    Runtime runtime_;
    std::shared_ptr<detail::block_pool>
        blocks_; ///< Shared: a read that was cancelled ends after its pool's owner has gone.
    stream_type stream_;
    typename Runtime::timer deadline_timer_;
    frame_reader reader_;
    pending_requests pending_;
    endpoint peer_;
    events events_;
    std::string name_space_;         ///< See protocol::command_meta.
    std::shared_ptr<access_control> access_;
    std::string outgoing_;           ///< Frames that wait for the write under way.
    detail::ring<std::string> full_; ///< The same, older, where they are many.
    std::string in_flight_;          ///< Frames of the write under way.
    liveness peer_life_;
    time_point watched_ = time_point::max();
    bool open_          = true;
    bool leaving_       = false; ///< The peer has said GO_AWAY: what is under way is waited for, nothing else is sent.
    bool writing_       = false;
    bool corked_        = false;
    bool asked_         = false; ///< Whether it is there.
};

} // namespace rocketpush

#endif

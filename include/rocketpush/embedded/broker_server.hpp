#ifndef ROCKETPUSH_EMBEDDED_BROKER_SERVER_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_SERVER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/host_address.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/async_event.hpp>
#include <rocketpush/detail/block_pool.hpp>
#include <rocketpush/embedded/broker_logic.hpp>
#include <rocketpush/embedded/broker_options.hpp>
#include <rocketpush/remoting/frame_reader.hpp>
#include <rocketpush/runtime/runtime.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/ip/address.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A numeric host as stored messages hold it; 127.0.0.1 for a name, as memory transports have.
inline host_address to_host_address(const endpoint& from) {
    std::error_code not_numeric;
    const auto address = asio::ip::make_address(from.host, not_numeric);
    if (not_numeric)
        return {std::array<unsigned char, 4>{127, 0, 0, 1}, from.port};
    if (address.is_v4())
        return {address.to_v4().to_bytes(), from.port};
    return {address.to_v6().to_bytes(), from.port};
}

/**
 * @brief The I/O of an embedded broker: accepts, cuts what comes into frames for the logic, writes what the logic says,
 *        and wakes it when something is due.
 *
 * Shared by its coroutines, so it lives until the last of them has ended. The logic is behind a mutex: calls of tests come
 * from any thread and do not wait for the network's.
 *
 * @par Thread safety  `with_logic`, `pause` and `resume` from any thread; the rest on the runtime's executor.
 */
template <listening_transport Transport, runtime Runtime>
class broker_server : public std::enable_shared_from_this<broker_server<Transport, Runtime>> {
  public:
    using executor_type = typename Runtime::executor_type;

    /// Listens. @throws std::system_error  It cannot, or an option is out of its range.
    broker_server(broker_options options, Transport transport, const Runtime& runtime)
        : runtime_(runtime),
          acceptor_(open_acceptor(transport, options, options.listen)),
          slave_acceptor_(open_slave(transport, options)),
          timer_(runtime_),
          retry_timer_(runtime_),
          slave_retry_timer_(runtime_),
          resumed_(runtime_.get_executor()) {
        auto reached_at        = reached(acceptor_, options);
        auto slave_at          = slave_acceptor_ ? std::optional(reached(*slave_acceptor_, options)) : std::nullopt;
        const auto own_address = to_host_address(reached_at);
        logic_.emplace(std::move(options), std::move(reached_at), own_address, runtime_.random(), std::move(slave_at));
    }

    void start() {
        spawn(accept_clients(this->shared_from_this(), false));
        if (slave_acceptor_)
            spawn(accept_clients(this->shared_from_this(), true));
        spawn(wake_when_due(this->shared_from_this()));
    }

    /// Closes everything; its coroutines end soon after.
    void stop() {
        stopped_ = true;
        acceptor_.close();
        if (slave_acceptor_)
            slave_acceptor_->close();
        for (const auto& [id, one] : std::map(clients_))
            end(*one);
        timer_.cancel();
        retry_timer_.cancel();
        slave_retry_timer_.cancel();
        resumed_.signal();
    }

    const Runtime& runtime() const noexcept { return runtime_; }
    const endpoint& address() const noexcept { return logic_->address(); }
    const std::optional<endpoint>& slave_address() const noexcept { return logic_->slave_address(); }

    /// Calls `function(broker_logic&, const moment& now)`, and has done what follows from it.
    template <class F>
    auto with_logic(F&& function) {
        const flush_later flush{this};
        const std::lock_guard lock(mutex_);
        const auto at = now();
        return function(*logic_, at);
    }

    void pause() {
        const std::lock_guard lock(mutex_);
        paused_ = true;
    }

    void resume() {
        {
            const std::lock_guard lock(mutex_);
            paused_ = false;
        }
        asio::post(runtime_.get_executor(), [self = this->shared_from_this()] {
            self->resumed_.signal();
            self->timer_.cancel();
        });
    }

  private:
    using stream_type   = typename Transport::template stream<executor_type>;
    using acceptor_type = typename Transport::template acceptor<executor_type>;
    using nothing       = detail::awaitable<void, executor_type>;

    static constexpr auto await_tuple = detail::await_tuple<executor_type>;

    /// A client that does not read what it asks for is not read from either, beyond these bytes.
    static constexpr std::size_t most_unsent_bytes = 8 * 1024 * 1024;
    static constexpr std::size_t retained_blocks   = 256 * 1024;

    struct client {
        client(stream_type connected, const executor_type& executor, std::size_t frame_limit)
            : stream(std::move(connected)),
              has_frames(executor),
              has_written(executor),
              pool(retained_blocks),
              reader(pool, frame_limit) {}

        stream_type stream;
        detail::async_event<executor_type> has_frames;
        detail::async_event<executor_type> has_written;
        detail::block_pool pool;
        frame_reader reader;
        std::string writing; ///< Swapped with the outbox's buffer, so both keep their room.
        connection_id id = 0;
        bool ended       = false;
    };
    using client_ptr = std::shared_ptr<client>;
    using self_ptr   = std::shared_ptr<broker_server>;

    /// Runs after the lock was given up, whatever was thrown under it.
    struct flush_later {
        broker_server* server;
        ~flush_later() {
            asio::post(server->runtime_.get_executor(), [self = server->shared_from_this()] { self->flush(); });
        }
    };

    acceptor_type open_acceptor(Transport& transport, const broker_options& options, const endpoint& at) {
        if (const auto problem = describe_problem(options); !problem.empty())
            throw std::system_error(make_error_code(error::invalid_option), "embedded broker: " + std::string(problem));
        auto opened = transport.listen(runtime_.get_executor(), at);
        if (!opened)
            throw std::system_error(opened.error(), "embedded broker cannot listen on " + to_string(at));
        return std::move(*opened);
    }
    std::optional<acceptor_type> open_slave(Transport& transport, const broker_options& options) {
        if (!options.slave_listen)
            return std::nullopt;
        return open_acceptor(transport, options, *options.slave_listen);
    }

    /// What clients are told to connect to.
    static endpoint reached(const acceptor_type& acceptor, const broker_options& options) {
        auto at = acceptor.local_endpoint();
        if (!options.advertised_host.empty())
            at.host = options.advertised_host;
        else if (at.host == "0.0.0.0" || at.host == "::")
            at.host = "127.0.0.1";
        return at;
    }

    moment now() const { return {runtime_.now(), runtime_.system_now()}; }

    void spawn(nothing coroutine) { asio::co_spawn(runtime_.get_executor(), std::move(coroutine), asio::detached); }

    bool is_paused() {
        const std::lock_guard lock(mutex_);
        return paused_;
    }

    /// Lets writers and the timer know what the logic has done.
    void flush() {
        std::vector<connection_id> fresh, closing;
        std::optional<std::chrono::steady_clock::time_point> due;
        {
            const std::lock_guard lock(mutex_);
            fresh   = logic_->out().take_fresh();
            closing = logic_->out().take_closing();
            due     = paused_ ? std::nullopt : logic_->next_due();
        }
        for (const auto id : fresh)
            if (const auto found = clients_.find(id); found != clients_.end())
                found->second->has_frames.signal();
        for (const auto id : closing)
            if (const auto found = clients_.find(id); found != clients_.end())
                end(*client_ptr(found->second));
        if (due && *due < timer_at_)
            timer_.cancel(); // it sets itself anew
    }

    void end(client& one) {
        if (std::exchange(one.ended, true))
            return;
        one.stream.close();
        one.has_frames.signal();
        one.has_written.signal();
        clients_.erase(one.id);
        {
            const std::lock_guard lock(mutex_);
            logic_->disconnect(one.id);
        }
        if (!stopped_)
            flush();
    }

    static nothing accept_clients(self_ptr self, bool to_slave) {
        auto& acceptor    = to_slave ? *self->slave_acceptor_ : self->acceptor_;
        auto& retry_timer = to_slave ? self->slave_retry_timer_ : self->retry_timer_;
        while (!self->stopped_) {
            auto [failure, stream] = co_await acceptor.async_accept(await_tuple);
            if (self->stopped_ || failure == asio::error::operation_aborted)
                break;
            if (failure) {
                // No file descriptors left, most likely: some will be again.
                retry_timer.expires_at(self->runtime_.now() + std::chrono::milliseconds(100));
                co_await retry_timer.async_wait(await_tuple);
                continue;
            }
            self->begin(std::move(stream), to_slave);
        }
    }

    void begin(stream_type stream, bool to_slave) {
        const auto address = to_host_address(stream.remote_endpoint());
        auto one = std::make_shared<client>(std::move(stream), runtime_.get_executor(), logic_->options().frame_limit);
        {
            const std::lock_guard lock(mutex_);
            one->id = logic_->connect(address, now(), to_slave);
        }
        clients_.emplace(one->id, one);
        spawn(read_from(this->shared_from_this(), one));
        spawn(write_to(this->shared_from_this(), one));
        flush();
    }

    static nothing read_from(self_ptr self, client_ptr from) {
        while (!from->ended) {
            const auto room            = from->reader.prepare();
            const auto buffer          = asio::buffer(room.data(), room.size());
            const auto [failure, size] = co_await from->stream.async_read_some(buffer, await_tuple);
            if (failure)
                break;
            from->reader.commit(size);
            const bool usable = co_await handle_frames(self, from);
            if (!usable)
                break;
        }
        self->end(*from);
    }

    /// @return Whether the connection can be read from further.
    static detail::awaitable<bool, executor_type> handle_frames(self_ptr self, client_ptr from) {
        for (;;) {
            while (self->is_paused() && !from->ended)
                co_await self->resumed_.async_wait(await_tuple);
            while (self->unsent(*from) > most_unsent_bytes && !from->ended)
                co_await from->has_written.async_wait(await_tuple);
            if (from->ended)
                co_return false;
            const auto next = from->reader.next();
            if (!next)
                co_return false; // nothing behind a broken frame can be trusted
            if (!*next)
                co_return true;
            {
                const std::lock_guard lock(self->mutex_);
                self->logic_->handle(from->id, (*next)->header, (*next)->body, self->now());
            }
            self->flush();
        }
    }

    std::size_t unsent(const client& to) {
        const std::lock_guard lock(mutex_);
        return logic_->out().waiting_for(to.id);
    }

    static nothing write_to(self_ptr self, client_ptr to) {
        while (!to->ended) {
            if (self->is_paused()) {
                co_await self->resumed_.async_wait(await_tuple);
                continue;
            }
            if (!self->take_frames(*to)) {
                co_await to->has_frames.async_wait(await_tuple);
                continue;
            }
            to->has_written.signal();
            const auto buffer          = asio::buffer(to->writing);
            const auto [failure, size] = co_await asio::async_write(to->stream, buffer, await_tuple);
            if (failure)
                break;
        }
        self->end(*to);
    }

    bool take_frames(client& to) {
        const std::lock_guard lock(mutex_);
        return logic_->out().take_frames(to.id, to.writing);
    }

    static nothing wake_when_due(self_ptr self) {
        while (!self->stopped_) {
            self->timer_at_ = self->tick_if_due();
            self->timer_.expires_at(self->timer_at_);
            self->flush();
            co_await self->timer_.async_wait(await_tuple);
        }
    }

    /// @return When to come again.
    std::chrono::steady_clock::time_point tick_if_due() {
        const auto never = std::chrono::steady_clock::time_point::max();
        const std::lock_guard lock(mutex_);
        if (paused_)
            return never;
        const auto at = now();
        if (const auto due = logic_->next_due(); due && *due <= at.steady)
            logic_->tick(at);
        return logic_->next_due().value_or(never);
    }

    Runtime runtime_;
    acceptor_type acceptor_;
    std::optional<acceptor_type> slave_acceptor_;
    typename Runtime::timer timer_;
    typename Runtime::timer retry_timer_;
    typename Runtime::timer slave_retry_timer_;
    detail::async_event<executor_type> resumed_;
    std::map<connection_id, client_ptr> clients_;
    std::chrono::steady_clock::time_point timer_at_{};
    bool stopped_ = false;

    std::mutex mutex_;                  // guards all below
    std::optional<broker_logic> logic_; // there as soon as it is known where it listens
    bool paused_ = false;
};

} // namespace rocketpush::embedded

#endif

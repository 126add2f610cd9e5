#ifndef ROCKETPUSH_TRANSPORT_MEMORY_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_MEMORY_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/transport/memory_network.hpp>
#include <rocketpush/transport/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

namespace rocketpush {

namespace detail {

/// What a stream and its operations share, so that either may go first.
template <class Executor>
struct memory_end {
    explicit memory_end(const Executor& executor)
        : reading(std::make_shared<memory_signal<Executor>>(executor)),
          writing(std::make_shared<memory_signal<Executor>>(executor)) {}

    ~memory_end() { close(); }

    void cancel() {
        reading->cancel();
        writing->cancel();
    }

    void close() {
        if (const auto ended = std::exchange(connection, nullptr))
            ended->end(side);
        cancel();
    }

    std::shared_ptr<memory_signal<Executor>> reading;
    std::shared_ptr<memory_signal<Executor>> writing; // also a connect that gets no answer
    std::shared_ptr<memory_connection> connection;
    std::size_t side = 0;
};

/// Reads or writes: tries, waits to be woken, tries again.
template <class Executor, class Buffers, bool Reads>
struct memory_transfer {
    memory_transfer(std::shared_ptr<memory_end<Executor>> of, const Buffers& bytes)
        : end(std::move(of)), buffers(bytes), cancellations(signal()->cancellations) {}

    template <class Self>
    void operator()(Self& self) {
        if (outcome)
            return self.complete(outcome->first, outcome->second);
        outcome = attempt();
        if (outcome)
            asio::post(end->reading->executor,
                       std::move(self)); // not inside of the call that began it; comes here again
        else
            wait(self);
    }

    template <class Self>
    void operator()(Self& self, std::error_code) {
        const bool cancelled = signal()->cancellations != cancellations ||
                               self.get_cancellation_state().cancelled() != asio::cancellation_type::none;
        if (cancelled)
            return self.complete(asio::error::operation_aborted, 0);
        outcome = attempt();
        if (!outcome)
            return wait(self);
        self.complete(outcome->first, outcome->second);
    }

    std::shared_ptr<memory_end<Executor>> end;
    Buffers buffers;
    std::uint64_t cancellations;
    memory_connection::outcome outcome;

  private:
    const std::shared_ptr<memory_signal<Executor>>& signal() const noexcept {
        return Reads ? end->reading : end->writing;
    }

    memory_connection::outcome attempt() {
        if (!end->connection)
            return std::pair(std::error_code(asio::error::bad_descriptor), std::size_t(0));
        if constexpr (Reads)
            return end->connection->try_read(end->side, buffers, signal());
        else
            return end->connection->try_write(end->side, buffers, signal());
    }

    template <class Self>
    void wait(Self& self) {
        auto& event = signal()->event;
        event.async_wait(std::move(self));
    }
};

} // namespace detail

/**
 * @brief One end of an in-process connection; what memory_transport connects.
 * @par Thread safety  On its executor only. The other end may be on another one.
 */
template <class Executor>
class memory_stream {
  public:
    using executor_type = Executor;

    explicit memory_stream(const Executor& executor) : end_(std::make_shared<detail::memory_end<Executor>>(executor)) {}

    memory_stream(memory_stream&&) noexcept = default;
    memory_stream& operator=(memory_stream&& other) noexcept {
        if (this != &other) {
            if (end_)
                end_->close();
            end_ = std::move(other.end_);
        }
        return *this;
    }
    ~memory_stream() {
        if (end_)
            end_->close();
    }

    executor_type get_executor() { return end_->reading->executor; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return begin<true>(buffers, std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return begin<false>(buffers, std::forward<Token>(token));
    }

    void cancel() noexcept { end_->cancel(); }
    void close() noexcept { end_->close(); }

    /// Empty host and port 0 when not connected.
    endpoint local_endpoint() const { return end_->connection ? end_->connection->name_of(end_->side) : endpoint{}; }
    endpoint remote_endpoint() const {
        return end_->connection ? end_->connection->name_of(1 - end_->side) : endpoint{};
    }

  private:
    friend class memory_transport;
    template <class>
    friend class memory_acceptor;

    template <bool Reads, class Buffers, class Token>
    auto begin(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(std::error_code, std::size_t)>(
            detail::memory_transfer<Executor, Buffers, Reads>(end_, buffers), token, end_->reading->executor);
    }

    std::shared_ptr<detail::memory_end<Executor>> end_; // null after a move
};

/**
 * @brief Accepts in-process connections; what memory_transport's listen() gives. Its end closes it.
 * @par Thread safety  On its executor only.
 */
template <class Executor>
class memory_acceptor {
  public:
    using executor_type = Executor;

    memory_acceptor(const Executor& executor, std::shared_ptr<memory_network> network, endpoint at,
                    std::shared_ptr<detail::memory_listener> listener)
        : state_(std::make_shared<state>(executor, std::move(network), std::move(at), std::move(listener))) {}

    memory_acceptor(memory_acceptor&&) noexcept = default;
    memory_acceptor& operator=(memory_acceptor&& other) noexcept {
        if (this != &other) {
            if (state_)
                state_->close();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~memory_acceptor() {
        if (state_)
            state_->close();
    }

    executor_type get_executor() { return state_->accepting->executor; }

    /// @param token  Completion signature `void(std::error_code, memory_stream<Executor>)`.
    template <class Token>
    auto async_accept(Token&& token) {
        return asio::async_compose<Token, void(std::error_code, memory_stream<Executor>)>(
            accept_operation{state_, state_->accepting->cancellations, nullptr, {}}, token,
            state_->accepting->executor);
    }

    endpoint local_endpoint() const { return state_->at; }
    void close() noexcept { state_->close(); }

  private:
    struct state {
        state(const Executor& executor, std::shared_ptr<memory_network> in, endpoint where,
              std::shared_ptr<detail::memory_listener> of)
            : accepting(std::make_shared<detail::memory_signal<Executor>>(executor)),
              network(std::move(in)),
              at(std::move(where)),
              listener(std::move(of)) {}

        void close() {
            network->end_listening(at, *listener);
            closed = true;
            accepting->cancel();
        }

        std::shared_ptr<detail::memory_signal<Executor>> accepting;
        std::shared_ptr<memory_network> network;
        endpoint at;
        std::shared_ptr<detail::memory_listener> listener;
        bool closed = false;
    };

    struct accept_operation {
        std::shared_ptr<state> acceptor;
        std::uint64_t cancellations;
        std::shared_ptr<detail::memory_connection> accepted;
        std::error_code failure;

        template <class Self>
        void operator()(Self& self) {
            if (accepted || failure)
                return finish(self);
            attempt();
            if (accepted || failure)
                asio::post(acceptor->accepting->executor, std::move(self)); // comes here again
            else
                wait(self);
        }

        template <class Self>
        void operator()(Self& self, std::error_code) {
            if (acceptor->accepting->cancellations != cancellations ||
                self.get_cancellation_state().cancelled() != asio::cancellation_type::none)
                failure = asio::error::operation_aborted;
            else
                attempt();
            if (accepted || failure)
                finish(self);
            else
                wait(self);
        }

        void attempt() {
            if (acceptor->closed)
                failure = asio::error::bad_descriptor;
            else
                accepted = acceptor->network->try_accept(*acceptor->listener, acceptor->accepting);
        }

        template <class Self>
        void finish(Self& self) {
            memory_stream<Executor> stream(acceptor->accepting->executor);
            stream.end_->connection = std::move(accepted);
            stream.end_->side       = 1;
            self.complete(failure, std::move(stream));
        }

        template <class Self>
        void wait(Self& self) {
            auto& event = acceptor->accepting->event;
            event.async_wait(std::move(self));
        }
    };

    std::shared_ptr<state> state_; // null after a move
};

/**
 * @brief Connections inside of the process, without sockets: for tests with the embedded broker, and for simulation.
 *
 * On one executor it is deterministic: what happens depends on the order of calls only. Streams keep their bytes in
 * order and bounded; a mutex for each connection lets the two ends be in two threads.
 */
class memory_transport {
  public:
    template <class Executor>
    using stream = memory_stream<Executor>;
    template <class Executor>
    using acceptor = memory_acceptor<Executor>;

    explicit memory_transport(std::shared_ptr<memory_network> network) : network_(std::move(network)) {
        ROCKETPUSH_ASSERT(network_, "a memory transport is made on a network");
    }

    /// @param token  Completion signature `void(std::error_code)`.
    template <class Executor, class Token>
    auto async_connect(memory_stream<Executor>& connection, const endpoint& to, Token&& token) const {
        return asio::async_compose<Token, void(std::error_code)>(
            connect_operation<Executor>{connection.end_, connection.end_->writing->cancellations,
                                        network_->connect(to)},
            token, connection.end_->writing->executor);
    }

    template <class Executor>
    result<memory_acceptor<Executor>> listen(const Executor& executor, endpoint at) const {
        auto listener = network_->listen(at);
        if (!listener)
            return std::error_code(asio::error::address_in_use);
        return memory_acceptor<Executor>(executor, network_, std::move(at), std::move(listener));
    }

  private:
    template <class Executor>
    struct connect_operation {
        std::shared_ptr<detail::memory_end<Executor>> end;
        std::uint64_t cancellations;
        memory_network::connect_outcome outcome;
        bool posted = false;

        template <class Self>
        void operator()(Self& self) {
            if (posted)
                return finish(self, end->writing->cancellations != cancellations);
            posted        = true;
            auto& writing = *end->writing;
            if (outcome.connection || outcome.failure)
                asio::post(writing.executor, std::move(self)); // comes here again
            else
                writing.event.async_wait(std::move(self)); // silence: nothing but a cancellation ends it
        }

        template <class Self>
        void operator()(Self& self, std::error_code) {
            finish(self, true);
        }

        template <class Self>
        void finish(Self& self, bool cancelled) {
            if (cancelled) {
                if (outcome.connection)
                    outcome.connection->end(0);
                return self.complete(asio::error::operation_aborted);
            }
            end->connection = std::move(outcome.connection);
            end->side       = 0;
            self.complete(outcome.failure);
        }
    };

    std::shared_ptr<memory_network> network_;
};

static_assert(listening_transport<memory_transport>);

} // namespace rocketpush

#endif

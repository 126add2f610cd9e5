#ifndef BENCH_SUPPORT_CANNED_TRANSPORT_HPP
#define BENCH_SUPPORT_CANNED_TRANSPORT_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>
#include <asio/post.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "bench/support/canned_broker.hpp"

namespace bench {

/**
 * @brief A read that waits for bytes: its handler, kept in place, since pulls must not allocate because of us.
 */
class held_read {
  public:
    held_read()                            = default;
    held_read(const held_read&)            = delete;
    held_read& operator=(const held_read&) = delete;
    ~held_read() {
        if (operate_)
            operate_(*this, nullptr);
    }

    explicit operator bool() const noexcept { return operate_ != nullptr; }
    const asio::mutable_buffer& room() const noexcept { return room_; }

    template <class Executor, class Handler>
    void hold(const asio::mutable_buffer& room, const Executor& executor, Handler handler) {
        using stored = bound<Executor, Handler>;
        static_assert(sizeof(stored) <= sizeof storage_);
        ::new (static_cast<void*>(storage_)) stored{executor, std::move(handler)};
        room_    = room;
        operate_ = [](held_read& self, const outcome* how) {
            auto* held    = std::launder(reinterpret_cast<stored*>(self.storage_));
            auto taken    = std::move(*held);
            self.operate_ = nullptr;
            held->~stored();
            if (how)
                asio::post(taken.executor, [handler = std::move(taken.handler), how = *how]() mutable {
                    std::move(handler)(how.failure, how.count);
                });
        };
    }
    void complete(std::error_code failure, std::size_t count) {
        const outcome how{failure, count};
        operate_(*this, &how);
    }

  private:
    struct outcome {
        std::error_code failure;
        std::size_t count;
    };
    template <class Executor, class Handler>
    struct bound {
        Executor executor;
        Handler handler;
    };

    alignas(std::max_align_t) std::byte storage_[96];
    void (*operate_)(held_read&, const outcome*) = nullptr;
    asio::mutable_buffer room_;
};

/**
 * @brief A connection to a canned_broker, which is in the same thread: what is written it has understood when the call
 *        returns, what is read it makes right then.
 *
 * Keeps the laws of `transport`, with these exceptions: a write and a connect are done when they begin, so `cancel()`
 * finds only a read to abort; and the broker never closes.
 */
template <class Executor>
class canned_stream {
  public:
    using executor_type = Executor;

    explicit canned_stream(const Executor& executor) : state_(std::make_unique<state>(executor)) {}
    canned_stream(canned_stream&&) noexcept            = default;
    canned_stream& operator=(canned_stream&&) noexcept = default;
    ~canned_stream() {
        if (state_)
            close();
    }

    executor_type get_executor() { return state_->executor; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
            [self = state_.get()](auto handler, asio::mutable_buffer room) {
                if (!self->session)
                    self->post(std::move(handler), asio::error::bad_descriptor, 0);
                else if (self->session->has_answers() || room.size() == 0)
                    self->post(std::move(handler), {},
                               self->session->give(static_cast<char*>(room.data()), room.size()));
                else
                    self->reading.hold(room, self->executor, std::move(handler));
            },
            token, asio::mutable_buffer(*asio::buffer_sequence_begin(buffers)));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(std::error_code, std::size_t)>(
            [self = state_.get()](auto handler, asio::const_buffer bytes) {
                if (!self->session)
                    return self->post(std::move(handler), asio::error::bad_descriptor, 0);
                self->session->receive({static_cast<const char*>(bytes.data()), bytes.size()});
                self->post(std::move(handler), {}, bytes.size());
                if (self->reading && self->session->has_answers()) {
                    const auto room = self->reading.room();
                    self->reading.complete({}, self->session->give(static_cast<char*>(room.data()), room.size()));
                }
            },
            token, asio::const_buffer(*asio::buffer_sequence_begin(buffers)));
    }

    void cancel() noexcept {
        if (state_->reading)
            state_->reading.complete(asio::error::operation_aborted, 0);
    }
    void close() noexcept {
        cancel();
        state_->session.reset();
    }

  private:
    friend class canned_transport;

    struct state {
        explicit state(const Executor& where) : executor(where) {}

        template <class Handler>
        void post(Handler handler, std::error_code failure, std::size_t count) {
            asio::post(executor, [handler = std::move(handler), failure, count]() mutable {
                std::move(handler)(failure, count);
            });
        }

        Executor executor;
        std::optional<canned_broker::session> session; ///< While it is connected.
        held_read reading;
    };

    std::unique_ptr<state> state_; // null after a move
};

/// Connects to one canned_broker, whatever the endpoint.
class canned_transport {
  public:
    template <class Executor>
    using stream = canned_stream<Executor>;

    explicit canned_transport(std::shared_ptr<canned_broker> broker) noexcept : broker_(std::move(broker)) {}

    template <class Executor, class Token>
    auto async_connect(canned_stream<Executor>& connection, const rocketpush::endpoint&, Token&& token) const {
        return asio::async_initiate<Token, void(std::error_code)>(
            [self = connection.state_.get(), broker = broker_](auto handler) {
                self->session.emplace(*broker);
                asio::post(self->executor,
                           [handler = std::move(handler)]() mutable { std::move(handler)(std::error_code()); });
            },
            token);
    }

  private:
    std::shared_ptr<canned_broker>
        broker_; // outlives its sessions: the consumer keeps the transport longer than streams
};

static_assert(rocketpush::transport<canned_transport>);

} // namespace bench

#endif

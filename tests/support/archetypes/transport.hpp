#ifndef ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_TRANSPORT_HPP
#define ROCKETPUSH_TESTS_SUPPORT_ARCHETYPES_TRANSPORT_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/transport/transport.hpp>

#include <cstddef>
#include <system_error>
#include <utility>

namespace rocketpush::test {

/// What transport asks of a stream and no more: moved, not assigned. Every operation fails.
template <class Executor>
class stream_archetype {
  public:
    using executor_type = Executor;

    explicit stream_archetype(const Executor& executor) : executor_(executor) {}
    stream_archetype(stream_archetype&&)            = default;
    stream_archetype& operator=(stream_archetype&&) = delete;

    Executor get_executor() { return executor_; }
    void cancel() noexcept {}
    void close() noexcept {}

    template <class Buffers, class Token>
    auto async_read_some(const Buffers&, Token&& token) {
        return fail<std::size_t>(std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers&, Token&& token) {
        return fail<std::size_t>(std::forward<Token>(token));
    }

    /// Completes with `void(std::error_code, Results...)`.
    template <class... Results, class Token>
    auto fail(Token&& token) {
        return asio::async_compose<Token, void(std::error_code, Results...)>(failing<Results...>{executor_}, token,
                                                                             executor_);
    }

  private:
    template <class... Results>
    struct failing {
        Executor executor;
        bool posted = false;
        template <class Self>
        void operator()(Self& self) {
            if (std::exchange(posted, true))
                self.complete(asio::error::operation_not_supported, Results()...);
            else
                asio::post(Executor(executor), std::move(self));
        }
    };

    Executor executor_;
};

/// What transport asks and no more.
struct transport_archetype {
    template <class Executor>
    using stream = stream_archetype<Executor>;

    explicit transport_archetype(int) noexcept {} // no default construction
    transport_archetype(const transport_archetype&)            = default;
    transport_archetype& operator=(const transport_archetype&) = delete;

    template <class Executor, class Token>
    auto async_connect(stream_archetype<Executor>& connection, const endpoint&, Token&& token) { // not const
        return connection.template fail<>(std::forward<Token>(token));
    }
};
static_assert(transport<transport_archetype>);
static_assert(!listening_transport<transport_archetype>);

} // namespace rocketpush::test

#endif

#ifndef ROCKETPUSH_DETAIL_ASIO_COMPAT_HPP
#define ROCKETPUSH_DETAIL_ASIO_COMPAT_HPP

#include <asio/version.hpp>

// Asio 1.22 looks for coroutines of clang only in <experimental/coroutine>. Standard ones work as well, but it has
// to be told before its first header.
#if defined(__clang__) && ASIO_VERSION < 102400 && __has_include(<coroutine>)
#if defined(ASIO_AWAITABLE_HPP) && !defined(ASIO_HAS_CO_AWAIT)
#error                                                                                                                 \
    "with clang and Asio 1.22, include rocketpush before Asio, or define ASIO_HAS_CO_AWAIT and ASIO_HAS_STD_COROUTINE"
#endif
#ifndef ASIO_HAS_CO_AWAIT
#define ASIO_HAS_CO_AWAIT 1
#endif
#ifndef ASIO_HAS_STD_COROUTINE
#define ASIO_HAS_STD_COROUTINE 1
#endif
#endif

// Asio does not see by itself that there is no typeid.
#if !defined(__cpp_rtti) && !defined(ASIO_NO_TYPEID)
#define ASIO_NO_TYPEID 1
#endif

#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/compose.hpp>
#include <asio/detached.hpp>
#include <asio/dispatch.hpp>
#include <asio/error.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/wait_traits.hpp>

#if ASIO_VERSION < 102201
#error "rocketpush needs Asio 1.22.1 or newer"
#endif

#if __has_include(<asio/as_tuple.hpp>)
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

#include <chrono>
#include <concepts>
#include <utility>

/*
 * Every difference between Asio 1.22 (Debian 12) and today's stands in this header; no other looks at Asio's
 * version. Asio's names that are equal in both are used as they are.
 */
namespace rocketpush::detail {

#if __has_include(<asio/as_tuple.hpp>)
template <class Token>
using as_tuple_t = asio::as_tuple_t<Token>;
#else
template <class Token>
using as_tuple_t = asio::experimental::as_tuple_t<Token>; // became asio::as_tuple_t in 1.24
#endif

/// A coroutine on `Executor`: Asio's own default is any_io_executor, whose calls are indirect.
template <class T, class Executor>
using awaitable = asio::awaitable<T, Executor>;

/**
 * @brief Awaits an operation of `Executor`'s coroutine and never throws what the operation reports:
 *        `auto [ec, n] = co_await stream.async_read_some(buffer, await_tuple<Executor>);`
 *
 * A wait has one result: `auto [ec] = co_await timer.async_wait(await_tuple<Executor>);`
 *
 * Mind g++ 12: it destroys an aggregate twice that is made by braces inside of an awaited expression
 * (`co_await f(endpoint{host, port})`). Give it a name first.
 */
template <class Executor>
inline constexpr as_tuple_t<asio::use_awaitable_t<Executor>> await_tuple{asio::use_awaitable_t<Executor>{}};

/// Asio's timer on `Executor`, without any_io_executor; an instance belongs to one strand.
template <class Executor>
using steady_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// The newer and the older executor model of Asio; both satisfy it.
template <class T>
concept asio_executor_type = asio::execution::is_executor<T>::value || asio::is_executor<T>::value;

/// Asio does not ask executors to know this; io_context's, its strands and its pools do.
template <class Executor>
concept knows_its_threads = requires(const Executor& executor) {
    { executor.running_in_this_thread() } -> std::convertible_to<bool>;
};

/**
 * @brief A completion token that begins nothing: concepts call operations with it to see that they take any token. No operation
 *        is compiled for it, so that asking costs next to nothing.
 */
struct probe_token {};

} // namespace rocketpush::detail

template <class Result, class... Results>
class asio::async_result<rocketpush::detail::probe_token, Result(Results...)> {
  public:
    using return_type = void;

    template <class Initiation, class... Arguments>
    static void initiate(Initiation&&, const rocketpush::detail::probe_token&, Arguments&&...) noexcept {}
};

#endif

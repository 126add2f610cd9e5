#ifndef ROCKETPUSH_DETAIL_FINALLY_HPP
#define ROCKETPUSH_DETAIL_FINALLY_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/thrown.hpp>

#include <system_error>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief Awaits `step`, then calls `then`, however that ended.
 *
 * What throws is not ours to foresee: a policy of the user's, or an allocation. Whoever spawns a coroutine and waits for nobody would
 * not hear of it, and what was to follow would never come.
 *
 * @param then  Gets why it threw, by code_of_thrown; nothing if it did not.
 */
template <class Executor, class Then>
awaitable<void, Executor> finally(awaitable<void, Executor> step, Then then) {
    std::error_code why;
    try {
        co_await std::move(step);
    } catch (...) { // nothing may be awaited here
        why = code_of_thrown();
    }
    then(why);
}

/// The same, spawned by `host`. Where not even that can begin, `then` is called at once.
/// @param begin  Gives the step.
template <class Host, class Begin, class Then>
void spawn_finally(Host& host, Begin begin, Then then) {
    try {
        host.spawn(finally(begin(), then));
    } catch (...) { // no memory
        then(code_of_thrown());
    }
}

} // namespace rocketpush::detail

#endif

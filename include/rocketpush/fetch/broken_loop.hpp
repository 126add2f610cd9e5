#ifndef ROCKETPUSH_FETCH_BROKEN_LOOP_HPP
#define ROCKETPUSH_FETCH_BROKEN_LOOP_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/lasting_duty.hpp>

#include <memory>
#include <system_error>

namespace rocketpush {

/**
 * @brief The fetch loop of a queue has thrown, for lack of memory or in a policy of the user's: tells so, and rests for
 *        `detail::duty_rest`.
 * @return Whether the queue is still owned then, and its fetching has to begin anew: how far it came with an answer nobody knows.
 */
template <class Host, class Queue>
detail::awaitable<bool, typename Host::executor_type> rest_after_exception(std::shared_ptr<Host> host,
                                                                           std::shared_ptr<Queue> queue,
                                                                           std::error_code why) {
    queue->wake_idle();
    if (queue->dropped)
        co_return false;
    host->observe().on_pull_failure(queue->queue, why);
    co_await queue->sleep(host->runtime(), detail::duty_rest);
    co_return !queue->dropped;
}

} // namespace rocketpush

#endif

#ifndef ROCKETPUSH_DETAIL_LASTING_DUTY_HPP
#define ROCKETPUSH_DETAIL_LASTING_DUTY_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <chrono>
#include <memory>
#include <utility>

namespace rocketpush::detail {

/// How long a duty that threw rests.
inline constexpr std::chrono::seconds duty_rest{1};

/**
 * @brief A loop that nothing may end but its own return: when it throws, it begins anew after `duty_rest`.
 *
 * What throws is not ours to foresee (see finally); the duty would be done by nobody from then on.
 *
 * @param duty  Looks itself whether it is still wanted, and returns when it is not; at once when it begins anew then.
 */
template <class Runtime, class Self>
awaitable<void, typename Runtime::executor_type>
lasting_duty(Runtime runtime, std::shared_ptr<Self> self,
             awaitable<void, typename Runtime::executor_type> (*duty)(std::shared_ptr<Self>)) {
    for (;;) {
        bool done = false;
        try {
            co_await duty(self);
            done = true;
        } catch (...) { // nothing may be awaited here
        }
        if (done)
            break;
        typename Runtime::timer rest(runtime);
        rest.expires_at(runtime.now() + duty_rest);
        co_await rest.async_wait(await_tuple<typename Runtime::executor_type>);
    }
}

} // namespace rocketpush::detail

#endif

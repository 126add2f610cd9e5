// build error: has_runtime_timer
#include <rocketpush/runtime/asio_runtime.hpp>

#include <functional>
#include <utility>

template <rocketpush::runtime Runtime>
void live_on(const Runtime&) {}

struct own_runtime : rocketpush::asio_runtime {
    struct timer {
        explicit timer(const own_runtime&);
        void expires_at(std::chrono::steady_clock::time_point);
        void cancel();
#ifdef CONTROL
        template <class Token>
        auto async_wait(Token&& token) {
            return asio::post(std::forward<Token>(token));
        }
#else
        void on_expiry(std::function<void()>); // takes no completion token
#endif
    };
};

void use(const own_runtime& runtime) { live_on(runtime); }

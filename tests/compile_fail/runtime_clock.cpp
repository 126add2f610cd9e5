// build error: has_runtime_clocks
#include <rocketpush/runtime/asio_runtime.hpp>

template <rocketpush::runtime Runtime>
void live_on(const Runtime&) {}

struct slow_motion : rocketpush::asio_runtime {
    using rocketpush::asio_runtime::asio_runtime;
#ifdef CONTROL
    std::chrono::steady_clock::time_point now() const noexcept;
#else
    std::chrono::system_clock::time_point now() const noexcept; // the wall clock may jump
#endif
};

void use(const slow_motion& runtime) { live_on(runtime); }

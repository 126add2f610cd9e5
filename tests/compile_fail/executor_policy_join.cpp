// build error: starts_and_joins
#include <rocketpush/executor/executor_policy.hpp>

template <rocketpush::executor_policy Executor>
void run_on(Executor&) {}

struct in_place {
    static constexpr bool concurrent = false;
    void start(std::size_t);
    template <class Job>
    void execute(Job job) {
        job();
    }
    std::size_t concurrency() const;
    void resize(std::size_t);
#ifdef CONTROL
    bool join(std::chrono::milliseconds);
#else
    bool join(); // has no limit, so a listener that hangs would hang the consumer
#endif
};

void use(in_place& executor) { run_on(executor); }

// build error: tells_whether_concurrent
#include <rocketpush/executor/executor_policy.hpp>

template <rocketpush::executor_policy Executor>
void run_on(Executor&) {}

struct in_place {
#ifdef CONTROL
    static constexpr bool concurrent = false;
#endif
    void start(std::size_t);
    template <class Job>
    void execute(Job job) {
        job();
    }
    std::size_t concurrency() const;
    void resize(std::size_t);
    bool join(std::chrono::milliseconds);
};

void use(in_place& executor) { run_on(executor); }

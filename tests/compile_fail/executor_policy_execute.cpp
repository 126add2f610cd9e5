// build error: executes_jobs
#include <rocketpush/executor/executor_policy.hpp>

#include <functional>

template <rocketpush::executor_policy Executor>
void run_on(Executor&) {}

struct in_place {
    static constexpr bool concurrent = false;
    void start(std::size_t);
#ifdef CONTROL
    template <class Job>
    void execute(Job job) {
        job();
    }
#else
    void run(const std::function<void()>& job) { job(); }
#endif
    std::size_t concurrency() const;
    void resize(std::size_t);
    bool join(std::chrono::milliseconds);
};

void use(in_place& executor) { run_on(executor); }

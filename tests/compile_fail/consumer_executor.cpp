// build error: starts_and_joins
#include <rocketpush/push_consumer.hpp>

#include <chrono>
#include <cstddef>

struct own_executor {
    static constexpr bool concurrent = false;
    void start(std::size_t) {}
    template <class Job>
    void execute(Job job) {
        job();
    }
    std::size_t concurrency() const { return 1; }
    void resize(std::size_t) {}
#ifdef CONTROL
    bool join(std::chrono::milliseconds) { return true; }
#else
    void join() {} // for ever
#endif
};

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

#ifdef AS_VALUE
void make(const rocketpush::options& with) { rocketpush::push_consumer consumer{with, on_entry{}, own_executor{}}; }
#else
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_executor>) != 0);
#endif

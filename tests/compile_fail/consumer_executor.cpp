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

#ifndef AS_VALUE
static_assert(sizeof(rocketpush::consumer_of<on_entry, own_executor>) != 0);
#endif
#if defined(AS_VALUE) || defined(CONTROL)
using deduced = decltype(rocketpush::push_consumer(rocketpush::options(), on_entry{}, own_executor{}));
#endif

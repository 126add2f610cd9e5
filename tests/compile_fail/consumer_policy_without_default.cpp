// build error: a policy without a default constructor is given to the consumer as a value
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <memory>

struct on_entry {
    void operator()(const rocketpush::message_view&) const;
};

void make(const rocketpush::options& with) {
    rocketpush::consumer_of<on_entry, rocketpush::memory_transport> consumer{
        with, on_entry{}
#ifdef CONTROL
        , rocketpush::memory_transport(std::make_shared<rocketpush::memory_network>())
#endif
    };
}

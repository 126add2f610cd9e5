#include "tests/scenario/support/threaded_orderly_consumer.hpp"

#include <rocketpush/push_consumer.hpp>

#include <utility>

namespace rocketpush::test {

struct threaded_orderly_consumer::impl {
    consumer_of<orderly<message_function>, recorder> consumer;
};

threaded_orderly_consumer::threaded_orderly_consumer(const options& with, message_function listener)
    : impl_(new impl{{with, orderly<message_function>(std::move(listener)), recorder(log_)}}) {}
threaded_orderly_consumer::~threaded_orderly_consumer() = default;

void threaded_orderly_consumer::subscribe(const std::string& topic) { impl_->consumer.subscribe(topic); }
void threaded_orderly_consumer::start() { impl_->consumer.start(); }
void threaded_orderly_consumer::stop() { impl_->consumer.stop(); }
void threaded_orderly_consumer::stop(std::chrono::milliseconds limit) { impl_->consumer.stop(limit); }
consumer_statistics threaded_orderly_consumer::statistics() { return impl_->consumer.statistics(); }

} // namespace rocketpush::test

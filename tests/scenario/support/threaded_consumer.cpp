#include "tests/scenario/support/threaded_consumer.hpp"

#include <rocketpush/push_consumer.hpp>

#include <utility>

namespace rocketpush::test {

struct threaded_consumer::impl {
    consumer_of<message_function, recorder> consumer;
};

threaded_consumer::threaded_consumer(const options& with, message_function listener)
    : impl_(new impl{{with, std::move(listener), recorder(log_)}}) {}
threaded_consumer::~threaded_consumer() = default;

void threaded_consumer::subscribe(const std::string& topic, const filter_expression& filter) {
    impl_->consumer.subscribe(topic, filter);
}
void threaded_consumer::start() { impl_->consumer.start(); }
void threaded_consumer::start(std::error_code& failure) { impl_->consumer.start(failure); }
void threaded_consumer::stop() { impl_->consumer.stop(); }
void threaded_consumer::stop(std::chrono::milliseconds limit) { impl_->consumer.stop(limit); }
void threaded_consumer::stop(std::error_code& failure) { impl_->consumer.stop(failure); }
void threaded_consumer::run() { impl_->consumer.run(); }
void threaded_consumer::resize(std::size_t threads) { impl_->consumer.resize(threads); }
consumer_statistics threaded_consumer::statistics() { return impl_->consumer.statistics(); }
void threaded_consumer::async_start(std::function<void(std::error_code)> done) { impl_->consumer.async_start(std::move(done)); }
void threaded_consumer::async_stop(std::function<void(std::error_code)> done) { impl_->consumer.async_stop(std::move(done)); }

} // namespace rocketpush::test

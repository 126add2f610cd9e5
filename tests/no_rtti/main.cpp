// Built with -fno-rtti: a whole consumer, and a broker to try it on, without type information. 0: all messages came.

#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/push_consumer.hpp>

#include <atomic>
#include <cstdio>
#include <exception>
#include <future>
#include <stdexcept>

#ifdef __GXX_RTTI
#error "this is to be built with -fno-rtti"
#endif

namespace rp = rocketpush;

int main() {
    constexpr int total = 1000;
    try {
        rp::embedded::broker broker;
        broker.create_topic("orders", 4);
        for (int i = 0; i < total; ++i)
            broker.send("orders", "paid", {.tags = "paid"});

        std::atomic<int> came{0};
        std::promise<void> done;
        rp::push_consumer consumer{
            rp::options{
                .name_servers = broker.name_server_address(), .group = "billing", .from = rp::consume_from::first},
            [&](const rp::message_view& message) {
                const auto number = ++came;
                if (number == 1) // comes again: what is thrown is caught without type information, too
                    throw std::runtime_error("not yet");
                if (number == total)
                    done.set_value();
                return message.body() == "paid" ? rp::consume_result::success : rp::consume_result::reconsume_later;
            }};
        consumer.subscribe("orders", rp::tags("paid"));
        consumer.start();
        done.get_future().wait();
        consumer.stop();
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "no_rtti: %s\n", problem.what());
        return 1;
    }
}

#include "example_cluster.hpp"

#include <rocketpush/embedded.hpp>

#include <chrono>
#include <csignal>

struct example_cluster::inside {
    static rocketpush::embedded::broker_options quick_retries() {
        using namespace std::chrono_literals;
        rocketpush::embedded::broker_options options;
        options.delay_levels = {100ms, 100ms, 100ms, 200ms}; // what failed comes again soon
        return options;
    }

    rocketpush::embedded::broker broker{quick_retries()};
};

example_cluster::example_cluster(int count, char** arguments, std::initializer_list<std::string_view> bodies,
                                 std::size_t readers) {
    if (count > 1) {
        name_servers_ = arguments[1];
        topic_        = count > 2 ? arguments[2] : "rocketpush_example";
        return;
    }
    inside_       = std::make_unique<inside>();
    name_servers_ = inside_->broker.name_server_address();
    topic_        = "rocketpush_example";
    inside_->broker.create_topic(topic_, 4);
    send(bodies, readers);
}

example_cluster::~example_cluster() = default;

void example_cluster::send(std::initializer_list<std::string_view> bodies, std::size_t readers) {
    left_ += bodies.size() * readers;
    for (const auto& each : bodies)
        inside_->broker.send(topic_, each);
}

void example_cluster::consumed(std::size_t messages) {
    if (inside_ && left_.fetch_sub(messages) == messages)
        std::raise(SIGINT);
}

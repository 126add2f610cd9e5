#ifndef ROCKETPUSH_EXAMPLES_EXAMPLE_CLUSTER_HPP
#define ROCKETPUSH_EXAMPLES_EXAMPLE_CLUSTER_HPP

#include <rocketpush/embedded/broker.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

/**
 * @brief Where an example runs: `EXAMPLE HOST:PORT TOPIC` on that cluster, until Ctrl-C; `EXAMPLE` alone on a broker inside the
 *        program, until the messages that it was given are consumed.
 *
 * What an example shows is not here: an application has its name servers from its configuration, and no end of its own.
 */
class example_cluster {
  public:
    /// @param bodies  Messages of the broker inside the program. @param readers  How many groups read each of them.
    example_cluster(int count, char** arguments, std::initializer_list<std::string_view> bodies,
                    std::size_t readers = 1) {
        if (count > 1) {
            name_servers_ = arguments[1];
            topic_        = count > 2 ? arguments[2] : "rocketpush_example";
            return;
        }
        using namespace std::chrono_literals;
        rocketpush::embedded::broker_options options;
        options.delay_levels = {100ms, 100ms, 100ms, 200ms}; // what failed comes again soon
        broker_.emplace(options);
        name_servers_ = broker_->name_server_address();
        topic_        = "rocketpush_example";
        broker_->create_topic(topic_, 4);
        send(bodies, readers);
    }

    bool is_inside() const noexcept { return broker_.has_value(); }
    const std::string& name_servers() const noexcept { return name_servers_; }
    const std::string& topic() const noexcept { return topic_; }

    /// More messages for the broker inside the program.
    void send(std::initializer_list<std::string_view> bodies, std::size_t readers = 1) {
        left_ += bodies.size() * readers;
        for (const auto& each : bodies)
            broker_->send(topic_, each);
    }

    /// A listener has consumed messages. With the last one the example is over: as if somebody had pressed Ctrl-C.
    void consumed(std::size_t messages = 1) {
        if (broker_ && left_.fetch_sub(messages) == messages)
            std::raise(SIGINT);
    }

  private:
    std::optional<rocketpush::embedded::broker> broker_;
    std::string name_servers_, topic_;
    std::atomic<std::size_t> left_{0};
};

#endif

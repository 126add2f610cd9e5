#ifndef ROCKETPUSH_EXAMPLES_EXAMPLE_CLUSTER_HPP
#define ROCKETPUSH_EXAMPLES_EXAMPLE_CLUSTER_HPP

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <memory>
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
                    std::size_t readers = 1);
    ~example_cluster();

    bool is_inside() const noexcept { return inside_ != nullptr; }
    const std::string& name_servers() const noexcept { return name_servers_; }
    const std::string& topic() const noexcept { return topic_; }

    /// More messages for the broker inside the program.
    void send(std::initializer_list<std::string_view> bodies, std::size_t readers = 1);

    /// A listener has consumed messages. With the last one the example is over: as if somebody had pressed Ctrl-C.
    void consumed(std::size_t messages = 1);

  private:
    struct inside;
    std::unique_ptr<inside> inside_; // a broker; apart, so that it is compiled once for all examples
    std::string name_servers_, topic_;
    std::atomic<std::size_t> left_{0};
};

#endif

#include "topic.hpp"

namespace rocketcat {

void add_topic_flags(CLI::App& command, topic_flags& flags) {
    command.add_option("--topic", flags.topic, "Topic")->required();
    add_inspection_flags(command, flags.seen, "The topic is NS%topic at the broker");
}

} // namespace rocketcat

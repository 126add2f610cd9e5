#include "lag.hpp"

namespace rocketcat {

void add_lag_flags(CLI::App& command, lag_flags& flags) {
    command.add_option("--group", flags.group, "Consumer group")->required();
    command
        .add_option("--topic", flags.topics,
                    "Only this topic; repeatable [all that the group reads or has read, its retry topic last]")
        ->allow_extra_args(false);
    command.add_flag("--owners", flags.owners, "Ask the members which queues they hold, and show it");
    add_inspection_flags(command, flags.seen, "Topics and group are NS%topic and NS%group at the broker");
}

} // namespace rocketcat

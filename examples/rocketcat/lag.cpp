#include "lag.hpp"

#include <rocketpush/core/names.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "cluster_names.hpp"
#include "cluster_view.hpp"
#include "exit_codes.hpp"
#include "terminal.hpp"
#include "text_table.hpp"

namespace rocketcat {
namespace {

using rocketpush::protocol::queue_consumption;

std::int64_t lag_of(const queue_consumption& queue) {
    const auto natural = [](std::int64_t offset) { return std::max<std::int64_t>(0, offset); }; // a broker may say anything
    return natural(natural(queue.broker_offset) - natural(queue.consumer_offset));
}

struct sums {
    std::int64_t end = 0, committed = 0, lag = 0;
};
sums sums_of(const group_view& view) {
    sums sum;
    for (const auto& queue : view.queues) {
        sum.end += queue.broker_offset;
        sum.committed += std::max<std::int64_t>(0, queue.consumer_offset);
        sum.lag += lag_of(queue);
    }
    return sum;
}

/// How much quicker the group is than who sends to it, from one look to the next.
class speed {
  public:
    std::string text(const sums& now) {
        const auto at = std::chrono::steady_clock::now();
        std::string told;
        if (last_) {
            const auto seconds = std::chrono::duration<double>(at - at_).count();
            const auto rate    = [seconds](std::int64_t more) {
                return static_cast<std::int64_t>(static_cast<double>(more) / seconds);
            };
            told = fmt::format(", {} consumed and {} stored a second", rate(now.committed - last_->committed),
                               rate(now.end - last_->end));
        }
        last_ = now;
        at_   = at;
        return told;
    }

  private:
    std::optional<sums> last_;
    std::chrono::steady_clock::time_point at_{};
};

std::string as_table(const lag_flags& flags, const group_view& view, const std::string& pace) {
    using enum text_table::align;
    std::vector<text_table::column> columns{{"TOPIC"},        {"BROKER"},           {"QUEUE", right},
                                            {"END", right},   {"COMMITTED", right}, {"LAG", right},
                                            {"BEHIND", right}};
    if (flags.owners)
        columns.push_back({"MEMBER"});
    text_table table(std::move(columns));
    const auto now = now_in_milliseconds();
    for (std::size_t i = 0; i < view.queues.size(); ++i) {
        const auto& one = view.queues[i];
        const auto lag  = lag_of(one);
        // From the last consumed message: how long ago the group was where the producers were.
        const auto behind = lag > 0 && one.last_timestamp > 0 ? brief_time(now - one.last_timestamp) : "-";
        std::vector<std::string> cells{one.queue.topic,
                                       one.queue.broker_name,
                                       std::to_string(one.queue.queue_id),
                                       std::to_string(one.broker_offset),
                                       std::to_string(one.consumer_offset),
                                       std::to_string(lag),
                                       behind};
        if (flags.owners)
            cells.push_back(view.owners[i].empty() ? "-" : view.owners[i]);
        table.add(std::move(cells));
    }
    const auto width = is_terminal(stdout) ? terminal_width(stdout) : 0;
    auto text        = table.text(width);
    text += fmt::format("\n{}: {} behind in {} queues{}\n", flags.group, sums_of(view).lag, view.queues.size(), pace);
    if (view.queues.empty()) // consumption has not begun, or has not been committed
        text = fmt::format("{}: no broker has an offset of it yet\n", flags.group);
    if (view.members.empty())
        return text + "nobody is in the group\n";
    text_table members({{"CLIENT"}, {"ADDRESS"}, {"LANGUAGE"}, {"VERSION", right}});
    for (const auto& each : view.members)
        members.add({each.client_id, each.client_address, each.language, std::to_string(each.version)});
    return text + fmt::format("{} members, {}, {}\n\n", view.members.size(), view.message_model, view.consume_type) +
           members.text(width);
}

std::string as_json(const lag_flags& flags, const group_view& view) {
    std::string lines;
    for (std::size_t i = 0; i < view.queues.size(); ++i) {
        const auto& one = view.queues[i];
        json_line line("queue");
        line.add("topic", one.queue.topic)
            .add("brokerName", one.queue.broker_name)
            .add("queueId", one.queue.queue_id)
            .add("brokerOffset", one.broker_offset)
            .add("consumerOffset", one.consumer_offset)
            .add("lag", lag_of(one))
            .add("lastTimestamp", one.last_timestamp);
        if (flags.owners && view.owners[i].empty())
            line.add_null("clientId");
        else if (flags.owners)
            line.add("clientId", view.owners[i]);
        lines += line.text();
    }
    for (const auto& each : view.members)
        lines += json_line("member")
                     .add("clientId", each.client_id)
                     .add("address", each.client_address)
                     .add("language", each.language)
                     .add("version", each.version)
                     .text();
    return lines + json_line("total")
                       .add("group", flags.group)
                       .add("lag", sums_of(view).lag)
                       .add("queues", static_cast<std::int64_t>(view.queues.size()))
                       .add("members", static_cast<std::int64_t>(view.members.size()))
                       .text();
}

} // namespace

int lag(const lag_flags& flags) {
    const auto access = read_inspection_flags(flags.seen);
    const auto group  = read_group(flags.seen.name_space, flags.group);
    std::vector<std::string> topics;
    for (const auto& topic : flags.topics)
        topics.push_back(read_topic(flags.seen.name_space, topic));
    cluster_view cluster(access);
    problem_lines problems;
    speed pace;
    return show(flags.seen.watch_s, [&] {
        const auto view = cluster.group(group, topics, flags.owners);
        problems.tell(view.problems);
        return flags.seen.output == "json" ? as_json(flags, view) : as_table(flags, view, pace.text(sums_of(view)));
    });
}

} // namespace rocketcat

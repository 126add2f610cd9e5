#include "topic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "cluster_names.hpp"
#include "cluster_view.hpp"
#include "exit_codes.hpp"
#include "terminal.hpp"
#include "text_table.hpp"

namespace rocketcat {
namespace {

namespace protocol = rocketpush::protocol;

std::string words_of(std::int32_t perm) {
    const bool read = (perm & protocol::permissions::read) != 0, write = (perm & protocol::permissions::write) != 0;
    return read && write ? "read, write" : read ? "read" : write ? "write" : "none";
}

std::string addresses_of(const protocol::broker_data& broker) {
    std::string list;
    for (const auto& [id, address] : broker.broker_addrs)
        list += fmt::format("{}{}{}", list.empty() ? "" : ", ", address, id == 0 ? "" : fmt::format(" (slave {})", id));
    return list.empty() ? "-" : list;
}

const protocol::broker_data* home_of(const topic_view& view, std::string_view broker_name) {
    const auto found = std::ranges::find(view.route.broker_datas, broker_name, &protocol::broker_data::broker_name);
    return found == view.route.broker_datas.end() ? nullptr : &*found;
}

std::int64_t messages_in(const protocol::queue_extent& queue) {
    const auto natural = [](std::int64_t offset) { return std::max<std::int64_t>(0, offset); }; // a broker may say anything
    return natural(natural(queue.max_offset) - natural(queue.min_offset));
}

std::int64_t messages_in(const topic_view& view) {
    std::int64_t sum = 0;
    for (const auto& queue : view.queues)
        sum += messages_in(queue);
    return sum;
}

std::string as_table(const topic_flags& flags, const topic_view& view) {
    using enum text_table::align;
    const auto width = is_terminal(stdout) ? terminal_width(stdout) : 0;
    text_table brokers({{"BROKER"}, {"CLUSTER"}, {"READ", right}, {"WRITE", right}, {"MAY"}, {"ADDRESS"}});
    for (const auto& each : view.route.queue_datas) {
        const auto* home = home_of(view, each.broker_name);
        brokers.add({each.broker_name, home ? home->cluster : "-", std::to_string(each.read_queue_nums),
                     std::to_string(each.write_queue_nums), words_of(each.perm), home ? addresses_of(*home) : "-"});
    }
    text_table queues(
        {{"BROKER"}, {"QUEUE", right}, {"BEGIN", right}, {"END", right}, {"MESSAGES", right}, {"LAST STORED"}});
    for (const auto& each : view.queues)
        queues.add({each.queue.broker_name, std::to_string(each.queue.queue_id), std::to_string(each.min_offset),
                    std::to_string(each.max_offset), std::to_string(messages_in(each)), local_date(each.last_stored)});
    return brokers.text(width) + '\n' + queues.text(width) +
           fmt::format("\n{}{}: {} messages in {} queues\n", flags.topic,
                       view.route.mappings.empty() ? "" : " (static)", messages_in(view), view.queues.size());
}

std::string as_json(const topic_flags& flags, const topic_view& view) {
    std::string lines;
    for (const auto& each : view.route.queue_datas) {
        const auto* home = home_of(view, each.broker_name);
        lines += json_line("broker")
                     .add("brokerName", each.broker_name)
                     .add("cluster", home ? home->cluster : "")
                     .add("addresses", home ? addresses_of(*home) : "")
                     .add("readQueues", each.read_queue_nums)
                     .add("writeQueues", each.write_queue_nums)
                     .add("perm", each.perm)
                     .text();
    }
    for (const auto& each : view.queues)
        lines += json_line("queue")
                     .add("brokerName", each.queue.broker_name)
                     .add("queueId", each.queue.queue_id)
                     .add("minOffset", each.min_offset)
                     .add("maxOffset", each.max_offset)
                     .add("lastStoreTimestamp", each.last_stored)
                     .text();
    return lines + json_line("total")
                       .add("topic", flags.topic)
                       .add("messages", messages_in(view))
                       .add("queues", static_cast<std::int64_t>(view.queues.size()))
                       .text();
}

} // namespace

int topic(const topic_flags& flags) {
    const auto access = read_inspection_flags(flags.seen);
    const auto name   = read_topic(flags.seen.name_space, flags.topic);
    cluster_view cluster(access);
    problem_lines problems;
    return show(flags.seen.watch_s, [&] {
        const auto view = cluster.topic(name);
        problems.tell(view.problems);
        return flags.seen.output == "json" ? as_json(flags, view) : as_table(flags, view);
    });
}

} // namespace rocketcat

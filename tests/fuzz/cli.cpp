// The command line of rocketcat: every text is either followed or refused with a sentence. Nothing is started.
//
// Input: the arguments, each on a line; the first is the command.

#include <rocketpush/core/options.hpp>
#include <rocketpush/core/subscription.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "broker.hpp"
#include "cluster_names.hpp"
#include "consume_settings.hpp"
#include "exit_codes.hpp"
#include "inspection.hpp"
#include "lag.hpp"
#include "message_source.hpp"
#include "produce.hpp"
#include "tests/fuzz/support/fuzz_input.hpp"
#include "topic.hpp"

using rocketpush::test::must;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty() && lines.size() < 64) {
        const auto end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return lines;
}

void check_consume(rocketcat::consume_flags flags) {
    flags.access.secret_key_file.clear(); // what lies on this machine's disk is no matter of the input
    const auto settings = rocketcat::read_consume_flags(flags);
    must(settings.delay.count() >= 0 && settings.fail_times >= -1, "numbers are in their range");
    must(!settings.idle || settings.idle->count() > 0, "a time to be idle is one");
    must(!settings.duration || settings.duration->count() > 0, "a duration is one");
    must(!settings.topics.empty(), "there is a topic");
    for (const auto& [topic, expression] : settings.topics) {
        const auto wanted = rocketpush::make_subscription(topic, {settings.filter, expression}, 1);
        must(!wanted || wanted->topic == topic, "a subscription is of its topic");
    }
    const auto problem = rocketpush::check(settings.options);
    must(problem ? !problem.text.empty() : !settings.options.group.empty(), "a problem is told in a sentence");
}

void check_inspection(rocketcat::inspection_flags flags, const std::vector<std::string>& topics, const std::string* group) {
    flags.access.secret_key_file.clear();
    const auto access = rocketcat::read_inspection_flags(flags);
    must(!access.name_servers.empty(), "there is a name server");
    for (const auto& topic : topics)
        must(!rocketcat::read_topic(flags.name_space, topic).empty(), "a topic has a name");
    if (group)
        must(!rocketcat::read_group(flags.name_space, *group).empty(), "a group has a name");
    must(flags.watch_s == 0 || (flags.watch_s >= 0.1 && flags.watch_s <= 86'400), "a pause is in its range");
}

void check_produce(rocketcat::produce_flags flags) {
    flags.access.secret_key_file.clear();
    const auto settings = rocketcat::read_produce_flags(flags);
    must(!settings.name_servers.empty() && !settings.topic.empty(), "there is a name server, and a topic");
    must(settings.in_flight >= 1 && settings.patience >= std::chrono::milliseconds(100) &&
             settings.patience <= std::chrono::hours(24),
         "numbers are in their range");
    must(flags.rate == 0 || (flags.rate >= 0.001 && flags.rate <= 1e9), "a rate is in its range");
    rocketcat::message_source source(flags);
    if (flags.count != 0) // else it would read standard input
        must(source.next(std::chrono::milliseconds(0)).has_value(), "what is to be sent is made");
}

void check_broker(const rocketcat::broker_flags& flags) {
    const auto settings = rocketcat::read_broker_flags(flags);
    for (const auto& topic : settings.topics)
        must(topic.queues >= 1, "a topic has queues");
    for (const auto level : settings.options.delay_levels)
        must(level >= std::chrono::milliseconds(0) && level <= rocketpush::embedded::longest_delay,
             "a delay is one that clocks have");
    must(settings.options.store_bytes >= 1u << 20, "there is memory for messages");
    static_cast<void>(rocketpush::embedded::describe_problem(settings.options));
}

void follow(const std::vector<std::string>& arguments) {
    CLI::App app("Looks at RocketMQ.", "rocketcat");
    app.require_subcommand(1);
    rocketcat::consume_flags consume;
    rocketcat::produce_flags produce;
    rocketcat::lag_flags lag;
    rocketcat::topic_flags topic;
    rocketcat::broker_flags broker;
    auto& consume_command = *app.add_subcommand("consume");
    auto& produce_command = *app.add_subcommand("produce");
    auto& lag_command     = *app.add_subcommand("lag");
    auto& topic_command   = *app.add_subcommand("topic");
    auto& broker_command  = *app.add_subcommand("broker");
    rocketcat::add_consume_flags(consume_command, consume);
    rocketcat::add_produce_flags(produce_command, produce);
    rocketcat::add_lag_flags(lag_command, lag);
    rocketcat::add_topic_flags(topic_command, topic);
    rocketcat::add_broker_flags(broker_command, broker);

    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend())); // CLI11 wants them backwards
    if (consume_command.parsed())
        check_consume(consume);
    if (produce_command.parsed())
        check_produce(produce);
    if (lag_command.parsed())
        check_inspection(lag.seen, lag.topics, &lag.group);
    if (topic_command.parsed())
        check_inspection(topic.seen, {topic.topic}, nullptr);
    if (broker_command.parsed())
        check_broker(broker);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        follow(lines_of(rocketpush::test::fuzz_input(data, size).rest()));
    } catch (const CLI::ParseError& refused) {
        must(refused.get_exit_code() == 0 || !std::string_view(refused.what()).empty(), "a refusal says why");
    } catch (const rocketcat::usage_error& refused) {
        must(!std::string_view(refused.what()).empty(), "a refusal says why");
    } catch (const std::system_error& refused) { // the library's, which rocketcat tells and ends by, too
        must(refused.code() == rocketpush::error::invalid_option, "what is refused is an option");
    }
    return 0;
}

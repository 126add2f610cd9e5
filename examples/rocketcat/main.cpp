// rocketcat: looks at a RocketMQ topic from the command line.
//
//   rocketcat consume --namesrv HOST:PORT --group G --topic T     messages as lines of JSON, until Ctrl-C
//   rocketcat produce --namesrv HOST:PORT --topic T               sends the lines of standard input
//   rocketcat lag --namesrv HOST:PORT --group G                   how far a group is, queue by queue
//   rocketcat topic --namesrv HOST:PORT --topic T                 where a topic is and what it holds
//   rocketcat broker --port 9876                                  name server and broker in memory, to try things out
//   rocketcat consume --help                                      all flags

#include <rocketpush/core/version.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <string>
#include <system_error>

#include "broker.hpp"
#include "consume.hpp"
#include "exit_codes.hpp"
#include "lag.hpp"
#include "produce.hpp"
#include "terminal.hpp"
#include "topic.hpp"

namespace {

/// A name or an option that is wrong, as the library found it.
bool is_misuse(std::error_code code) {
    using enum rocketpush::error;
    return code == invalid_option || code == invalid_group || code == invalid_topic || code == invalid_name_server ||
           code == invalid_expression || code == unsupported_feature;
}

} // namespace

int main(int count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN); // a reader that left is an error code, and the group is left in order

    CLI::App app("Looks at RocketMQ: consumes a topic, sends to it, shows a group's lag, or plays the broker.", "rocketcat");
    app.set_version_flag("--version", ROCKETPUSH_VERSION_STRING);
    app.require_subcommand(1);
    app.footer(rocketcat::exit_code_help);
    app.failure_message([](const CLI::App*, const CLI::Error& wrong) {
        return fmt::format("rocketcat: {} (--help lists all)\n", wrong.what());
    });

    rocketcat::consume_flags consume;
    auto& consume_command = *app.add_subcommand("consume", "Join a group and print what it is given");
    rocketcat::add_consume_flags(consume_command, consume);
    consume_command.footer(
        "Standard output, by lines of JSON: \"started\", \"assigned\" (queues of a topic), \"message\", \"stopped\".\n"
        "Ends on SIGINT or SIGTERM: running calls finish, offsets are committed, the group is left.\n"
        "A cluster that is away is waited for.\n" +
        std::string(rocketcat::exit_code_help));

    rocketcat::produce_flags produce;
    auto& produce_command = *app.add_subcommand("produce", "Send lines of standard input, or generated messages");
    rocketcat::add_produce_flags(produce_command, produce);
    produce_command.footer(
        "A generated body is the message's number and letters. The last line of standard output tells what was sent.\n"
        "A message whose answer was lost is sent again, so it may be stored twice.\n" +
        std::string(rocketcat::exit_code_help));

    rocketcat::lag_flags lag;
    auto& lag_command = *app.add_subcommand("lag", "Show how far a group is, queue by queue");
    rocketcat::add_lag_flags(lag_command, lag);
    lag_command.footer(
        "END is the offset behind a queue's newest message, COMMITTED the group's; BEHIND is the age of the last message that\n"
        "was consumed, where others wait. The retry topic's queues come last. Asks the brokers; is in no group, changes nothing.\n" +
        std::string(rocketcat::exit_code_help));

    rocketcat::topic_flags topic;
    auto& topic_command = *app.add_subcommand("topic", "Show where a topic is and what it holds");
    rocketcat::add_topic_flags(topic_command, topic);
    topic_command.footer(rocketcat::exit_code_help);

    rocketcat::broker_flags broker;
    auto& broker_command = *app.add_subcommand("broker", "Run a name server and broker in memory");
    rocketcat::add_broker_flags(broker_command, broker);
    broker_command.footer("Serves any RocketMQ client until SIGINT or SIGTERM; nothing is kept.\n" +
                          std::string(rocketcat::exit_code_help));

    try {
        app.parse(count, arguments);
        if (consume_command.parsed())
            return rocketcat::consume(rocketcat::read_consume_flags(consume));
        if (produce_command.parsed())
            return rocketcat::produce(produce);
        if (lag_command.parsed())
            return rocketcat::lag(lag);
        if (topic_command.parsed())
            return rocketcat::topic(topic);
        return rocketcat::broker(broker);
    } catch (const CLI::ParseError& answer) { // --help and --version come this way too
        return app.exit(answer) == 0 ? rocketcat::ended_well : rocketcat::misused;
    } catch (const rocketcat::usage_error& wrong) {
        rocketcat::tell("{}", wrong.what());
        return rocketcat::misused;
    } catch (const std::system_error& problem) {
        rocketcat::tell("{}", problem.what());
        return is_misuse(problem.code()) ? rocketcat::misused : rocketcat::failed;
    } catch (const std::exception& problem) {
        rocketcat::tell("{}", problem.what());
        return rocketcat::failed;
    }
}

// A consumer's log in the hands of a logging library, here spdlog: its levels, its formats, its files.
//
//   log_with_spdlog HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   log_with_spdlog                    on a broker inside this program; prints what the consumer did, and ends:
//
//       [info] started as 127.0.0.1@4711#9f3c2a7e55d01b62 {event=started group=log_with_spdlog client_id=...}
//       ...

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/example_cluster.hpp"

namespace {

/// Gives each record to a spdlog logger: the sentence, and the fields behind it. Any library is served this way.
class spdlog_sink {
  public:
    explicit spdlog_sink(std::shared_ptr<spdlog::logger> to) : to_(std::move(to)) {}

    void write(const rocketpush::log_record& record) const {
        const auto level = level_of(record.level());
        if (!to_->should_log(level))
            return; // nothing has been turned into text so far
        std::string line;
        record.append_sentence(line);
        line += fmt::format(" {{event={} group={}", record.event(), record.group());
        record.visit_fields([&](std::string_view name, auto value) { line += fmt::format(" {}={}", name, value); });
        to_->log(level, "{}}}", line);
    }

  private:
    static spdlog::level::level_enum level_of(rocketpush::log_level level) {
        switch (level) {
        case rocketpush::log_level::debug: return spdlog::level::debug;
        case rocketpush::log_level::info: return spdlog::level::info;
        case rocketpush::log_level::warning: return spdlog::level::warn;
        default: return spdlog::level::err;
        }
    }

    std::shared_ptr<spdlog::logger> to_;
};

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"one", "two", "three"});

    const auto logger = spdlog::stdout_logger_mt("rocketpush");
    logger->set_pattern("[%l] %v");
    logger->set_level(spdlog::level::info); // may change while the consumer runs

    rocketpush::push_consumer consumer{
        rocketpush::options{.name_servers = cluster.name_servers(),
                            .group        = "log_with_spdlog",
                            .from         = rocketpush::consume_from::first},
        [&](const rocketpush::message_view&) { cluster.consumed(); },
        rocketpush::basic_log_observer(rocketpush::log_level::debug, spdlog_sink(logger))};
    consumer.subscribe(cluster.topic());
    consumer.run();
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}

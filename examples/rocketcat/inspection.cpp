#include "inspection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

#include "cluster_names.hpp"
#include "exit_codes.hpp"
#include "interrupt.hpp"
#include "json_lines.hpp"
#include "number_range.hpp"
#include "terminal.hpp"

namespace rocketcat {

void add_inspection_flags(CLI::App& command, inspection_flags& flags, const std::string& name_space_help) {
    command.add_option("--namesrv", flags.name_servers, "Name servers, HOST:PORT[;HOST:PORT]")->required();
    command.add_option("--namespace", flags.name_space, name_space_help);
    command.add_option("--watch", flags.watch_s, "Look again every so many seconds, until Ctrl-C")
        ->check(number_in(0.1, 86'400));
    command.add_option("--output", flags.output, "table, or json: an object a line")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    add_access_flags(command, flags.access);
    add_tls_flags(command, flags.tls);
}

cluster_access read_inspection_flags(const inspection_flags& flags) {
    return {.name_servers = read_name_servers(flags.name_servers),
            .credentials  = read_access_flags(flags.access),
            .tls          = read_tls_flags(flags.tls)};
}

std::string local_date(std::int64_t milliseconds) {
    if (milliseconds <= 0)
        return "-";
    const auto seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm local{};
    char text[32];
    ::localtime_r(&seconds, &local);
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local)};
}

std::int64_t now_in_milliseconds() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

json_line::json_line(std::string_view event) {
    text_ = "{\"event\":";
    append_json_string(text_, event);
}
json_line& json_line::add(std::string_view name, std::string_view text) {
    text_ += fmt::format(",\"{}\":", name);
    append_json_string(text_, text);
    return *this;
}
json_line& json_line::add(std::string_view name, std::int64_t value) {
    text_ += fmt::format(",\"{}\":{}", name, value);
    return *this;
}
json_line& json_line::add_null(std::string_view name) {
    text_ += fmt::format(",\"{}\":null", name);
    return *this;
}
std::string json_line::text() const { return text_ + "}\n"; }

void problem_lines::tell(const std::vector<std::string>& problems) {
    for (const auto& problem : problems)
        if (std::ranges::find(told_, problem) == told_.end())
            fmt::print(stderr, "rocketcat: {}\n", problem);
    told_ = problems;
}

int show(double interval_s, const std::function<std::string()>& look) {
    line_output output;
    if (interval_s == 0)
        return output.write(look()) ? ended_well : failed;
    const bool redraw = is_terminal(stdout);
    const auto pause  = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(interval_s));
    interrupt stop;
    std::string problem;
    if (redraw)
        output.write("\033[2J");
    for (bool first = true; !stop.is_requested() && !output.is_lost(); first = false) {
        try {
            const auto text = look();
            problem.clear();
            output.write(redraw ? "\033[H\033[J" + text : (first ? "" : "\n") + text);
        } catch (const view_failure& failure) {
            if (problem != failure.what())
                fmt::print(stderr, "rocketcat: {}\n", failure.what());
            problem = failure.what();
        }
        stop.wait_for(pause);
    }
    return ended_well;
}

} // namespace rocketcat

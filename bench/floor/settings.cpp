#include "settings.hpp"

#include <cstdlib>
#include <string_view>

namespace bare {

const char* const usage =
    R"(usage: floor --namesrv HOST:PORT --group G --topic T [FLAG VALUE]...

Pulls a topic's messages over one connection and looks at no more than their sizes: the least that a consumer of them
costs. Commits nothing and joins no group. Flags are those of `rocketcat consume`:
  --from first|last    default last        --pull-batch N    default 32
  --count N, --idle-s N, --duration-s N    when to end; SIGINT and SIGTERM end it too
  --output json|count  default json: an object a line; count: figures at the end (`bytes` are stored bytes)
  --latency-file FILE  now minus the nanoseconds in a body's first 8 bytes, as little-endian int64
  --idle SECONDS       the same as --from last --duration-s SECONDS: holds one pull for each queue
  --threads, --consume-batch, --executor, --instance    accepted: there is no listener that they could concern
Exit code: 0 done, 1 cannot go on, 2 the command line is wrong.
)";

namespace {

double read_number(const std::string& flag, const std::string& text) {
    char* end          = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(value > 0))
        throw usage_error(flag + " " + text + ": not a positive number");
    return value;
}

/// A name goes into JSON as it is.
std::string checked_name(const std::string& flag, const std::string& text) {
    for (const char c : text)
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20)
            throw usage_error(flag + " " + text + ": not a RocketMQ name");
    return text;
}

std::string one_of(const std::string& flag, const std::string& text, std::string_view first, std::string_view second) {
    if (text != first && text != second)
        throw usage_error(flag + " " + text + ": it is " + std::string(first) + " or " + std::string(second));
    return text;
}

} // namespace

settings read_arguments(int count, char** arguments) {
    settings read;
    for (int i = 1; i < count; ++i) {
        const std::string flag = arguments[i];
        if (++i == count)
            throw usage_error(flag + ": unknown, or its value is missing (--help lists all)");
        const std::string value = arguments[i];
        if (flag == "--namesrv")
            read.name_server = value;
        else if (flag == "--group")
            read.group = checked_name(flag, value);
        else if (flag == "--topic")
            read.topic = checked_name(flag, value);
        else if (flag == "--from")
            read.from_first = one_of(flag, value, "first", "last") == "first";
        else if (flag == "--output")
            read.print_lines = one_of(flag, value, "json", "count") == "json";
        else if (flag == "--pull-batch")
            read.pull_batch = static_cast<int>(read_number(flag, value));
        else if (flag == "--count")
            read.count = static_cast<std::uint64_t>(read_number(flag, value));
        else if (flag == "--idle-s")
            read.idle_seconds = read_number(flag, value);
        else if (flag == "--duration-s")
            read.duration_seconds = read_number(flag, value);
        else if (flag == "--latency-file")
            read.latency_file = value;
        else if (flag == "--idle") {
            read.from_first       = false;
            read.duration_seconds = read_number(flag, value);
        } else if (flag != "--threads" && flag != "--consume-batch" && flag != "--executor" && flag != "--instance")
            throw usage_error(flag + ": unknown (--help lists all)");
    }
    if (read.name_server.empty() || read.group.empty() || read.topic.empty())
        throw usage_error("--namesrv, --group and --topic are needed");
    return read;
}

} // namespace bare

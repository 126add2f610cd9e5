// floor: the least that reading a topic's messages costs. A loop over plain sockets that looks at no more than the
// messages' sizes; everything above it is what a client adds. `floor --help` lists its flags.

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>

#include "broker_link.hpp"
#include "pulls.hpp"
#include "settings.hpp"

namespace {

// What a signal's handler needs.
std::atomic<int> connection{-1};
std::atomic<const bare::pulls*> current{nullptr};
std::atomic<std::uint64_t> seen_before{0};
std::atomic<bool> ends_when_idle{false};
std::atomic<bool> was_told{false};

/// Ends the blocked read: no flag that is looked at a moment too early, no time limit that wakes an idle process.
void end(int) {
    was_told = true;
    ::shutdown(connection, SHUT_RDWR);
}

void on_alarm(int number) {
    const auto* const pulling = current.load();
    const auto seen           = pulling ? pulling->messages() : 0;
    if (!ends_when_idle || seen_before.exchange(seen) == seen)
        end(number);
}

void end_after(double seconds, bool again) {
    itimerval timer{};
    timer.it_value.tv_sec  = static_cast<time_t>(seconds);
    timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - static_cast<double>(timer.it_value.tv_sec)) * 1e6);
    if (again)
        timer.it_interval = timer.it_value;
    ::setitimer(ITIMER_REAL, &timer, nullptr);
}

double seconds_of(const timeval& time) noexcept {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void print_result(const bare::settings& settings, const bare::pulls& done) {
    if (settings.print_lines) {
        std::printf("{\"event\":\"stopped\",\"consumed\":%" PRIu64 "}\n", done.messages());
        return;
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    std::printf("{\"event\":\"stopped\",\"consumed\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"first_to_last_s\":%.6f,"
                "\"cpu_user_s\":%.6f,\"cpu_sys_s\":%.6f,\"maxrss_kb\":%ld}\n",
                done.messages(), done.stored_bytes(), done.first_to_last_seconds(), seconds_of(used.ru_utime),
                seconds_of(used.ru_stime), used.ru_maxrss);
}

int run(const bare::settings& settings) {
    const auto where = bare::ask_route(settings.name_server, settings.topic);
    connection       = bare::connect_to(where.broker_address);
    bare::pulls pulling(settings, where, connection);
    current = &pulling;
    std::signal(SIGINT, end);
    std::signal(SIGTERM, end);
    std::signal(SIGALRM, on_alarm);
    if (settings.duration_seconds > 0) {
        end_after(settings.duration_seconds, false);
    } else if (settings.idle_seconds > 0) {
        ends_when_idle = true;
        end_after(settings.idle_seconds, true);
    }
    std::printf("{\"event\":\"started\"}\n{\"event\":\"assigned\",\"topic\":\"%s\",\"queues\":%d}\n",
                settings.topic.c_str(), where.queues);
    std::fflush(stdout);
    pulling.run();
    if (!was_told && (settings.count == 0 || pulling.messages() < settings.count)) {
        std::fprintf(stderr, "floor: the broker closed the connection\n");
        return 1;
    }
    print_result(settings, pulling);
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    if (count == 2 && std::strcmp(arguments[1], "--help") == 0) {
        std::fputs(bare::usage, stdout);
        return 0;
    }
    try {
        return run(bare::read_arguments(count, arguments));
    } catch (const bare::usage_error& wrong) {
        std::fprintf(stderr, "floor: %s\n", wrong.what());
        return 2;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "floor: %s\n", problem.what());
        return 1;
    }
}

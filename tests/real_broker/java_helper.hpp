#ifndef ROCKETPUSH_TESTS_REAL_BROKER_JAVA_HELPER_HPP
#define ROCKETPUSH_TESTS_REAL_BROKER_JAVA_HELPER_HPP

#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

extern char** environ;

namespace rocketpush::test {

/// A variable that `cluster run` sets for the tests beside it (README.md).
inline std::string cluster_variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr)
        throw std::runtime_error(std::string(name) + " is not set: start this program with tests/real_broker/cluster run");
    return value;
}

/**
 * @brief The official Java client as a member of our groups: java/Helper.java at the end of a pipe.
 *
 * `ask` sends a command and answers its reply; events that come meanwhile are kept in `events`. README.md has the commands.
 */
class java_helper {
  public:
    using json         = nlohmann::json;
    using seconds      = std::chrono::seconds;
    using milliseconds = std::chrono::milliseconds;

    java_helper() {
        int to_child[2];
        int from_child[2];
        if (::pipe(to_child) != 0 || ::pipe(from_child) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe");
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
        for (int end : {to_child[0], to_child[1], from_child[0], from_child[1]})
            ::posix_spawn_file_actions_addclose(&actions, end);
        std::string program = cluster_variable("ROCKETPUSH_JAVA_HELPER");
        char* arguments[]   = {program.data(), nullptr};
        const int failure   = ::posix_spawn(&child_, program.c_str(), &actions, nullptr, arguments, environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(to_child[0]);
        ::close(from_child[1]);
        in_  = to_child[1];
        out_ = from_child[0];
        if (failure != 0) throw std::system_error(failure, std::generic_category(), program);
        next_line(deadline_in(seconds(60))); // "ready"
    }

    java_helper(const java_helper&)            = delete;
    java_helper& operator=(const java_helper&) = delete;

    /// Closed input ends the helper: its members leave their groups.
    ~java_helper() {
        ::close(in_);
        ::waitpid(child_, nullptr, 0);
        ::close(out_);
    }

    /// @throws std::runtime_error when the helper refuses the command or stays silent.
    json ask(const std::string& command, seconds patience = seconds(60)) {
        const std::string line = command + "\n";
        if (::write(in_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            throw std::runtime_error("the Java helper has ended before: " + command);
        const std::string name = command.substr(0, command.find(' '));
        const auto deadline    = deadline_in(patience);
        for (;;) {
            json answer = next_line(deadline);
            if (answer.value("reply", "") != name) {
                events.push_back(std::move(answer));
            } else if (answer.value("ok", false)) {
                return answer;
            } else {
                throw std::runtime_error(command + ": " + answer.value("error", ""));
            }
        }
    }

    /// Reads events until `condition(events)` holds. False: it did not within `patience`.
    template <class Condition>
    bool until(Condition condition, milliseconds patience = seconds(60)) {
        const auto deadline = deadline_in(patience);
        while (!condition(std::as_const(events))) {
            if (!readable(deadline)) return false;
            events.push_back(next_line(deadline_in(seconds(60)))); // begun, so it comes whole
        }
        return true;
    }

    /// The messages that `member` got so far; of all members when it is empty.
    std::vector<json> messages(std::string_view member = {}) const {
        std::vector<json> found;
        for (const json& event : events)
            if (event.at("event") == "message" && (member.empty() || event.at("member") == member)) found.push_back(event);
        return found;
    }

    std::vector<json> events;

  private:
    using time_point = std::chrono::steady_clock::time_point;

    static time_point deadline_in(milliseconds patience) { return std::chrono::steady_clock::now() + patience; }

    bool readable(time_point deadline) {
        if (buffer_.find('\n') != std::string::npos) return true;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd handle{out_, POLLIN, 0};
        return left.count() > 0 && ::poll(&handle, 1, static_cast<int>(left.count())) > 0;
    }

    json next_line(time_point deadline) {
        std::size_t end;
        while ((end = buffer_.find('\n')) == std::string::npos) {
            if (!readable(deadline)) throw std::runtime_error("the Java helper is silent");
            char bytes[4096];
            const auto count = ::read(out_, bytes, sizeof bytes);
            if (count <= 0) throw std::runtime_error("the Java helper has ended");
            buffer_.append(bytes, static_cast<std::size_t>(count));
        }
        json line = json::parse(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        return line;
    }

    pid_t child_ = -1;
    int in_      = -1;
    int out_     = -1;
    std::string buffer_;
};

} // namespace rocketpush::test

#endif

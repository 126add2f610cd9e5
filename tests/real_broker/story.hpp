#ifndef ROCKETPUSH_TESTS_REAL_BROKER_STORY_HPP
#define ROCKETPUSH_TESTS_REAL_BROKER_STORY_HPP

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "java_helper.hpp"
#include "member.hpp"
#include "tests/support/catch.hpp"

/// What the stories of these tests are told with.
namespace rocketpush::test {

using namespace std::chrono_literals;
using json = java_helper::json;

/// One Java client for the whole run: a JVM takes a second or more to start.
inline java_helper& java() {
    static java_helper helper;
    return helper;
}

/// Reads the Java members' events until `done()`. False: it did not come true in time.
template <class Condition>
bool wait_until(Condition done, std::chrono::milliseconds patience = 60s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        java().until([](const auto&) { return false; }, 10ms);
    }
    return true;
}

/// Like `java().ask` for what is not known everywhere yet, or a broker that was away a moment ago: a refused command is given again.
inline json ask_until_answered(const std::string& command) {
    json answer;
    std::string refusal;
    const bool answered = wait_until([&] {
        try {
            answer = java().ask(command);
            return true;
        } catch (const std::runtime_error& refused) {
            refusal = refused.what();
            return false;
        }
    });
    if (!answered)
        throw std::runtime_error(refusal);
    return answer;
}

/// A topic that no other test uses. @return Its name.
inline std::string make_topic(const std::string& name, int queues) {
    java().ask("create-topic " + name + " " + std::to_string(queues));
    return name;
}

inline json send(const std::string& topic, int count, const std::string& how = "") {
    return java().ask("send " + topic + " " + std::to_string(count) + " " + how);
}

/// The sum of the group's committed offsets in the topic's queues.
inline long committed_offsets(const std::string& group, const std::string& topic) {
    long sum          = 0;
    const json answer = java().ask("offsets " + group + " " + topic);
    for (const json& queue : answer.at("queues"))
        sum += queue.at("consumerOffset").get<long>();
    return sum;
}

/// Whether the group's committed offset of every queue of the topic is the queue's end.
inline bool all_committed(const std::string& group, const std::string& topic) {
    try {
        const json answer = java().ask("offsets " + group + " " + topic);
        for (const json& queue : answer.at("queues"))
            if (queue.at("consumerOffset") != queue.at("brokerOffset"))
                return false;
        return !answer.at("queues").empty();
    } catch (const std::runtime_error&) {
        return false; // the broker knows nothing of this group yet
    }
}

/// The body that the helper makes of a sequence number.
inline std::string helper_body(long sequence, std::size_t size) {
    std::string text = std::to_string(sequence);
    if (text.size() < size)
        text += ' ';
    for (std::size_t i = 0; text.size() < size; ++i)
        text += static_cast<char>('a' + i % 26);
    return text;
}

/// `kill`, `stop`, `start`, `pause` or `resume` the broker; returns when it is done.
inline void broker(const std::string& action) {
    const auto command = cluster_variable("ROCKETPUSH_CLUSTER") + " broker " + cluster_variable("ROCKETPUSH_CLUSTER_DIR") + " " + action;
    if (std::system(command.c_str()) != 0)
        throw std::runtime_error(command + " failed");
}

/// A figure for the reader of the log.
inline void print_figure(const std::string& what, std::chrono::steady_clock::duration took) {
    std::printf("  %-58s %7.1f ms\n", what.c_str(), std::chrono::duration<double, std::milli>(took).count());
    std::fflush(stdout);
}
inline void print_figure(const std::string& what, std::size_t count) {
    std::printf("  %-58s %7zu\n", what.c_str(), count);
    std::fflush(stdout);
}

} // namespace rocketpush::test

#endif

#include <rocketpush/observe/log_sinks.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

struct sink_fixture {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};

    std::vector<std::string> lines() const {
        std::rewind(file.get());
        std::vector<std::string> found;
        std::string line;
        for (int c = std::fgetc(file.get()); c != EOF; c = std::fgetc(file.get()))
            if (c == '\n')
                found.push_back(std::exchange(line, {}));
            else
                line += static_cast<char>(c);
        CHECK(line.empty()); // only whole lines
        return found;
    }
};

const message_queue queue{"orders \"x\"", "broker-a", 3};
const log_field fields[] = {queue, make_error_code(error::connect_timed_out), {"offset", -7}};
const log_record record(log_level::warning, "pull_failure", "billing", "pulling {} failed: {}", fields);

struct neither {};
static_assert(!log_sink<neither>);

TEST_CASE_METHOD(sink_fixture, "a text sink writes a line for people", "[log_sinks]") {
    text_sink(file.get()).write(record);
    CHECK(lines() == std::vector<std::string>{
                         "rocketpush: group billing: pulling orders \"x\"/broker-a/3 failed: no connection before the "
                         "deadline; check address, port and firewall"});
}

TEST_CASE_METHOD(sink_fixture, "a JSON sink writes a line for programs: all fields with their types, and the sentence",
                 "[log_sinks]") {
    json_lines_sink(file.get()).write(record);
    const auto all = lines();
    REQUIRE(all.size() == 1);
    CHECK(all[0].starts_with(R"({"level":"warning","event":"pull_failure","group":"billing","topic":"orders \"x\"",)"));
    const auto read = nlohmann::json::parse(all[0]);
    CHECK(read.at("queue_id") == 3);
    CHECK(read.at("offset") == -7);
    CHECK(read.at("error_code") == static_cast<int>(error::connect_timed_out));
    CHECK(read.at("error_category") == "rocketpush");
    CHECK(read.at("remedy") == "check address, port and firewall");
    CHECK(read.at("text").get<std::string>().starts_with("pulling orders \"x\"/broker-a/3 failed: no connection"));
}

TEST_CASE_METHOD(sink_fixture, "lines that several threads give a sink do not mix", "[log_sinks]") {
    const text_sink sink(file.get());
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&sink] {
            for (int count = 0; count < 100; ++count)
                sink.write(record);
        });
    for (auto& each : threads)
        each.join();
    const auto all = lines();
    CHECK(all.size() == 300);
    for (const auto& each : all)
        CHECK(each == all.front());
}

} // namespace

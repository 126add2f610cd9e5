#include <rocketpush/client/consumer_properties.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace std::chrono_literals;

namespace {

/// Options with a secret in them: nobody is shown them.
const std::set<std::string> kept_secret{"credentials"};

/// The members of `struct options` in the order of the header.
std::vector<std::string> members_of_options() {
    std::ifstream file(ROCKETPUSH_SOURCE_DIR "/include/rocketpush/core/options.hpp");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto begin = text.find("struct options {");
    const auto body  = text.substr(begin, text.find("\n};", begin) - begin);
    // A declaration: type, name, initialiser, at the beginning of a line; its initialiser may go on in the next one.
    const std::regex declaration(R"(\n    [A-Za-z_:][\w:<>]*(?: [\w:<>]+)* (\w+)\s*(?:\{[^}]*\}|=[^;]*)?;)");
    std::vector<std::string> found;
    for (auto each = std::sregex_iterator(body.begin(), body.end(), declaration); each != std::sregex_iterator();
         ++each)
        if ((*each)[1] != "milliseconds")
            found.push_back((*each)[1]);
    return found;
}

} // namespace

TEST_CASE("administrators see every option but the secret ones", "[client]") {
    const auto members = members_of_options();
    REQUIRE(members.size() > 45);
    std::set<std::string> in_table;
    for (const auto& each : option_properties)
        CHECK(in_table.emplace(each.option).second);
    for (const auto& member : members) {
        INFO(member << " has to have a row in option_properties, or be known as a secret here");
        CHECK(in_table.contains(member) != kept_secret.contains(member));
    }
    for (const auto& option : in_table)
        CHECK(std::ranges::count(members, option) == 1);
}

TEST_CASE("docs/settings.md has a row for every option, in the header's order", "[client]") {
    std::ifstream file(ROCKETPUSH_SOURCE_DIR "/docs/settings.md");
    std::vector<std::string> rows;
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("| `"))
            rows.push_back(line.substr(3, line.find('`', 3) - 3));
    CHECK(rows == members_of_options());
}

TEST_CASE("options have Java's names and units", "[client]") {
    options with{.name_servers = "a:1;b:2", .group = "billing"};
    auto shown = properties_of(with);
    CHECK(shown.at("namesrvAddr") == "a:1;b:2");
    CHECK(shown.at("consumerGroup") == "billing");
    CHECK(shown.at("consumeTimeout") == "15");             // minutes
    CHECK(shown.at("pullThresholdSizeForQueue") == "100"); // MiB
    CHECK(shown.at("consumeFromWhere") == "CONSUME_FROM_LAST_OFFSET");
    CHECK(shown.at("persistConsumerOffsetInterval") == "5000");
    CHECK(shown.at("unitMode") == "false");
    CHECK(shown.at("rocketpush.when_beyond_end") == "last");
    CHECK(shown.at("rocketpush.when_bad_message") == "skip");
    CHECK(shown.size() == std::size(option_properties)); // no name twice
    with.when_bad_message = bad_message::send_back;
    CHECK(properties_of(with).at("rocketpush.when_bad_message") == "send_back");
    with.when_bad_message = bad_message::stop;
    CHECK(properties_of(with).at("rocketpush.when_bad_message") == "stop");
    with.consume_timeout = 90s;
    with.from            = consume_from::timestamp;
    with.from_time       = std::chrono::system_clock::time_point(5s);
    shown                = properties_of(with);
    CHECK(shown.at("consumeTimeout") == "1.5");
    CHECK(shown.at("consumeFromWhere") == "CONSUME_FROM_TIMESTAMP");
    CHECK(shown.at("rocketpush.from_time") == "5000");
}

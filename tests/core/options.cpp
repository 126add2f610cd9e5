#include <rocketpush/core/options.hpp>

#include <chrono>
#include <string>
#include <utility>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

options good() { return {.name_servers = "127.0.0.1:9876", .group = "billing"}; }

/// Good options but for one member.
template <class T, class V>
option_problem with(T options::*member, V value) {
    auto given    = good();
    given.*member = static_cast<T>(value);
    return check(given);
}

/// One member's bounds: both ends pass, one beyond either end is refused by a text that names the member and the number.
template <class T>
void check_bounds(const std::string& name, T options::*member, std::int64_t least, std::int64_t most) {
    CAPTURE(name, least, most);
    CHECK_FALSE(with(member, least));
    CHECK_FALSE(with(member, most));
    for (const auto wrong : {least - 1, most + 1}) {
        const auto problem = with(member, wrong);
        CAPTURE(wrong, problem.text);
        CHECK(problem.code == error::invalid_option);
        CHECK(problem.text.find(name) == 0);
        CHECK(problem.text.find("must be from " + std::to_string(least) + " to " + std::to_string(most)) !=
              std::string::npos);
        if (wrong >= 0) // an unsigned member cannot say -1
            CHECK(problem.text.find(" is " + std::to_string(wrong)) != std::string::npos);
    }
}

constexpr std::int64_t mebi = 1 << 20, day = 24 * 3600 * 1000;

TEST_CASE("options with servers and a group are good, all else has Java's defaults", "[options]") {
    const auto problem = check(good());
    CHECK_FALSE(problem);
    CHECK(problem.text.empty());
    CHECK(good().consume_threads == 20);
    CHECK(good().consume_batch_size == 1);
    CHECK(good().consume_timeout == 15min);
    CHECK(good().pull_batch_size == 32);
    CHECK(good().max_cached_messages == 1000);
    CHECK(good().from == consume_from::last);
}

TEST_CASE("each number has its bounds", "[options]") {
    check_bounds("consume_threads", &options::consume_threads, 1, 1000);
    check_bounds("max_span", &options::max_span, 1, 65535);
    check_bounds("max_cached_messages", &options::max_cached_messages, 1, 65535);
    check_bounds("max_cached_bytes", &options::max_cached_bytes, mebi, 1024 * mebi);
    check_bounds("consume_batch_size", &options::consume_batch_size, 1, 1024);
    check_bounds("pull_batch_size", &options::pull_batch_size, 1, 1024);
    check_bounds("pull_batch_bytes", &options::pull_batch_bytes, 1, 16 * mebi);
    check_bounds("pop_batch_size", &options::pop_batch_size, 1, 32);
    check_bounds("max_popped_messages", &options::max_popped_messages, 1, 65535);
    check_bounds("max_body_size", &options::max_body_size, 1, 1024 * mebi);
    check_bounds("max_frame_size", &options::max_frame_size, 4096, 32 * mebi);
}

TEST_CASE("each time has its bounds", "[options]") {
    check_bounds("pull_interval (ms)", &options::pull_interval, 0, 65535);
    check_bounds("connect_timeout (ms)", &options::connect_timeout, 1, day);
    check_bounds("request_timeout (ms)", &options::request_timeout, 1, day);
    check_bounds("consume_timeout (ms)", &options::consume_timeout, 1000, 30 * day);
    check_bounds("error_delay (ms)", &options::error_delay, 1, day);
    check_bounds("route_poll_interval (ms)", &options::route_poll_interval, 10, day);
    check_bounds("lookup_interval (ms)", &options::lookup_interval, 1000, day);
    check_bounds("heartbeat_interval (ms)", &options::heartbeat_interval, 10, 110000);
    check_bounds("commit_interval (ms)", &options::commit_interval, 10, day);
    check_bounds("rebalance_interval (ms)", &options::rebalance_interval, 10, day);
    check_bounds("takeover_delay (ms)", &options::takeover_delay, 0, 60000);
    check_bounds("send_back_timeout (ms)", &options::send_back_timeout, 1, day);
    check_bounds("stall_timeout (ms)", &options::stall_timeout, 1000, day);
    check_bounds("group_check_interval (ms)", &options::group_check_interval, 0, day);
    check_bounds("pop_invisible_time (ms)", &options::pop_invisible_time, 5000, 300000);
    check_bounds("suspend_interval (ms)", &options::suspend_interval, 10, 30000);
    check_bounds("turn_limit (ms)", &options::turn_limit, 1, day);
    check_bounds("lock_renew_interval (ms)", &options::lock_renew_interval, 10, 29000);
    check_bounds("lock_retry_interval (ms)", &options::lock_retry_interval, 10, 60000);
    check_bounds("stop_timeout (ms)", &options::stop_timeout, 0, day);
}

TEST_CASE("a namespace has letters, digits, _, - and |, and counts in the group's length", "[options]") {
    for (const auto* good_one : {"", "ns", "a_B-9|x"})
        CHECK_FALSE(with(&options::namespace_v1, good_one));
    for (const auto* wrong : {"a%b", "two words", "caf\xC3\xA9", "a.b"}) {
        const auto problem = with(&options::namespace_v1, wrong);
        CHECK(problem.code == error::invalid_option);
        CHECK(problem.text.starts_with("namespace_v1 \"" + std::string(wrong) + "\" is not valid"));
    }
    auto given         = good();
    given.namespace_v1 = "ns";
    given.group        = std::string(117, 'g');
    CHECK_FALSE(check(given));
    given.group += 'g';
    CHECK(check(given).code == error::invalid_group);
    CHECK(check(given).text.starts_with("group \"ns%ggg"));
    for (const auto* nobodys : {"", "DEFAULT_CONSUMER"}) {
        given.group = nobodys;
        CHECK(check(given).code == error::invalid_group);
    }
    CHECK_FALSE(with(&options::namespace_v2, std::string(255, 'n')));
    CHECK(with(&options::namespace_v2, std::string(256, 'n')).code == error::invalid_option);
}

TEST_CASE("the namespace is the option's, or that of the name server's address", "[options]") {
    auto given = good();
    CHECK(namespace_of(given) == "");
    given.name_servers = "MQ_INST_1_b.mq.example.com:80";
    CHECK(namespace_of(given) == "MQ_INST_1_b");
    given.namespace_v1 = "ns";
    CHECK(namespace_of(given) == "ns");
}

TEST_CASE("max_reconsume_times may be -1, which is 16, and nothing below", "[options]") {
    CHECK_FALSE(with(&options::max_reconsume_times, -1));
    CHECK_FALSE(with(&options::max_reconsume_times, 2147483647));
    CHECK(with(&options::max_reconsume_times, -2).text ==
          "max_reconsume_times is -2; it must be from -1 to 2147483647");
}

TEST_CASE("a pull has to outlast the time that a broker holds it by more than its look every 5 s", "[options]") {
    auto given            = good();
    given.suspend_timeout = 20000ms;
    given.pull_timeout    = 25001ms;
    CHECK_FALSE(check(given));
    given.pull_timeout = 25000ms;
    CHECK(check(given).text == "pull_timeout (ms) is 25000; it must be from 25001 to 172800000");
    given.pull_timeout = std::chrono::milliseconds(2 * day + 1);
    CHECK(check(given).code == error::invalid_option);
    given = good();
    for (const auto wrong : {0ms, std::chrono::milliseconds(day + 1)}) {
        given.suspend_timeout = wrong;
        CHECK(check(given).text.find("suspend_timeout (ms)") == 0);
    }
}

TEST_CASE("a huge number is refused and does not wrap around", "[options]") {
    CHECK(with(&options::max_cached_bytes, ~std::size_t(0)).code == error::invalid_option);
    CHECK(with(&options::consume_threads, ~std::size_t(0)).code == error::invalid_option);
}

TEST_CASE("a wrong group is refused by a text that names it and its rule", "[options]") {
    for (const std::string group : {"", "has space", "DEFAULT_CONSUMER"}) {
        auto given         = good();
        given.group        = group;
        const auto problem = check(given);
        CAPTURE(problem.text);
        CHECK(problem.code == error::invalid_group);
        CHECK(problem.text.find("group \"" + group + "\"") == 0);
        CHECK(problem.text.size() > group.size() + 12);
    }
}

TEST_CASE("wrong name servers are refused by a text that names them", "[options]") {
    auto given         = good();
    given.name_servers = "";
    CHECK(check(given).code == error::invalid_name_server);
    CHECK(check(given).text == "name_servers is empty; give host:port, several separated by ';', or name_server_url");
    for (const std::string list : {"localhost", "localhost:", "localhost:70000", "localhost:0", "a:1;b", ";"}) {
        given.name_servers = list;
        const auto problem = check(given);
        CAPTURE(problem.text);
        CHECK(problem.code == error::invalid_name_server);
        CHECK(problem.text.find("name_servers \"" + list + "\"") == 0);
    }
    given.name_servers = "10.0.0.1:9876;[::1]:9876";
    CHECK_FALSE(check(given));
}

TEST_CASE("name servers are given or looked up, one of the two", "[options]") {
    auto given            = good();
    given.name_server_url = "http://config:8080/rocketmq/nsaddr";
    CHECK(check(given).code == error::invalid_name_server);
    CHECK(check(given).text == "name_servers \"127.0.0.1:9876\" and name_server_url \"http://config:8080/rocketmq/nsaddr\" are both "
                               "given; only one can say where the name servers are");
    given.name_servers.clear();
    CHECK_FALSE(check(given));
    for (const std::string url : {"config:8080", "http://", "http://h:99999/", "http://h/\r\nHost: x"}) {
        given.name_server_url = url;
        CHECK(check(given).code == error::invalid_name_server);
        CHECK(check(given).text == "name_server_url \"" + url + "\" is not http://host[:port]/path");
    }
    given.name_server_url = "https://config/x";
    CHECK(check(given).code == error::unsupported_feature);
    CHECK(check(given).text == "name_server_url \"https://config/x\" cannot be asked: look-ups are over http:// only");
}

TEST_CASE("a unit whose name servers are looked up has a name that a URL can have", "[options]") {
    auto given            = good();
    given.unit_name       = "two words";
    CHECK_FALSE(check(given));
    given.name_servers    = "";
    given.name_server_url = "http://config/x";
    for (const std::string wrong : {"two words", "a\r\nb", "a#b", "a?b", "caf\xC3\xA9"}) {
        given.unit_name = wrong;
        CHECK(check(given).code == error::invalid_option);
        CHECK(check(given).text.starts_with("unit_name \"" + wrong + "\""));
    }
    given.unit_name = "shop-7";
    CHECK_FALSE(check(given));
}

TEST_CASE("credentials need a build that can sign", "[options]") {
    auto given        = good();
    given.credentials = {"billing-service", "open sesame"};
    const auto problem = check(given);
    CHECK(problem.code == (ROCKETPUSH_WITH_OPENSSL ? std::error_code() : make_error_code(error::unsupported_feature)));
    CHECK(problem.text.find("sesame") == std::string::npos);
    if (problem)
        CHECK(problem.text.find("ROCKETPUSH_WITH_OPENSSL") != std::string::npos);
}

TEST_CASE("what cannot be read is neither sent back in broadcasting, nor stopped at among popped messages", "[options]") {
    auto given = good();
    for (const auto what : {bad_message::skip, bad_message::send_back, bad_message::stop}) {
        given.when_bad_message = what;
        CHECK_FALSE(check_bad_message(given, false, false));
        CHECK(static_cast<bool>(check_bad_message(given, true, false)) == (what == bad_message::send_back));
        CHECK(static_cast<bool>(check_bad_message(given, false, true)) == (what == bad_message::stop));
    }
    const auto problem = check_bad_message(given, false, true);
    CHECK(problem.code == error::invalid_option);
    CHECK(problem.text.find("when_bad_message is stop") == 0);
    CHECK(problem.text.find("skip or send_back") != std::string::npos);
}

TEST_CASE("to begin at a time, the time has to be given", "[options]") {
    auto given         = good();
    given.from         = consume_from::timestamp;
    const auto problem = check(given);
    CHECK(problem.code == error::invalid_option);
    CHECK(problem.text.find("from_time") != std::string::npos);
    given.from_time = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
    CHECK_FALSE(check(given));
}

TEST_CASE("of several problems the first in the order of Java's checks is told", "[options]") {
    options given{.name_servers = "nonsense", .group = "no group", .consume_threads = 0, .pull_batch_size = 0};
    CHECK(check(given).code == error::invalid_group);
    given.group = "billing";
    CHECK(check(given).code == error::invalid_name_server);
    given.name_servers = "localhost:9876";
    CHECK(check(given).text.find("consume_threads") == 0);
    given.consume_threads = 1;
    CHECK(check(given).text.find("pull_batch_size") == 0);
}

} // namespace

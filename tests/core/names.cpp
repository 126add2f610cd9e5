#include <rocketpush/core/names.hpp>

#include <string>

#include "tests/support/catch.hpp"

using namespace rocketpush;

TEST_CASE("a group has 1 to 120 letters, digits, and _ - % |", "[core]") {
    CHECK(!check_group("billing"));
    CHECK(!check_group("a_B-9%ns|x"));
    CHECK(!check_group(std::string(120, 'g')));
    CHECK(check_group("") == error::invalid_group);
    CHECK(check_group(std::string(121, 'g')) == error::invalid_group);
    CHECK(check_group("two words") == error::invalid_group);
    CHECK(check_group("a.b") == error::invalid_group);
    CHECK(check_group("caf\xC3\xA9") == error::invalid_group);
}

TEST_CASE("the default groups are nobody's", "[core]") {
    CHECK(check_group("DEFAULT_CONSUMER") == error::invalid_group);
    CHECK(check_group("DEFAULT_PRODUCER") == error::invalid_group);
    CHECK(!check_group("DEFAULT_CONSUMER_2"));
}

TEST_CASE("a topic has 1 to 127 characters, a retry or dead letter topic 255", "[core]") {
    CHECK(!check_topic("orders"));
    CHECK(!check_topic(std::string(127, 't')));
    CHECK(check_topic(std::string(128, 't')) == error::invalid_topic);
    CHECK(check_topic("") == error::invalid_topic);
    CHECK(check_topic("a b") == error::invalid_topic);
    CHECK(check_topic("a+b") == error::invalid_topic);
    CHECK(!check_topic(retry_topic(std::string(248, 'g'))));
    CHECK(check_topic(retry_topic(std::string(249, 'g'))) == error::invalid_topic);
    CHECK(!check_topic(dlq_topic(std::string(250, 'g'))));
}

TEST_CASE("a group's retry and dead letter topics carry its name", "[core]") {
    CHECK(retry_topic("billing") == "%RETRY%billing");
    CHECK(dlq_topic("billing") == "%DLQ%billing");
    CHECK(is_retry_topic("%RETRY%billing"));
    CHECK(!is_retry_topic("%DLQ%billing"));
    CHECK(is_dlq_topic("%DLQ%billing"));
    CHECK(!is_retry_topic("RETRY"));
}

TEST_CASE("RocketMQ's own topics and groups are known", "[core]") {
    CHECK(is_system_topic("TBW102"));
    CHECK(is_system_topic("SCHEDULE_TOPIC_XXXX"));
    CHECK(is_system_topic("rmq_sys_REVIVE_LOG_DefaultCluster"));
    CHECK(!is_system_topic("orders"));
    CHECK(!is_system_topic("%RETRY%billing"));
    CHECK(is_system_group("CID_RMQ_SYS_TRANS"));
    CHECK(is_system_group("TOOLS_CONSUMER"));
    CHECK(!is_system_group("billing"));
}

TEST_CASE("the rule for names can be told", "[core]") {
    CHECK(std::string(describe_name_rule(name_kind::group)).find("120") != std::string::npos);
    CHECK(std::string(describe_name_rule(name_kind::topic)).find("127") != std::string::npos);
}

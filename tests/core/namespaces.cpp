#include <rocketpush/core/namespaces.hpp>

#include <string>

#include "tests/support/catch.hpp"

using namespace rocketpush;

TEST_CASE("a namespace stands in front of a name, but behind the prefix of retry and dead letter topics", "[core]") {
    CHECK(with_namespace("ns", "orders") == "ns%orders");
    CHECK(with_namespace("ns", "%RETRY%billing") == "%RETRY%ns%billing");
    CHECK(with_namespace("ns", "%DLQ%billing") == "%DLQ%ns%billing");
    CHECK(with_namespace("", "orders") == "orders");
    CHECK(with_namespace("ns", "") == "");
}

TEST_CASE("names that have the namespace, and RocketMQ's own, stay as they are", "[core]") {
    for (const auto* name : {"ns%orders", "%RETRY%ns%billing", "%DLQ%ns%billing", "TBW102", "RMQ_SYS_TRACE_TOPIC",
                             "rmq_sys_REVIVE_LOG_c", "CID_RMQ_SYS_TRANS"})
        CHECK(with_namespace("ns", name) == name);
    CHECK(with_namespace("ns", "ns") == "ns%ns");
    CHECK(with_namespace("ns", "nsx%orders") == "ns%nsx%orders");
    CHECK(with_namespace("ns", "other%orders") == "ns%other%orders");
}

TEST_CASE("only the own namespace is taken off a name", "[core]") {
    CHECK(without_namespace("ns", "ns%orders") == "orders");
    CHECK(without_namespace("ns", "ns%other%orders") == "other%orders");
    CHECK(without_namespace("ns", "%RETRY%ns%billing") == "%RETRY%billing");
    CHECK(without_namespace("ns", "%DLQ%ns%billing") == "%DLQ%billing");
    for (const auto* name : {"orders", "other%orders", "nsorders", "ns", "%RETRY%billing", "TBW102", ""}) {
        CHECK(without_namespace("ns", name) == name);
        CHECK(without_namespace("", name) == name);
    }
}

TEST_CASE("an address of a cloud instance names its namespace", "[core]") {
    CHECK(namespace_of_address("MQ_INST_1234_Abc.mq.example.com:80") == "MQ_INST_1234_Abc");
    CHECK(namespace_of_address("http://MQ_INST_1234_Abc.mq.example.com:80") == "MQ_INST_1234_Abc");
    CHECK(namespace_of_address("MQ_INST_1_b_c.host:80;10.0.0.1:9876") == "MQ_INST_1_b_c");
    for (const auto* other :
         {"", "10.0.0.1:9876", "MQ_INST_1234.host:80", "MQ_INST_1234_.host:80", "MQ_INST__b.host:80", "MQ_INST_1_b:80",
          "xMQ_INST_1_b.host:80", "mq_inst_1_b.host:80", "://MQ_INST_1_b.host:80", "MQ_INST_a-b_c.host:80",
          "MQ_INST__.host:80", "MQ_INST_", "MQ_INST_1_b"})
        CHECK(namespace_of_address(other) == "");
}

#include <rocketpush/offset_store/offset_file.hpp>

#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

TEST_CASE("an offset file is written as Java writes it, to the byte", "[offset_file]") {
    CHECK(encode_offset_file({{{"t1", "broker-a", 2}, 2}, {{"t1", "broker-a", 0}, 5'000'000'000}}) ==
          "{\n"
          "\t\"offsetTable\":{\n"
          "\t\t{\n"
          "\t\t\t\"brokerName\":\"broker-a\",\n"
          "\t\t\t\"queueId\":0,\n"
          "\t\t\t\"topic\":\"t1\"\n"
          "\t\t}:5000000000,\n"
          "\t\t{\n"
          "\t\t\t\"brokerName\":\"broker-a\",\n"
          "\t\t\t\"queueId\":2,\n"
          "\t\t\t\"topic\":\"t1\"\n"
          "\t\t}:2\n"
          "\t}\n"
          "}");
    CHECK(encode_offset_file({}) == "{\n\t\"offsetTable\":{}\n}");
}

TEST_CASE("what is written is read", "[offset_file]") {
    const offset_table table{{{"orders", "broker-a", 0}, 0},
                             {{"orders", "broker \"b\"\n", 7}, 9'223'372'036'854'775'807},
                             {{"%RETRY%\xC3\xA4", "broker-a", -1}, 3}};
    const auto read = decode_offset_file(encode_offset_file(table));
    REQUIRE(read);
    CHECK(*read == table);
    CHECK(decode_offset_file(encode_offset_file({}))->empty());
}

TEST_CASE("an offset file may have any order, spacing, more members, and standard JSON's keys", "[offset_file]") {
    const offset_table expected{{{"t", "b", 1}, 7}};
    for (
        const std::string text : {
            R"({"offsetTable":{{"topic":"t","queueId":1,"brokerName":"b"}:7}})",
            "{ \"dataVersion\" : {\"counter\":1} ,\r\n \"offsetTable\" : { { \"queueId\":1, \"topic\":\"t\", "
            "\"brokerName\":\"b\", \"x\":[{}] } : 7 } }",
            R"({"offsetTable":{"{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"t\"}":7}})",
            R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:6,{"brokerName":"b","queueId":1,"topic":"t"}:7}})",
        }) {
        CAPTURE(text);
        const auto read = decode_offset_file(text);
        REQUIRE(read);
        CHECK(*read == expected);
    }
}

TEST_CASE("a file without a table, and offsets that are none, hold nothing", "[offset_file]") {
    for (const std::string text : {"{}", R"({"offsetTable":null})", R"({"offsetTable":{}})",
                                   R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:null}})",
                                   R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:-1}})"}) {
        CAPTURE(text);
        const auto read = decode_offset_file(text);
        REQUIRE(read);
        CHECK(read->empty());
    }
}

TEST_CASE("what is not an offset file is damaged", "[offset_file]") {
    for (const std::string text : {
             "",
             " ",
             "null",
             "[]",
             "7",
             "\"text\"",
             "{\"offsetTable\":",
             "{\"offsetTable\":[]}",
             "{\"offsetTable\":7}",
             R"({"offsetTable":{"orders":7}})",                                            // no queue
             R"({"offsetTable":{{"queueId":1,"topic":"t"}:7}})",                           // without its broker
             R"({"offsetTable":{{"brokerName":"b","queueId":"1","topic":"t"}:7}})",        // of another type
             R"({"offsetTable":{{"brokerName":"b","queueId":4294967296,"topic":"t"}:7}})", // out of range
             R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:"7"}})",
             R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:7.5}})",
             R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:9223372036854775808}})",
             R"({"offsetTable":{}} trailing)",
         }) {
        CAPTURE(text);
        CHECK(decode_offset_file(text).error() == error::offset_file_damaged);
    }
    CHECK(decode_offset_file(std::string(100'000, '{')).error() == error::offset_file_damaged);
    CHECK(decode_offset_file(std::string(64, '\0')).error() == error::offset_file_damaged);
}

TEST_CASE("every beginning of an offset file that is not all of it is damaged", "[offset_file]") {
    const auto whole = encode_offset_file({{{"t1", "broker-a", 0}, 17}, {{"t1", "broker-a", 1}, 18}});
    for (std::size_t length = 0; length < whole.size(); ++length)
        CHECK(decode_offset_file(whole.substr(0, length)).error() == error::offset_file_damaged);
}

} // namespace

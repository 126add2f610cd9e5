#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/captured_frames.hpp"
#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
namespace captured = rocketpush::test::captured;

namespace {

header_view header_of(std::string_view frame) {
    const auto prefix = parse_frame_prefix(frame.data());
    const auto header = parse_header(prefix->encoding, frame.substr(frame_prefix_size, prefix->header_size));
    REQUIRE(header);
    return *header;
}

result<pull_response> pull_response_of(std::string_view json_fields) {
    const auto text = R"({"code":0,"extFields":)" + std::string(json_fields) + "}";
    return read_fields<pull_response>(*parse_header(header_encoding::json, text));
}

/// The names in a header's table, in order.
template <class Header>
std::vector<std::string_view> names_of() {
    return std::apply([](const auto&... row) { return std::vector<std::string_view>{row.name...}; }, Header::fields());
}

} // namespace

TEST_CASE("captured pull requests are read in both encodings", "[protocol]") {
    for (const auto& [frame, topic, broker] : {std::tuple(captured::pull_request_json, "wire5", "broker-a"),
                                               std::tuple(captured::pull_request_binary, "wire4", "broker-w")}) {
        const auto request = read_fields<pull_request>(header_of(frame));
        REQUIRE(request);
        CHECK(request->consumer_group == "g");
        CHECK(request->topic == topic);
        CHECK(request->queue_id == 0);
        CHECK(request->queue_offset == 0);
        CHECK(request->max_messages == 1);
        CHECK(request->sys_flag == (pull_flags::suspend | pull_flags::subscription));
        CHECK(request->suspend_millis == 15000);
        CHECK(request->sub_version == 1700000000000);
        CHECK(request->subscription == "*");
        CHECK(request->expression_type == "TAG");
        CHECK(request->max_bytes == 262144);
        CHECK(request->broker_name == broker);
    }
}

TEST_CASE("captured pull answers are read in both encodings", "[protocol]") {
    const auto newer = read_fields<pull_response>(header_of(captured::pull_response_json));
    REQUIRE(newer);
    CHECK(newer->suggested_broker_id == 0);
    CHECK(newer->next_begin_offset == 1);
    CHECK(newer->min_offset == 0);
    CHECK(newer->max_offset == 5);
    CHECK(newer->topic_sys_flag == 0);
    CHECK(!newer->offset_delta);

    const auto older = read_fields<pull_response>(header_of(captured::pull_response_binary_497));
    REQUIRE(older);
    CHECK(older->next_begin_offset == 1);
    CHECK(older->max_offset == 2);
    CHECK(!older->topic_sys_flag);
}

TEST_CASE("a pull answer that lacks an offset, or has none that is a number, is malformed", "[protocol]") {
    CHECK(pull_response_of(R"({"suggestWhichBrokerId":"0","nextBeginOffset":"1","minOffset":"0","maxOffset":"2"})"));
    CHECK(pull_response_of(R"({"suggestWhichBrokerId":0,"nextBeginOffset":1,"minOffset":0,"maxOffset":2})"));
    CHECK(pull_response_of(R"({"suggestWhichBrokerId":"0","minOffset":"0","maxOffset":"2"})").error() ==
          error::header_malformed);
    CHECK(pull_response_of(R"({"suggestWhichBrokerId":"0","nextBeginOffset":"one","minOffset":"0","maxOffset":"2"})")
              .error() == error::header_malformed);
    CHECK(pull_response_of("{}").error() == error::header_malformed);
}

TEST_CASE("a pull answer is the same in the order that is expected and in any other", "[protocol]") {
    const std::vector<std::string> members{R"("suggestWhichBrokerId":"1")",
                                           R"("groupSysFlag":"3")",
                                           R"("nextBeginOffset":"123456789012345678")",
                                           R"("maxOffset":"5")",
                                           R"("minOffset":"4")",
                                           R"("topicSysFlag":"2")",
                                           R"("offsetDelta":"7")"};
    std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6};
    do {
        std::string text;
        for (const auto i : order)
            text += (text.empty() ? "{" : ",") + members[i];
        const auto read = pull_response_of(text + "}");
        REQUIRE(read);
        const bool equal = read->suggested_broker_id == 1 && read->group_sys_flag == 3 && read->max_offset == 5 &&
                           read->next_begin_offset == 123456789012345678 && read->min_offset == 4 &&
                           read->topic_sys_flag == 2 && read->offset_delta == 7;
        if (!equal)
            FAIL(text);
    } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("numbers of a pull answer are read whole or refused", "[protocol]") {
    const auto with = [](std::string_view next, std::string_view group_flag) {
        return pull_response_of(R"({"suggestWhichBrokerId":"0","groupSysFlag":")" + std::string(group_flag) +
                                R"(","nextBeginOffset":")" + std::string(next) +
                                R"(","maxOffset":"9","minOffset":"0"})");
    };
    CHECK(with("9223372036854775807", "2147483647")->next_begin_offset == 9223372036854775807);
    CHECK(with("-1", "-2147483648")->next_begin_offset == -1);
    CHECK(with("0", "-2147483648")->group_sys_flag == -2147483648);
    for (const auto* wrong : {"", " 1", "1 ", "1x", "0x1", "9223372036854775808", "1,"})
        CHECK(with(wrong, "0").error() == error::header_malformed);
    CHECK(with("1", "2147483648").error() == error::header_malformed);
}

TEST_CASE("a captured route request and heartbeat answer are read", "[protocol]") {
    CHECK(read_fields<route_request>(header_of(captured::route_request_json))->topic == "probe");
    CHECK(read_fields<route_request>(header_of(captured::route_request_binary))->topic == "probe");
    const auto heartbeat = read_fields<heartbeat_response>(header_of(captured::heartbeat_response));
    REQUIRE(heartbeat);
    CHECK(heartbeat->supports_v2);
    CHECK(heartbeat->subscription_change);
    CHECK(!read_fields<heartbeat_response>(header_of(captured::route_response_json))->supports_v2);
}

TEST_CASE("a V2 send has one letter a field, a V1 send the long names, in one order", "[protocol]") {
    CHECK(names_of<send_request>() ==
          std::vector<std::string_view>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"});
    CHECK(names_of<send_batch_request>() == names_of<send_request>());
    CHECK(names_of<send_v1_request>() ==
          std::vector<std::string_view>{"producerGroup", "topic", "defaultTopic", "defaultTopicQueueNums", "queueId",
                                        "sysFlag", "bornTimestamp", "flag", "properties", "reconsumeTimes", "unitMode",
                                        "maxReconsumeTimes", "batch", "bname"});
    CHECK(send_batch_request{.producer_group = "p", .topic = "t"}.batch);
    CHECK(!send_request{.producer_group = "p", .topic = "t"}.batch);
}

TEST_CASE("a send's properties pass through JSON escapes unharmed", "[protocol]") {
    send_request request{.producer_group = "p", .topic = "t"};
    request.properties = "TAGS\x01paid\x02KEYS\x01\"k\\1\"\x02note\x01\xE4\xB8\xAD\x02";
    std::string bytes;
    append_request(bytes, header_encoding::json, request, {.opaque = 1});
    CHECK(bytes.find('\x01') == std::string::npos);
    CHECK(read_fields<send_request>(header_of(bytes))->properties == request.properties);
}

TEST_CASE("a V2 send of the Java client is read, \\u0001 and all", "[protocol]") {
    const auto header =
        parse_header(header_encoding::json,
                     R"({"code":310,"extFields":{"a":"p","b":"orders","c":"TBW102","d":"4","e":"2","f":"0",)"
                     R"("g":"1795372425805","h":"0","i":"UNIQ_KEY\u0001C0\u0002WAIT\u0001true\u0002","j":"0",)"
                     R"("k":"false","m":"false","n":"broker-a"},"flag":0,"language":"JAVA","opaque":7,)"
                     R"("serializeTypeCurrentRPC":"JSON","version":513})");
    REQUIRE(header);
    const auto request = read_fields<send_request>(*header);
    REQUIRE(request);
    CHECK(request->topic == "orders");
    CHECK(request->queue_id == 2);
    CHECK(request->born_timestamp == 1795372425805);
    CHECK(request->properties == "UNIQ_KEY\x01"
                                 "C0\x02WAIT\x01true\x02");
    CHECK(!request->max_reconsume_times);
    CHECK(request->broker_name == "broker-a");
}

TEST_CASE("the requests' codes and names are Java's", "[protocol]") {
    CHECK(static_cast<int>(unregister_request::code) == 35);
    CHECK(names_of<unregister_request>() ==
          std::vector<std::string_view>{"clientID", "producerGroup", "consumerGroup"});
    CHECK(static_cast<int>(consumer_list_request::code) == 38);
    CHECK(static_cast<int>(consumer_ids_changed_notice::code) == 40);
    CHECK(static_cast<int>(lock_request::code) == 41);
    CHECK(static_cast<int>(unlock_request::code) == 42);
    CHECK(static_cast<int>(check_client_request::code) == 46);
    CHECK(static_cast<int>(query_assignment_request::code) == 400);
    CHECK(static_cast<int>(send_back_request::code) == 36);
    CHECK(names_of<send_back_request>() == std::vector<std::string_view>{"offset", "group", "delayLevel", "originMsgId",
                                                                         "originTopic", "unitMode", "maxReconsumeTimes",
                                                                         "bname"});
    CHECK(static_cast<int>(query_offset_request::code) == 14);
    CHECK(names_of<query_offset_request>() ==
          std::vector<std::string_view>{"consumerGroup", "topic", "queueId", "setZeroIfNotFound", "bname"});
    CHECK(static_cast<int>(update_offset_request::code) == 15);
    CHECK(names_of<update_offset_request>() ==
          std::vector<std::string_view>{"consumerGroup", "topic", "queueId", "commitOffset", "bname"});
    CHECK(static_cast<int>(max_offset_request::code) == 30);
    CHECK(static_cast<int>(min_offset_request::code) == 31);
    CHECK(static_cast<int>(earliest_time_request::code) == 32);
    CHECK(static_cast<int>(search_offset_request::code) == 29);
    CHECK(names_of<search_offset_request>() ==
          std::vector<std::string_view>{"topic", "queueId", "timestamp", "boundaryType", "bname"});
    CHECK(static_cast<int>(view_message_request::code) == 33);
    CHECK(static_cast<int>(create_topic_request::code) == 17);
    CHECK(static_cast<int>(send_v1_request::code) == 10);
    CHECK(static_cast<int>(send_request::code) == 310);
    CHECK(static_cast<int>(send_batch_request::code) == 320);
}

#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>
#include <rocketpush/protocol/requests_group.hpp>
#include <rocketpush/protocol/requests_pop.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

namespace {

/// The fields of a header in JSON.
template <class Fields>
result<Fields> read(std::string_view json_fields) {
    static std::deque<std::string> kept; // what is read may point into it
    const auto& text  = kept.emplace_back(R"({"code":0,"extFields":)" + std::string(json_fields) + "}");
    const auto header = parse_header(header_encoding::json, text);
    REQUIRE(header);
    return read_fields<Fields>(*header);
}

/// The header of one frame.
std::string header_text(std::string_view frame) {
    const auto prefix = parse_frame_prefix(frame.data());
    REQUIRE(prefix);
    return std::string(frame.substr(frame_prefix_size, prefix->header_size));
}

template <class Header>
std::vector<std::string_view> names_of() {
    return std::apply([](const auto&... row) { return std::vector<std::string_view>{row.name...}; }, Header::fields());
}

} // namespace

TEST_CASE("the pop that the Java client sends is read", "[protocol]") {
    const auto pop = read<pop_request>(
        R"({"pollTime":"15000","invisibleTime":"60000","queueId":"-1","bornTime":"1795372671182","maxMsgNums":"32",)"
        R"("bname":"broker-a","topic":"wirejc5p","expType":"TAG","exp":"*","consumerGroup":"GJC5P","initMode":"0",)"
        R"("order":"false"})");
    REQUIRE(pop);
    CHECK(pop->poll_millis == 15000);
    CHECK(pop->invisible_millis == 60000);
    CHECK(pop->queue_id == any_queue);
    CHECK(pop->born_time == 1795372671182);
    CHECK(pop->max_messages == 32);
    CHECK(pop->broker_name == "broker-a");
    CHECK(pop->topic == "wirejc5p");
    CHECK(pop->expression_type == "TAG");
    CHECK(pop->expression == "*");
    CHECK(pop->consumer_group == "GJC5P");
    CHECK(pop->init_mode == pop_init::min);
    CHECK(pop->order == false);
    CHECK(pop->attempt_id.empty());
}

TEST_CASE("codes and names of the POP requests are Java's", "[protocol]") {
    CHECK(static_cast<int>(pop_request::code) == 200050);
    CHECK(static_cast<int>(ack_request::code) == 200051);
    CHECK(static_cast<int>(change_invisible_time_request::code) == 200053);
    CHECK(static_cast<int>(batch_ack_request::code) == 200151);
    CHECK(static_cast<int>(set_request_mode_request::code) == 401);
    CHECK(names_of<ack_request>() ==
          std::vector<std::string_view>{"consumerGroup", "topic", "queueId", "extraInfo", "offset", "bname"});
    CHECK(names_of<change_invisible_time_request>() ==
          std::vector<std::string_view>{"consumerGroup", "topic", "queueId", "extraInfo", "offset", "invisibleTime",
                                        "suspend", "bname"});
}

TEST_CASE("the pops of a queue are begun once", "[protocol]") {
    const repeated_pop pops({.consumer_group = "billing", .topic = "orders", .queue_id = 3});
    std::string frame;
    append_request(frame, header_encoding::rocketmq,
                   pops.with({.max_messages = 8, .poll_millis = 2000, .born_time = 1795372671182}), {.opaque = 7});
    const auto text   = header_text(frame);
    const auto header = parse_header(header_encoding::json, text);
    REQUIRE(header);
    CHECK(header->code == 200050);
    CHECK(header->opaque == 7);
    const auto pop = read_fields<pop_request>(*header);
    REQUIRE(pop);
    CHECK(pop->consumer_group == "billing");
    CHECK(pop->topic == "orders");
    CHECK(pop->queue_id == 3);
    CHECK(pop->max_messages == 8);
    CHECK(pop->poll_millis == 2000);
    CHECK(pop->born_time == 1795372671182);
    CHECK(pop->init_mode == pop_init::max);
}

TEST_CASE("a pop's answer is read where it stands", "[protocol]") {
    const auto answer = read<pop_response>(
        R"({"popTime":"1795372672059","invisibleTime":"60000","reviveQid":"2","restNum":"4","startOffsetInfo":"0 1 0;0 0 0",)"
        R"("msgOffsetInfo":"0 1 0,1;0 0 0,1,2"})");
    REQUIRE(answer);
    CHECK(answer->pop_time == 1795372672059);
    CHECK(answer->invisible_millis == 60000);
    CHECK(answer->revive_queue_id == 2);
    CHECK(answer->rest_messages == 4);
    CHECK(answer->start_offsets == "0 1 0;0 0 0");
    CHECK(answer->message_offsets == "0 1 0,1;0 0 0,1,2");
    CHECK(answer->order_counts.empty());
    CHECK(read<pop_response>(R"({"popTime":"1","invisibleTime":"1","reviveQid":"1"})").error() ==
          error::header_malformed);
    CHECK(read<pop_response>(R"({"popTime":"x","invisibleTime":"1","reviveQid":"1","restNum":"0"})").error() ==
          error::header_malformed);
}

TEST_CASE("a pop's answer with lists that cannot stand in a header as they are is refused", "[protocol]") {
    const auto with_offsets = [](std::string_view offsets) {
        return read<pop_response>(R"({"popTime":"1","invisibleTime":"1","reviveQid":"1","restNum":"0","msgOffsetInfo":)" +
                                  std::string(offsets) + '}');
    };
    CHECK(with_offsets(R"("0 0 0,1")"));
    for (const auto offsets : {R"({"":1})", R"("0 0\u00200")", R"("0 0 0,\"1")", R"(["0"])"}) {
        INFO(offsets);
        CHECK(with_offsets(offsets).error() == error::header_malformed);
    }
}

TEST_CASE("a pop's answer is written as it is read", "[protocol]") {
    std::string frame;
    append_response(frame, header_encoding::json, response_code::success, 3, "FOUND",
                    pop_response{.pop_time         = 9,
                                 .invisible_millis = 60000,
                                 .revive_queue_id  = orderly_revive_queue,
                                 .start_offsets    = "0 0 0",
                                 .message_offsets  = "0 0 0,1",
                                 .order_counts     = "0 qo0%1 1;0 0 1"});
    const auto text   = header_text(frame);
    const auto answer = read_fields<pop_response>(*parse_header(header_encoding::json, text));
    REQUIRE(answer);
    CHECK(answer->revive_queue_id == 999);
    CHECK(answer->message_offsets == "0 0 0,1");
    CHECK(answer->order_counts == "0 qo0%1 1;0 0 1");
}

TEST_CASE("acknowledgements and changes carry their receipt", "[protocol]") {
    constexpr std::string_view receipt = "1 1795372672059 60000 2 0 broker-a 3 1";
    std::string frame;
    append_request(frame, header_encoding::json,
                   ack_request{"GJC5P", "%RETRY%GJC5P_wirejc5p", 3, std::string(receipt), 1, "broker-a"},
                   {.opaque = 1});
    auto text      = header_text(frame);
    const auto ack = read_fields<ack_request>(*parse_header(header_encoding::json, text));
    REQUIRE(ack);
    CHECK(ack->receipt == receipt);
    CHECK(ack->topic == "%RETRY%GJC5P_wirejc5p");
    CHECK(ack->queue_offset == 1);

    const auto change = read<change_invisible_time_request>(
        R"({"consumerGroup":"g","topic":"t","queueId":"3","extraInfo":"1 2 3 4 0 b 3 1","offset":"1","invisibleTime":"10000",)"
        R"("suspend":"false"})");
    REQUIRE(change);
    CHECK(change->invisible_millis == 10000);
    CHECK(change->suspend == false);
    const auto changed =
        read<change_invisible_time_response>(R"({"popTime":"5","invisibleTime":"10000","reviveQid":"7"})");
    REQUIRE(changed);
    CHECK(changed->revive_queue_id == 7);
}

#include <rocketpush/protocol/message_batch.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/pop_receipts.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;

namespace {

/// The messages of a pop's answer.
struct answer_body {
    void add(std::string_view topic, std::int32_t queue, std::int64_t offset, std::string_view receipt = {}) {
        std::string properties;
        if (!receipt.empty())
            append_property(properties, property_names::pop_receipt, receipt);
        append_stored_message(
            bytes, {.topic = topic, .body = "x", .properties = properties, .queue_id = queue, .queue_offset = offset});
    }
    /// An inner batch of `count` messages.
    void add_batch(std::int32_t queue, std::int64_t offset, std::size_t count) {
        std::string batch;
        for (std::size_t i = 0; i < count; ++i)
            append_batch_message(batch, {.body = "x"});
        append_stored_message(bytes, {.topic        = "orders",
                                      .body         = batch,
                                      .queue_id     = queue,
                                      .queue_offset = offset,
                                      .sys_flag     = sys_flags::inner_batch | sys_flags::needs_unwrap});
    }

    /// The receipts, or the failure, each behind a newline.
    std::string receipts(std::string_view start_offsets, std::string_view message_offsets) {
        const message_queue queue{"orders", "broker-a", any_queue};
        const detail::message_origin origin{.queue = &queue};
        detail::byte_arena arena;
        std::vector<detail::message_fields> messages;
        decode_messages(bytes, origin, {}, arena, messages,
                        [](std::error_code failure, auto&&...) { FAIL(failure.message()); });
        pop_response answer{.pop_time         = 1795372672059,
                            .invisible_millis = 60000,
                            .revive_queue_id  = 2,
                            .start_offsets    = start_offsets,
                            .message_offsets  = message_offsets};
        receipt_maker maker;
        std::vector<receipt_handle> made(7); // what was there is replaced
        const auto done = maker.make(answer, "broker-a", messages, made);
        if (!done)
            return done.error().message();
        unknown = *done;
        std::string texts;
        for (const auto& receipt : made)
            texts += "\n" + to_string(receipt);
        return texts;
    }

    std::string bytes;
    std::size_t unknown = 0;
};

} // namespace

TEST_CASE("messages get their receipts from the captured lists of an answer", "[protocol]") {
    answer_body body;
    for (const auto offset : {0, 1})
        body.add("orders", 1, offset);
    for (const auto offset : {0, 1, 2})
        body.add("orders", 0, offset);
    CHECK(body.receipts("0 1 0;0 0 0", "0 1 0,1;0 0 0,1,2") == R"(
0 1795372672059 60000 2 0 broker-a 1 0
0 1795372672059 60000 2 0 broker-a 1 1
0 1795372672059 60000 2 0 broker-a 0 0
0 1795372672059 60000 2 0 broker-a 0 1
0 1795372672059 60000 2 0 broker-a 0 2)");
    CHECK(body.unknown == 0);
}

TEST_CASE("the list's value counts, found by the message's rank in its queue", "[protocol]") {
    answer_body body;
    for (const auto offset : {9, 4, 7})
        body.add("orders", 3, offset);
    CHECK(body.receipts("0 3 4", "0 3 104,107,109") == R"(
4 1795372672059 60000 2 0 broker-a 3 109
4 1795372672059 60000 2 0 broker-a 3 104
4 1795372672059 60000 2 0 broker-a 3 107)");
}

TEST_CASE("a retry keeps the receipt that it comes with, or has its topic's", "[protocol]") {
    answer_body body;
    body.add("orders", 0, 0, "0 1795372215973 10000 5 1 broker-a 0 0");
    body.add("orders", 0, 3);
    body.add("%RETRY%billing_orders", 0, 1);
    body.add("%RETRY%billing+orders", 0, 2);
    CHECK(body.receipts("0 0 3;1 0 1;2 0 2", "0 0 3;1 0 1;2 0 2") == R"(
0 1795372215973 10000 5 1 broker-a 0 0
3 1795372672059 60000 2 0 broker-a 0 3
1 1795372672059 60000 2 1 broker-a 0 1
2 1795372672059 60000 2 2 broker-a 0 2)");
}

TEST_CASE("a message that is missing among those read costs the others nothing", "[protocol]") {
    answer_body body;
    for (const auto offset : {4, 6, 7})
        body.add("orders", 0, offset);
    CHECK(body.receipts("0 0 4", "0 0 4,5,6,7") == R"(
4 1795372672059 60000 2 0 broker-a 0 4
4 1795372672059 60000 2 0 broker-a 0 6
4 1795372672059 60000 2 0 broker-a 0 7)");
}

TEST_CASE("a receipt of another pop is not believed of a message that the lists know", "[protocol]") {
    answer_body body; // popped once, and sent again with all its properties
    body.add("orders", 0, 5, "0 1795372215973 10000 5 0 broker-b 3 9");
    body.add("orders", 0, 6, "0 1795372672059 60000 2 1 broker-a 0 6"); // of this pop: a retry
    CHECK(body.receipts("0 0 5", "0 0 5,6") == R"(
5 1795372672059 60000 2 0 broker-a 0 5
0 1795372672059 60000 2 1 broker-a 0 6)");
}

TEST_CASE("the messages of an inner batch share its receipt", "[protocol]") {
    answer_body body;
    body.add_batch(0, 3, 3);
    body.add_batch(0, 6, 2);
    CHECK(body.receipts("0 0 3", "0 0 3,6") == R"(
3 1795372672059 60000 2 0 broker-a 0 3
3 1795372672059 60000 2 0 broker-a 0 3
3 1795372672059 60000 2 0 broker-a 0 3
3 1795372672059 60000 2 0 broker-a 0 6
3 1795372672059 60000 2 0 broker-a 0 6)");
    CHECK(body.unknown == 0);
}

TEST_CASE("without lists a receipt begins at the first offset of its queue", "[protocol]") {
    answer_body body;
    for (const auto offset : {5, 6})
        body.add("orders", 0, offset);
    body.add("orders", 1, 9);
    CHECK(body.receipts("", "") == R"(
5 1795372672059 60000 2 0 broker-a 0 5
5 1795372672059 60000 2 0 broker-a 0 6
9 1795372672059 60000 2 0 broker-a 1 9)");
    CHECK(body.unknown == 0);
}

TEST_CASE("messages that the lists do not know are counted", "[protocol]") {
    answer_body body;
    for (const auto offset : {5, 6})
        body.add("orders", 0, offset);
    body.add("orders", 1, 9);
    CHECK(body.receipts("0 0 5", "0 0 5") == R"(
5 1795372672059 60000 2 0 broker-a 0 5
5 1795372672059 60000 2 0 broker-a 0 6
9 1795372672059 60000 2 0 broker-a 1 9)");
    CHECK(body.unknown == 2);
}

TEST_CASE("a list that is none is told", "[protocol]") {
    answer_body body;
    body.add("orders", 0, 5);
    for (const auto* list : {"0 0", "0 qo0%5 5", "0 -1 5", "9 0 5"})
        CHECK(body.receipts(list, "0 0 5") == make_error_code(error::header_malformed).message());
    CHECK(body.receipts("0 0 x", "0 0 5") == make_error_code(error::header_malformed).message());
    CHECK(body.receipts("0 0 5", "0 x 5") == make_error_code(error::header_malformed).message());
}

#ifndef ROCKETPUSH_TESTS_EMBEDDED_POP_FIXTURE_HPP
#define ROCKETPUSH_TESTS_EMBEDDED_POP_FIXTURE_HPP

#include <rocketpush/protocol/bodies_batch_ack.hpp>
#include <rocketpush/protocol/pop_receipts.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/embedded/logic_fixture.hpp"

namespace rocketpush::test {

/// One message of a pop's answer.
struct popped_message {
    std::string body;
    std::string topic; ///< As it stands in the answer.
    std::int32_t reconsume_times = 0;
    std::string receipt;
    std::string properties;

    std::string property(std::string_view name) const {
        return std::string(protocol::find_property(properties, name).value_or("-"));
    }
};

/// A pop's answer.
struct pop_answer {
    response_code code{};
    std::string remark;
    std::vector<popped_message> messages;
    std::string starts, offsets, counts;
    std::int64_t pop_time = 0, invisible = 0, rest = 0;
    std::int32_t revive_queue = 0;

    texts bodies() const {
        texts all;
        for (const auto& each : messages)
            all.push_back(each.body);
        return all;
    }
};

/// A topic of two queues, which a group pops. No heartbeat is needed for that.
struct pop_fixture : logic_fixture {
    explicit pop_fixture(embedded::broker_options options = {}) : logic_fixture(std::move(options)) {
        logic.create_topic("orders", 2);
        member = connect();
    }

    void send(std::string_view body, std::string tag = {}, std::int32_t queue = 0) {
        CHECK(logic.send("orders", body, {.tags = std::move(tag), .queue = queue}, now));
    }

    static protocol::pop_request request(std::int32_t queue = 0) {
        protocol::pop_request wanted{.consumer_group = "billing", .topic = "orders", .queue_id = queue};
        wanted.poll_millis = 0;
        return wanted;
    }
    /// One that waits.
    static protocol::pop_request poll(std::int32_t queue = 0) {
        auto wanted        = request(queue);
        wanted.poll_millis = 15'000;
        return wanted;
    }

    pop_answer pop(const protocol::pop_request& wanted = request()) { return read(ask(member, wanted)); }

    /// What came for a pop that was held.
    std::optional<pop_answer> answer_to(std::int32_t opaque) {
        auto bytes = take_answer(member, opaque);
        if (!bytes)
            return std::nullopt;
        return read(sent_frame(std::move(*bytes)));
    }

    static pop_answer read(const sent_frame& frame) {
        const auto fields = frame.fields<protocol::pop_response>();
        pop_answer answer{frame.code(),
                          frame.header.remark(),
                          {},
                          std::string(fields.start_offsets),
                          std::string(fields.message_offsets),
                          std::string(fields.order_counts),
                          fields.pop_time,
                          fields.invisible_millis,
                          fields.rest_messages,
                          fields.revive_queue_id};
        const message_queue queue{"orders", "broker-a", protocol::any_queue};
        const detail::message_origin origin{.queue = &queue};
        detail::byte_arena arena;
        std::vector<detail::message_fields> found;
        protocol::decode_messages(frame.body, origin, {}, arena, found,
                                  [](std::error_code failure, auto&&...) { FAIL(failure.message()); });
        std::vector<protocol::receipt_handle> receipts;
        const auto unknown = protocol::receipt_maker().make(fields, "broker-a", found, receipts);
        REQUIRE(unknown);
        CHECK(*unknown == 0);
        for (std::size_t i = 0; i < found.size(); ++i) {
            const message_view message(found[i]);
            answer.messages.push_back({std::string(message.body()), std::string(message.stored_topic()),
                                       message.reconsume_times(), to_string(receipts[i]),
                                       std::string(message.raw_properties())});
        }
        return answer;
    }

    /// The request that goes with a receipt.
    template <class Request>
    static Request with_receipt(const std::string& text) {
        const auto receipt = protocol::parse_receipt(text).value();
        return {.consumer_group = "billing",
                .topic          = protocol::real_topic(receipt.topic, "billing", "orders"),
                .queue_id       = receipt.queue_id,
                .receipt        = text,
                .queue_offset   = receipt.queue_offset};
    }
    response_code ack(const std::string& receipt) {
        return ask(member, with_receipt<protocol::ack_request>(receipt)).code();
    }
    /// @return The new receipt.
    std::string change(const std::string& receipt, std::chrono::milliseconds time, std::optional<bool> suspend = {}) {
        auto wanted             = with_receipt<protocol::change_invisible_time_request>(receipt);
        wanted.invisible_millis = time.count();
        wanted.suspend          = suspend;
        const auto answer       = ask(member, wanted);
        CHECK(answer.code() == response_code::success);
        return to_string(protocol::changed_receipt(protocol::parse_receipt(receipt).value(),
                                                   answer.fields<protocol::change_invisible_time_response>()));
    }

    client member = 0;
};

} // namespace rocketpush::test

#endif

#include "tests/embedded/pop_fixture.hpp"

#include <rocketpush/protocol/message_decoder.hpp>

#include <system_error>

namespace rocketpush::test {

pop_fixture::pop_fixture(embedded::broker_options options) : logic_fixture(std::move(options)) {
    logic.create_topic("orders", 2);
    member = connect();
}

void pop_fixture::send(std::string_view body, std::string tag, std::int32_t queue) {
    CHECK(store("orders", body, {.tags = std::move(tag), .queue = queue}));
}

protocol::pop_request pop_fixture::request(std::int32_t queue) {
    protocol::pop_request wanted{.consumer_group = "billing", .topic = "orders", .queue_id = queue};
    wanted.poll_millis = 0;
    return wanted;
}

protocol::pop_request pop_fixture::poll(std::int32_t queue) {
    auto wanted        = request(queue);
    wanted.poll_millis = 15'000;
    return wanted;
}

pop_answer pop_fixture::pop(const protocol::pop_request& wanted) { return read(ask(member, wanted)); }

std::optional<pop_answer> pop_fixture::answer_to(std::int32_t opaque) {
    auto bytes = take_answer(member, opaque);
    if (!bytes)
        return std::nullopt;
    return read(sent_frame(std::move(*bytes)));
}

pop_answer pop_fixture::read(const sent_frame& frame) {
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

response_code pop_fixture::ack(const std::string& receipt) {
    return ask(member, with_receipt<protocol::ack_request>(receipt)).code();
}

std::string pop_fixture::change(const std::string& receipt, std::chrono::milliseconds time,
                                std::optional<bool> suspend) {
    auto wanted             = with_receipt<protocol::change_invisible_time_request>(receipt);
    wanted.invisible_millis = time.count();
    wanted.suspend          = suspend;
    const auto answer       = ask(member, wanted);
    CHECK(answer.code() == response_code::success);
    return to_string(protocol::changed_receipt(protocol::parse_receipt(receipt).value(),
                                               answer.fields<protocol::change_invisible_time_response>()));
}

} // namespace rocketpush::test

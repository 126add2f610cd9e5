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
    explicit pop_fixture(embedded::broker_options options = {});

    void send(std::string_view body, std::string tag = {}, std::int32_t queue = 0);

    static protocol::pop_request request(std::int32_t queue = 0);
    /// One that waits.
    static protocol::pop_request poll(std::int32_t queue = 0);

    pop_answer pop(const protocol::pop_request& wanted = request());

    /// What came for a pop that was held.
    std::optional<pop_answer> answer_to(std::int32_t opaque);

    static pop_answer read(const sent_frame& frame);

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
    response_code ack(const std::string& receipt);
    /// @return The new receipt.
    std::string change(const std::string& receipt, std::chrono::milliseconds time, std::optional<bool> suspend = {});

    client member = 0;
};

} // namespace rocketpush::test

#endif

#ifndef ROCKETPUSH_TESTS_EMBEDDED_LOGIC_FIXTURE_HPP
#define ROCKETPUSH_TESTS_EMBEDDED_LOGIC_FIXTURE_HPP

#include <rocketpush/embedded/broker_logic.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/frame.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"

namespace rocketpush::test {

/// One frame that the broker has sent to a client.
struct sent_frame {
    explicit sent_frame(std::string from) : bytes(std::move(from)) {
        const auto prefix = protocol::parse_frame_prefix(bytes.data()).value();
        const std::string_view all(bytes);
        header = protocol::parse_header(prefix.encoding, all.substr(8, prefix.header_size)).value();
        body   = all.substr(8 + prefix.header_size, prefix.body_size);
    }
    sent_frame(const sent_frame&)            = delete;
    sent_frame& operator=(const sent_frame&) = delete;

    response_code code() const { return static_cast<response_code>(header.code); }
    template <class Fields>
    Fields fields() const {
        return protocol::read_fields<Fields>(header).value();
    }

    std::string bytes;
    protocol::header_view header;
    std::string_view body;
};

/// A broker's logic with a clock that the test moves and clients that are only numbers.
struct logic_fixture {
    using client = embedded::connection_id;

    explicit logic_fixture(embedded::broker_options options = {}, std::optional<endpoint> slave = {})
        : logic(std::move(options), {"127.0.0.1", 10911}, {std::array<unsigned char, 4>{127, 0, 0, 1}, 10911}, 7,
                std::move(slave)) {
        using namespace std::chrono_literals;
        now.steady += 1000h;
        now.system += std::chrono::seconds(1'700'000'000);
    }

    client connect(bool to_slave = false) {
        return logic.connect({std::array<unsigned char, 4>{10, 0, 0, 1}, 5000}, now, to_slave);
    }

    template <class Request>
    std::int32_t tell(client from, const Request& request, std::string_view body = {},
                      protocol::command_meta meta             = {},
                      protocol::header_encoding encoding      = protocol::header_encoding::json) {
        meta.opaque = ++last_opaque;
        std::string bytes;
        protocol::append_request(bytes, encoding, request, meta, body);
        const sent_frame frame(std::move(bytes));
        logic.handle(from, frame.header, frame.body, now);
        return last_opaque;
    }

    /// What has been sent to a client and not been looked at yet; oldest first.
    std::vector<std::string> take_frames(client to) {
        std::string bytes;
        logic.out().take_frames(to, bytes);
        std::vector<std::string> frames;
        for (std::string_view rest = bytes; !rest.empty();) {
            const auto size = protocol::parse_frame_prefix(rest.data()).value().frame_size();
            frames.emplace_back(rest.substr(0, size));
            rest.remove_prefix(size);
        }
        return frames;
    }

    /// Asks, and gives the answer; notices that come with it are kept in `notices`.
    template <class Request>
    sent_frame ask(client from, const Request& request, std::string_view body = {}, protocol::command_meta meta = {}) {
        const auto opaque = tell(from, request, body, meta);
        auto answer       = take_answer(from, opaque);
        REQUIRE(answer);
        return sent_frame(std::move(*answer));
    }

    std::optional<std::string> take_answer(client of, std::int32_t opaque) {
        std::optional<std::string> answer;
        for (auto& bytes : take_frames(of)) {
            const sent_frame frame(bytes);
            if (frame.header.is_response() && frame.header.opaque == opaque)
                answer = bytes;
            else
                notices.emplace_back(of, frame.header.code);
        }
        return answer;
    }

    /// Moves the clocks, and lets the broker do what is due on the way.
    void pass(std::chrono::milliseconds time) {
        const auto end = now.steady + time;
        for (auto due = logic.next_due(); due && *due <= end; due = logic.next_due()) {
            move_to(std::max(*due, now.steady));
            logic.tick(now);
        }
        move_to(end);
    }

    void move_to(std::chrono::steady_clock::time_point at) {
        now.system += std::chrono::duration_cast<std::chrono::system_clock::duration>(at - now.steady);
        now.steady = at;
    }

    /// Registers a client in a group that subscribes one topic, by tags.
    response_code join(client one, std::string group, const std::string& topic, std::string_view expression = "*",
                       std::string client_id = {}) {
        protocol::heartbeat_data beat{.client_id = client_id.empty() ? "client-" + std::to_string(one) : client_id};
        beat.consumers.push_back({.group_name = group});
        auto& wanted = beat.consumers.back().subscriptions;
        wanted.push_back(make_subscription(topic, tags(expression), 1).value());
        wanted.push_back(make_subscription(retry_topic(group), all_messages, 1).value());
        return ask(one, protocol::heartbeat_request{}, protocol::encode(beat)).code();
    }

    static protocol::pull_request pull_of(std::string group, std::string topic, std::int32_t queue, std::int64_t offset) {
        protocol::pull_request pull{.consumer_group = std::move(group), .topic = std::move(topic)};
        pull.queue_id     = queue;
        pull.queue_offset = offset;
        pull.sub_version  = 1;
        return pull;
    }

    /// The bodies of the messages in an answer.
    static std::vector<std::string> bodies(std::string_view records) {
        const message_queue queue;
        const detail::message_origin origin{.queue = &queue};
        detail::byte_arena arena;
        std::vector<detail::message_fields> found;
        protocol::decode_messages(records, origin, {}, arena, found,
                                  [](std::error_code failure, auto&&...) { FAIL(failure.message()); });
        std::vector<std::string> texts;
        for (const auto& fields : found)
            texts.emplace_back(message_view(fields).body());
        return texts;
    }

    embedded::broker_logic logic;
    embedded::moment now;
    std::int32_t last_opaque = 0;
    std::vector<std::pair<client, std::int32_t>> notices;
};

/// A broker in the version of 4.9.7.
inline embedded::broker_options like_4_9_7() {
    embedded::broker_options options;
    options.version  = embedded::version_4_9_7;
    options.encoding = embedded::answer_encoding::as_request;
    return options;
}

using texts = std::vector<std::string>;

} // namespace rocketpush::test

#endif

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
    explicit sent_frame(std::string from);
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

/// A broker's logic with a clock that the test moves and clients that are only numbers. What goes through all of the broker is
/// compiled once, in logic_fixture.cpp: a test that calls `logic.send` or `logic.handle` itself compiles the whole broker.
struct logic_fixture {
    using client = embedded::connection_id;

    explicit logic_fixture(embedded::broker_options options = {}, std::optional<endpoint> slave = {});
    logic_fixture(const logic_fixture&)            = delete;
    logic_fixture& operator=(const logic_fixture&) = delete;
    ~logic_fixture();

    client connect(bool to_slave = false);

    template <class Request>
    std::int32_t tell(client from, const Request& request, std::string_view body = {}, protocol::command_meta meta = {},
                      protocol::header_encoding encoding = protocol::header_encoding::json) {
        meta.opaque = ++last_opaque;
        std::string bytes;
        protocol::append_request(bytes, encoding, request, meta, body);
        deliver(from, std::move(bytes));
        return last_opaque;
    }

    /// One frame of a client's comes to the broker.
    void deliver(client from, std::string bytes);

    /// A message of the test's own is stored.
    result<embedded::sent_message> store(std::string_view topic, std::string_view body,
                                                  const embedded::send_options& with = {});

    /// What has been sent to a client and not been looked at yet; oldest first.
    std::vector<std::string> take_frames(client to);

    /// Asks, and gives the answer; notices that come with it are kept in `notices`.
    template <class Request>
    sent_frame ask(client from, const Request& request, std::string_view body = {}, protocol::command_meta meta = {}) {
        const auto opaque = tell(from, request, body, meta);
        auto answer       = take_answer(from, opaque);
        REQUIRE(answer);
        return sent_frame(std::move(*answer));
    }

    std::optional<std::string> take_answer(client of, std::int32_t opaque);

    /// Moves the clocks, and lets the broker do what is due on the way.
    void pass(std::chrono::milliseconds time);
    void move_to(std::chrono::steady_clock::time_point at);

    /// Registers a client in a group that subscribes one topic, by tags.
    response_code join(client one, std::string group, const std::string& topic, std::string_view expression = "*",
                       std::string client_id = {});

    static protocol::pull_request pull_of(std::string group, std::string topic, std::int32_t queue,
                                          std::int64_t offset);

    /// The bodies of the messages in an answer.
    static std::vector<std::string> bodies(std::string_view records);

    embedded::broker_logic logic;
    embedded::moment now;
    std::int32_t last_opaque = 0;
    std::vector<std::pair<client, std::int32_t>> notices;
};

/// A broker in the version of 4.9.7.
embedded::broker_options like_4_9_7();

using texts = std::vector<std::string>;

} // namespace rocketpush::test

#endif

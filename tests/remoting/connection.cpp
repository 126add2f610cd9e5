#include <rocketpush/protocol/requests.hpp>
#include <rocketpush/remoting/connection.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/manual_runtime.hpp"
#include "tests/support/memory_peer.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::manual_runtime;

/// The memory transport, with a count of write operations.
struct counting_transport : memory_transport {
    using memory_transport::memory_transport;
    static inline int writes = 0;

    template <class Executor>
    struct stream : memory_stream<Executor> {
        using memory_stream<Executor>::memory_stream;
        template <class Buffers, class Token>
        auto async_write_some(const Buffers& buffers, Token&& token) {
            ++writes;
            return memory_stream<Executor>::async_write_some(buffers, std::forward<Token>(token));
        }
    };
};

using connection_type = connection<counting_transport, manual_runtime>;

const protocol::max_offset_request question{.topic = "orders", .queue_id = 3};

std::string response(std::int32_t opaque, std::string_view body = {},
                     protocol::header_encoding encoding = protocol::header_encoding::json) {
    std::string bytes;
    protocol::append_response(bytes, encoding, response_code::success, opaque, "", protocol::no_fields{}, body);
    return bytes;
}

struct outcome {
    int calls = 0;
    std::error_code code;
    std::string body;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    /// Does nothing once the outcome is gone: the connection may end later.
    auto handler() {
        return [this, is_there = std::weak_ptr(alive)](std::error_code ec, const received_frame& frame) {
            if (is_there.expired()) return;
            ++calls;
            code = ec;
            body = frame.body;
        };
    }
};

struct connection_fixture {
    manual_runtime runtime;
    std::shared_ptr<memory_network> network = std::make_shared<memory_network>();
    const endpoint at{"broker-a", 10911};
    test::memory_peer peer{runtime, network, at};
    std::shared_ptr<detail::block_pool> pool = std::make_shared<detail::block_pool>();
    std::vector<std::error_code> closed;
    std::vector<std::int32_t> requests; // codes of the server's
    std::shared_ptr<connection_type> link = open();

    std::shared_ptr<connection_type> open(std::size_t frame_limit = protocol::default_frame_limit, credentials keys = {}) {
        connection_type::stream_type stream(runtime.get_executor());
        counting_transport(network).async_connect(stream, at, [](std::error_code ec) { REQUIRE_FALSE(ec); });
        runtime.run_ready();
        auto made = std::make_shared<connection_type>(
            runtime, pool, frame_limit, at, std::move(stream),
            connection_type::events{this,
                                    [](void* self, connection_type& from, const received_frame& frame) {
                                        static_cast<connection_fixture*>(self)->requests.push_back(frame.header.code);
                                        from.respond(frame, response_code::request_code_not_supported, "no",
                                                     protocol::no_fields{});
                                    },
                                    [](void* self, connection_type&, std::error_code why) {
                                        static_cast<connection_fixture*>(self)->closed.push_back(why);
                                    }},
            std::string(), std::make_shared<access_control>(std::move(keys)));
        made->start();
        runtime.run_ready();
        counting_transport::writes = 0;
        return made;
    }
    ~connection_fixture() {
        link->close();
        runtime.run_ready();
    }

    void ask(outcome& into, std::chrono::milliseconds timeout = 3s) {
        link->async_request(question, {}, timeout, into.handler());
    }
};

TEST_CASE_METHOD(connection_fixture, "a response comes back to its request, in either encoding", "[connection]") {
    outcome first, second;
    ask(first);
    ask(second);
    CHECK(link->requests_under_way() == 2);
    runtime.run_ready();
    const auto one = peer.last().take_frame(), two = peer.last().take_frame();
    REQUIRE((one && two));
    CHECK(one->header.code == static_cast<int>(protocol::request_code::get_max_offset));
    CHECK_FALSE(one->header.is_oneway());
    CHECK(one->field("topic") == "orders");
    CHECK(one->field("queueId") == "3");
    CHECK(one->header.opaque != two->header.opaque);

    peer.last().write(response(two->header.opaque, "to the second", protocol::header_encoding::rocketmq));
    runtime.run_ready();
    CHECK(first.calls == 0);
    CHECK(second.body == "to the second");
    peer.last().write(response(one->header.opaque, "to the first"));
    runtime.run_ready();
    CHECK(first.body == "to the first");
    CHECK_FALSE(first.code);
    CHECK(first.calls == 1);
    CHECK(second.calls == 1);
    CHECK(link->requests_under_way() == 0);
}

TEST_CASE_METHOD(connection_fixture, "a request's body follows its header", "[connection]") {
    outcome seen;
    link->async_request(protocol::heartbeat_request{}, "{\"clientID\":\"me\"}", 3s, seen.handler());
    runtime.run_ready();
    const auto frame = peer.last().take_frame();
    REQUIRE(frame);
    CHECK(frame->body == "{\"clientID\":\"me\"}");
}

TEST_CASE_METHOD(connection_fixture, "what is sent while a write is under way goes out as one", "[connection]") {
    std::vector<outcome> seen(11);
    for (auto& each : seen) ask(each);
    CHECK(counting_transport::writes == 1);
    runtime.run_ready();
    CHECK(counting_transport::writes == 2);
    int frames = 0;
    while (peer.last().take_frame()) ++frames;
    CHECK(frames == 11);
}

TEST_CASE_METHOD(connection_fixture, "what the responses of one read lead to goes out as one write", "[connection]") {
    int asked = 0;
    std::string responses;
    for (int i = 0; i < 5; ++i)
        link->async_request(question, {}, 3s, [&](std::error_code, const received_frame&) {
            ++asked;
            link->async_request(question, {}, 3s, [](std::error_code, const received_frame&) {});
        });
    runtime.run_ready();
    while (const auto frame = peer.last().take_frame()) responses += response(frame->header.opaque);
    counting_transport::writes = 0;
    peer.last().write(responses);
    runtime.run_ready();
    CHECK(asked == 5);
    CHECK(counting_transport::writes == 1);
    CHECK(link->requests_under_way() == 5);
}

TEST_CASE_METHOD(connection_fixture, "a request without a response ends at its deadline, the others go on",
                 "[connection]") {
    outcome soon, later;
    ask(later, 30s);
    ask(soon, 3s);
    runtime.advance(2s);
    peer.last().write(response(123456)); // a sign of life, but nobody's answer
    runtime.advance(1s - 1ms);
    CHECK(soon.calls == 0);
    runtime.advance(1ms);
    CHECK(soon.calls == 1);
    CHECK(soon.code == error::request_timed_out);
    CHECK(later.calls == 0);
    CHECK(link->is_open());

    const auto to_later = peer.last().take_frame(), to_soon = peer.last().take_frame();
    peer.last().write(response(to_soon->header.opaque, "late")); // dropped
    peer.last().write(response(to_later->header.opaque, "held for long"));
    runtime.run_ready();
    CHECK(soon.calls == 1);
    CHECK(later.body == "held for long");
}

TEST_CASE_METHOD(connection_fixture, "deadlines in any order are all kept", "[connection]") {
    std::vector<std::string> order;
    const auto note = [&](std::string name) {
        return [&order, name](std::error_code ec, const received_frame&) {
            order.push_back(ec == error::request_timed_out ? name : "?");
        };
    };
    for (const auto& [name, timeout] : {std::pair("7", 7s), std::pair("5", 5s), std::pair("9", 9s), std::pair("1", 1s)})
        link->async_request(question, {}, timeout, note(name));
    for (int second = 0; second < 12; ++second) {
        peer.last().write(response(123456)); // the peer lives
        runtime.advance(1s);
    }
    CHECK(order == std::vector<std::string>{"1", "5", "7", "9"});
    CHECK(link->is_open());
}

TEST_CASE_METHOD(connection_fixture, "a connection whose pool was let go ends in peace", "[connection]") {
    link->close();
    link.reset();
    pool.reset(); // the read that was under way has not heard yet
    runtime.run_ready();
    pool = std::make_shared<detail::block_pool>();
    link = open();
}

TEST_CASE_METHOD(connection_fixture, "a peer that has sent nothing since a request that timed out is given up",
                 "[connection]") {
    outcome first, second;
    runtime.advance(1min); // silence before does not count
    ask(first, 3s);
    ask(second, 30s);
    runtime.advance(3s);
    CHECK(first.code == error::request_timed_out);
    CHECK(second.code == error::connection_closed);
    CHECK_FALSE(link->is_open());
    REQUIRE(closed.size() == 1);
    CHECK(closed[0] == error::request_timed_out);
    CHECK(peer.last().ended);
}

TEST_CASE_METHOD(connection_fixture, "a silent peer is asked for a sign of life after 10 s, and given up after 14 s",
                 "[connection]") {
    outcome held;
    runtime.advance(1min); // silence before does not count
    ask(held, 30s);
    runtime.advance(10s - 1ms);
    CHECK(peer.last().take_frame());
    CHECK_FALSE(peer.last().take_frame());
    runtime.advance(1ms);
    const auto probe = peer.last().take_frame();
    REQUIRE(probe);
    CHECK(probe->header.code == static_cast<int>(protocol::request_code::heart_beat));
    CHECK(probe->body.find("\"consumerDataSet\":[]") != std::string_view::npos);
    runtime.advance(4s - 1ms);
    CHECK(link->is_open());
    runtime.advance(1ms);
    CHECK(held.code == error::connection_closed);
    CHECK(closed == std::vector<std::error_code>{error::request_timed_out});
}

TEST_CASE_METHOD(connection_fixture, "a peer that gives a sign of life is asked for the next one 10 s later",
                 "[connection]") {
    outcome held;
    ask(held, 60s);
    runtime.advance(10s);
    peer.last().take_frame();
    auto probe = peer.last().take_frame();
    REQUIRE(probe);
    runtime.advance(2s);
    const bool answers = GENERATE(true, false);
    peer.last().write(answers ? response(probe->header.opaque) : response(123456)); // any byte is one
    runtime.advance(10s - 1ms);
    CHECK_FALSE(peer.last().take_frame());
    runtime.advance(1ms);
    probe = peer.last().take_frame();
    REQUIRE(probe);
    CHECK(probe->header.code == static_cast<int>(protocol::request_code::heart_beat));
    peer.last().write(response(probe->header.opaque));
    runtime.advance(5s);
    CHECK(link->is_open());
    CHECK(held.calls == 0);
}

TEST_CASE_METHOD(connection_fixture, "a peer that is heard of, or that nobody waits for, is not asked", "[connection]") {
    runtime.advance(5min);
    outcome held;
    ask(held, 2min);
    for (int i = 0; i < 11; ++i) {
        runtime.advance(9s);
        peer.last().write(response(123456));
    }
    runtime.run_ready();
    const auto request = peer.last().take_frame();
    REQUIRE(request);
    peer.last().write(response(request->header.opaque));
    runtime.advance(5min);
    CHECK(held.calls == 1);
    CHECK_FALSE(peer.last().take_frame());
    CHECK(link->is_open());
}

TEST_CASE_METHOD(connection_fixture, "an answer that comes slowly is a sign of life with each of its bytes", "[connection]") {
    outcome held;
    ask(held, 1min);
    runtime.run_ready();
    const auto request = peer.last().take_frame();
    const auto bytes   = response(request->header.opaque, "slow");
    for (std::size_t i = 0; i < 5; ++i) {
        peer.last().write(bytes.substr(i, 1));
        runtime.advance(9s);
    }
    CHECK_FALSE(peer.last().take_frame());
    peer.last().write(bytes.substr(5));
    runtime.run_ready();
    CHECK(held.body == "slow");
}

TEST_CASE_METHOD(connection_fixture, "a connection whose answers are taken for parts of a frame that does not come is given up",
                 "[connection]") {
    outcome first, second;
    ask(first, 30s);
    runtime.advance(1s);
    peer.last().write(std::string("\0\2\0\5\0\0\5\0", 8)); // 131,077 bytes are to come
    runtime.advance(1s);
    ask(second, 3s);
    peer.last().write(response(1)); // a sign of life, and swallowed
    runtime.advance(3s);
    CHECK(second.code == error::request_timed_out);
    CHECK(link->is_open()); // it may be the answer to the first
    outcome third;
    ask(third, 60s);
    for (int i = 0; i < 5; ++i) {
        runtime.advance(5s);
        peer.last().write(response(2));
    }
    CHECK(first.code == error::request_timed_out);
    CHECK(third.code == error::connection_closed);
    CHECK(closed == std::vector<std::error_code>{error::request_timed_out});
}

TEST_CASE_METHOD(connection_fixture, "a large answer may take longer than what waits behind it", "[connection]") {
    outcome large, small;
    ask(large, 30s);
    runtime.run_ready();
    const auto opaque = peer.last().take_frame()->header.opaque;
    const auto bytes  = response(opaque, std::string(200'000, 'x'));
    ask(small, 3s);
    std::size_t sent = 0;
    for (; sent + 20'000 < bytes.size(); sent += 20'000) {
        peer.last().write(bytes.substr(sent, 20'000));
        runtime.advance(1s);
    }
    CHECK(small.code == error::request_timed_out);
    CHECK(link->is_open());
    peer.last().write(bytes.substr(sent));
    runtime.run_ready();
    CHECK(large.calls == 1);
    CHECK_FALSE(large.code);
    CHECK(large.body.size() == 200'000);
}

TEST_CASE_METHOD(connection_fixture, "closing ends every request, and is told once", "[connection]") {
    outcome first, second;
    ask(first);
    ask(second);
    link->close(error::operation_cancelled);
    CHECK(first.code == error::connection_closed);
    CHECK(second.code == error::connection_closed);
    link->close();
    runtime.run_ready();
    CHECK(closed == std::vector<std::error_code>{error::operation_cancelled});
    CHECK(first.calls == 1);
    CHECK(peer.last().ended);
}

TEST_CASE_METHOD(connection_fixture, "a request on a closed connection fails, later", "[connection]") {
    link->close();
    outcome seen;
    ask(seen);
    link->send_oneway(question);
    CHECK(seen.calls == 0);
    runtime.run_ready();
    CHECK(seen.code == error::connection_closed);
}

TEST_CASE_METHOD(connection_fixture, "the peer's end is told with its reason", "[connection]") {
    outcome seen;
    ask(seen);
    runtime.run_ready();
    SECTION("closed") {
        peer.last().close();
        runtime.run_ready();
        CHECK(closed == std::vector<std::error_code>{asio::error::eof});
    }
    SECTION("reset") {
        network->cut(at);
        runtime.run_ready();
        CHECK(closed == std::vector<std::error_code>{asio::error::connection_reset});
    }
    CHECK(seen.code == error::connection_closed);
    CHECK_FALSE(link->is_open());
}

TEST_CASE_METHOD(connection_fixture, "a response that nobody waits for is dropped", "[connection]") {
    outcome seen;
    ask(seen);
    runtime.run_ready();
    const auto frame = peer.last().take_frame();
    peer.last().write(response(frame->header.opaque + 1) + response(-1) + response(frame->header.opaque, "mine") +
                      response(frame->header.opaque, "mine again"));
    runtime.run_ready();
    CHECK(seen.calls == 1);
    CHECK(seen.body == "mine");
    CHECK(link->is_open());
}

TEST_CASE_METHOD(connection_fixture, "a request of the server is handed on and answered, a one-way one not",
                 "[connection]") {
    std::string bytes;
    protocol::append_request(bytes, protocol::header_encoding::rocketmq, question, {.opaque = 4711});
    protocol::append_request(bytes, protocol::header_encoding::json,
                             protocol::consumer_ids_changed_notice{.consumer_group = "billing"},
                             {.opaque = 4712, .flag = protocol::oneway_flag});
    peer.last().write(bytes);
    runtime.run_ready();
    CHECK(requests == std::vector<std::int32_t>{30, 40});
    const auto answer = peer.last().take_frame();
    REQUIRE(answer);
    CHECK(answer->header.is_response());
    CHECK(answer->header.opaque == 4711);
    CHECK(answer->header.code == static_cast<int>(response_code::request_code_not_supported));
    CHECK(answer->header.remark() == "no");
    CHECK_FALSE(peer.last().take_frame());
}

TEST_CASE_METHOD(connection_fixture, "a one-way request says so and waits for nothing", "[connection]") {
    link->send_oneway(question);
    runtime.run_ready();
    const auto frame = peer.last().take_frame();
    REQUIRE(frame);
    CHECK(frame->header.is_oneway());
    CHECK(link->requests_under_way() == 0);
}

TEST_CASE_METHOD(connection_fixture, "garbage closes the connection and ends its requests", "[connection]") {
    struct garbage {
        std::string bytes;
        error why;
    };
    const auto [bytes, why] = GENERATE(garbage{std::string(64, '\xFF'), error::frame_malformed},
                                       garbage{std::string(64, '\0'), error::frame_malformed},
                                       garbage{"HTTP/1.1 400 Bad Request\r\n\r\n", error::frame_too_large},
                                       garbage{std::string("\0\0\0\x08\0\0\0\x04{}xx", 12), error::header_malformed},
                                       garbage{std::string("\0\0\0\x08\x05\0\0\x04{}xx", 12), error::unknown_encoding});
    outcome seen;
    ask(seen);
    runtime.run_ready();
    const auto frame = peer.last().take_frame();
    peer.last().write(response(frame->header.opaque, "before it") + bytes + response(1));
    outcome next;
    ask(next);
    runtime.run_ready();
    CHECK(seen.body == "before it");
    CHECK(next.code == error::connection_closed);
    CHECK(closed == std::vector<std::error_code>{why});
    CHECK(peer.last().ended);
}

TEST_CASE_METHOD(connection_fixture, "a frame beyond the limit closes the connection before it has come",
                 "[connection]") {
    link->close();
    link = open(4096);
    closed.clear();
    peer.last().write(response(1, std::string(5000, 'x')).substr(0, 8));
    runtime.run_ready();
    CHECK(closed == std::vector<std::error_code>{error::frame_too_large});
}

TEST_CASE_METHOD(connection_fixture, "a handler may close the connection in the midst of what one read brought",
                 "[connection]") {
    outcome second;
    int calls = 0;
    link->async_request(question, {}, 3s, [&](std::error_code, const received_frame&) {
        ++calls;
        link->close();
    });
    ask(second);
    runtime.run_ready();
    std::string responses;
    while (const auto frame = peer.last().take_frame()) responses += response(frame->header.opaque, "answer");
    peer.last().write(responses);
    runtime.run_ready();
    CHECK(calls == 1);
    CHECK(second.calls == 1);
    CHECK(second.code == error::connection_closed); // its response was there, but the connection was over first
    CHECK(closed.size() == 1);
}

TEST_CASE_METHOD(connection_fixture, "requests beyond the limit are refused, later", "[connection]") {
    std::vector<outcome> seen(65535);
    for (auto& each : seen) ask(each);
    outcome beyond;
    ask(beyond);
    CHECK(beyond.calls == 0);
    runtime.run_ready();
    CHECK(beyond.code == error::too_many_requests);
    CHECK(seen.front().calls == 0);
    link->close();
    CHECK(seen.back().code == error::connection_closed);
}

TEST_CASE("frames arrive whole through pipes and reads of any size", "[connection]") {
    manual_runtime runtime;
    const auto network = std::make_shared<memory_network>(memory_network_options{
        .pipe_capacity = GENERATE(std::size_t(1), std::size_t(7), std::size_t(100)), .largest_read = 3});
    const endpoint at{"broker-a", 10911};
    test::memory_peer peer(runtime, network, at, [](test::peer_session& from) {
        while (const auto frame = from.take_frame()) from.write(response(frame->header.opaque, frame->body));
    });
    const auto pool = std::make_shared<detail::block_pool>();
    using plain     = connection<memory_transport, manual_runtime>;
    plain::stream_type stream(runtime.get_executor());
    memory_transport(network).async_connect(stream, at, [](std::error_code) {});
    runtime.run_ready();
    const auto link =
        std::make_shared<plain>(runtime, pool, protocol::default_frame_limit, at, std::move(stream), plain::events{});
    link->start();
    std::vector<outcome> seen(5);
    for (std::size_t i = 0; i < seen.size(); ++i)
        link->async_request(question, std::string(100 * i, static_cast<char>('a' + i)), 3s, seen[i].handler());
    runtime.run_ready();
    for (std::size_t i = 0; i < seen.size(); ++i)
        CHECK(seen[i].body == std::string(100 * i, static_cast<char>('a' + i)));
    link->close();
}

#if ROCKETPUSH_WITH_OPENSSL
TEST_CASE_METHOD(connection_fixture, "requests are signed, one-way ones too; answers to the server are not", "[connection]") {
    const auto signing = open(protocol::default_frame_limit, {"ak", "12345678"});
    outcome waits;
    signing->async_request(question, {}, 3s, waits.handler());
    signing->send_oneway(question);
    runtime.run_ready();
    for (const bool oneway : {false, true}) {
        const auto sent = peer.last().take_frame();
        REQUIRE(sent);
        CHECK(sent->header.is_oneway() == oneway);
        CHECK(sent->field("AccessKey") == "ak");
        CHECK(sent->field("Signature") == protocol::signature_of(sent->header, sent->body, "12345678"));
    }
    std::string notice;
    protocol::append_request(notice, protocol::header_encoding::json,
                             protocol::consumer_ids_changed_notice{.consumer_group = "billing"}, {.opaque = 7});
    peer.last().write(notice);
    runtime.run_ready();
    const auto answer = peer.last().take_frame();
    REQUIRE(answer);
    CHECK(answer->header.is_response());
    CHECK_FALSE(answer->header.field("Signature"));
    signing->close();
    runtime.run_ready();
}
#endif

TEST_CASE_METHOD(connection_fixture, "a refusal for lack of permission has one code, whatever the server's version", "[connection]") {
    response_code got{};
    link->async_request(question, {}, 3s, [&](std::error_code, const received_frame& frame) {
        got = static_cast<response_code>(frame.header.code);
    });
    runtime.run_ready();
    const auto asked = peer.last().take_frame();
    REQUIRE(asked);
    std::string bytes;
    protocol::append_response(bytes, protocol::header_encoding::json, response_code::system_error, asked->header.opaque,
                              "org.apache.rocketmq.acl.common.AclException: No accessKey is configured", protocol::no_fields{});
    peer.last().write(bytes);
    runtime.run_ready();
    CHECK(got == response_code::no_permission);
}

} // namespace

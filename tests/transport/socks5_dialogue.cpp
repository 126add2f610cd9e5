#include <rocketpush/transport/socks5_dialogue.hpp>

#include <string>
#include <string_view>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using namespace std::string_view_literals;
using detail::socks5_dialogue;

std::error_code answer(socks5_dialogue& dialogue, std::string_view bytes) {
    REQUIRE(dialogue.to_read() == bytes.size());
    return dialogue.received(bytes);
}

/// Up to the answer to the connect request.
socks5_dialogue asked(const endpoint& to = {"broker-a", 10911}) {
    socks5_dialogue dialogue(to, "", "");
    CHECK_FALSE(answer(dialogue, "\5\0"sv));
    return dialogue;
}

TEST_CASE("a dialogue without login offers none, and leaves names to the proxy", "[socks5]") {
    socks5_dialogue dialogue({"broker-a", 10911}, "", "");
    CHECK(dialogue.to_send() == "\5\1\0"sv);
    CHECK_FALSE(dialogue.understood());
    CHECK_FALSE(answer(dialogue, "\5\0"sv));
    CHECK(dialogue.understood());
    CHECK(dialogue.to_send() == "\5\1\0\3\10broker-a\x2a\x9f"sv);
    CHECK_FALSE(answer(dialogue, "\5\0"sv));
    CHECK(dialogue.to_send().empty());
    CHECK_FALSE(answer(dialogue, "\0\1\x7f"sv));
    CHECK_FALSE(dialogue.done());
    CHECK_FALSE(answer(dialogue, "\0\0\1\x2a\x9f"sv));
    CHECK(dialogue.done());
}

TEST_CASE("user and password are sent when the proxy chooses to have them", "[socks5]") {
    socks5_dialogue dialogue({"::1", 9876}, "ann", "secret");
    CHECK(dialogue.to_send() == "\5\2\0\2"sv);
    CHECK_FALSE(answer(dialogue, "\5\2"sv));
    CHECK(dialogue.to_send() == "\1\3ann\6secret"sv);
    CHECK_FALSE(answer(dialogue, "\1\0"sv));
    CHECK(dialogue.to_send() == "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x26\x94"sv);
}

TEST_CASE("a numeric address is sent as one, and the proxy's own may be of each kind", "[socks5]") {
    auto dialogue = asked({"10.1.2.3", 80});
    CHECK(dialogue.to_send() == "\5\1\0\1\12\1\2\3\0\x50"sv);
    CHECK_FALSE(answer(dialogue, "\5\0"sv));
    SECTION("IPv6") {
        CHECK_FALSE(answer(dialogue, "\0\4\0"sv));
        CHECK(dialogue.to_read() == 17);
    }
    SECTION("a name") {
        CHECK_FALSE(answer(dialogue, "\0\3\377"sv));
        CHECK(dialogue.to_read() == 257);
    }
    SECTION("nothing known") { CHECK(answer(dialogue, "\0\7\0"sv) == error::socks5_not_spoken); }
}

TEST_CASE("what a proxy does not want is told apart", "[socks5]") {
    SECTION("it is none") {
        socks5_dialogue dialogue({"a", 1}, "", "");
        CHECK(answer(dialogue, "HT"sv) == error::socks5_not_spoken);
    }
    SECTION("it chooses what was not offered") {
        socks5_dialogue dialogue({"a", 1}, "", "");
        CHECK(answer(dialogue, "\5\2"sv) == error::socks5_not_spoken);
    }
    SECTION("it wants a login") {
        socks5_dialogue dialogue({"a", 1}, "", "");
        CHECK(answer(dialogue, "\5\377"sv) == error::socks5_login_refused);
    }
    SECTION("it refuses the login") {
        socks5_dialogue dialogue({"a", 1}, "ann", "wrong");
        CHECK_FALSE(answer(dialogue, "\5\2"sv));
        CHECK(answer(dialogue, "\1\1"sv) == error::socks5_login_refused);
    }
    SECTION("its rules forbid the address") {
        auto dialogue = asked();
        CHECK(answer(dialogue, "\5\2"sv) == error::socks5_refused);
    }
    SECTION("the server is not there") {
        auto dialogue = asked();
        CHECK(answer(dialogue, "\5\5"sv) == asio::error::connection_refused);
    }
    SECTION("the host is not there") {
        auto dialogue = asked();
        CHECK(answer(dialogue, "\5\4"sv) == asio::error::host_unreachable);
    }
    SECTION("the network is not there") {
        auto dialogue = asked();
        CHECK(answer(dialogue, "\5\3"sv) == asio::error::network_unreachable);
    }
}

} // namespace

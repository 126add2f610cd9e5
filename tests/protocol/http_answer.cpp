#include <rocketpush/protocol/http_answer.hpp>

#include <string>
#include <string_view>
#include <system_error>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;
using protocol::http_answer;

/// What an answer comes to: its body, or why there is none.
struct outcome {
    std::error_code failure;
    std::string body;
    bool complete = false; ///< Without the peer's closing.
};

/// Gives the bytes in pieces, then closes.
outcome read(std::string_view bytes, std::size_t piece = std::string_view::npos, protocol::http_limits limits = {}) {
    http_answer answer(limits);
    outcome got;
    for (std::size_t at = 0; at < bytes.size() && !got.failure;) {
        const auto part = bytes.substr(at, piece);
        got.failure     = answer.take(part);
        at += part.size();
    }
    got.complete = answer.complete();
    if (!got.failure)
        got.failure = answer.end();
    if (!got.failure)
        got.body = answer.body();
    return got;
}

const std::string ok = "HTTP/1.1 200 OK\r\n";

TEST_CASE("a body is as long as the answer says", "[http_answer]") {
    const auto text = ok + "Content-Type: text/plain\r\ncontent-LENGTH:  5 \r\n\r\nhello, and more";
    const auto got  = read(text);
    CHECK(got.body == "hello");
    CHECK(got.complete);
    CHECK(read(ok + "Content-Length: 0\r\n\r\n").complete);
    CHECK(read("HTTP/1.0 200\nContent-Length: 2\n\nok").body == "ok"); // no reason, bare line ends
    CHECK(read(ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok").body == "ok");
}

TEST_CASE("a body without a length ends with the connection", "[http_answer]") {
    const auto got = read(ok + "\r\na:1;b:2\n");
    CHECK(got.body == "a:1;b:2\n");
    CHECK_FALSE(got.complete);
}

TEST_CASE("chunks are joined", "[http_answer]") {
    const auto text = ok + "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00a;name=\"value\"\r\n, chunked!\r\n0\r\nTrailer: x\r\n\r\nmore";
    const auto got  = read(text);
    CHECK(got.body == "hello, chunked!");
    CHECK(got.complete);
    CHECK(read(ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").body.empty());
}

TEST_CASE("however the bytes are cut, the answer is the same", "[http_answer]") {
    const std::string texts[] = {
        ok + "Content-Length: 5\r\n\r\nhello", ok + "\r\nhello",
        "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\n" + ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"};
    for (const auto& text : texts)
        for (std::size_t piece = 1; piece <= text.size(); ++piece) {
            const auto got = read(text, piece);
            CHECK(got.failure == std::error_code());
            CHECK(got.body == "hello");
        }
}

TEST_CASE("an answer that ends too soon is none", "[http_answer]") {
    const std::string texts[] = {ok + "Content-Length: 5\r\n\r\nhello",
                                 ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"};
    for (const auto& text : texts)
        for (std::size_t size = 0; size < text.size(); ++size)
            CHECK(read(text.substr(0, size)).failure == error::connection_closed);
}

TEST_CASE("another status is the failure, told before the body has come", "[http_answer]") {
    const auto failure = read("HTTP/1.1 404 Not Found\r\n").failure;
    CHECK(failure == std::error_code(404, http_category()));
    CHECK(failure.message() == "HTTP status 404");
    for (const int status : {101, 201, 204, 301, 302, 304, 403, 500, 503, 999})
        CHECK(read("HTTP/1.1 " + std::to_string(status) + " x\r\n\r\n").failure == std::error_code(status, http_category()));
}

TEST_CASE("what is no answer of the common form is refused", "[http_answer]") {
    for (const std::string head :
         {"\r\n", "garbage\r\n", "HTTP/1.1\r\n", "HTTP/1.1 \r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000\r\n", "HTTP/1.1 2x0 OK\r\n",
          "HTTP/1.1 -20 OK\r\n", "HTTP/2.0 200 OK\r\n", "HTTP/1.x 200 OK\r\n", "HTTP/1.1  200 OK\r\n", "http/1.1 200 OK\r\n",
          "ICY 200 OK\r\n", "\x16\x03\x01\x02\n"})
        CHECK(read(head + "\r\n").failure == error::http_malformed);
    for (const std::string field :
         {"no colon", ": no name", " Folded: x", "Two words: x", "Content-Length : 5", "Content-Length: ", "Content-Length: -5",
          "Content-Length: +5", "Content-Length: 5 5", "Content-Length: 5,5", "Content-Length: 0x5", "Content-Length: 5.0",
          "Content-Length: five", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"}) {
        CAPTURE(field);
        CHECK(read(ok + field + "\r\n\r\nhello").failure == error::http_malformed);
    }
    for (const std::string chunks :
         {"\r\n", "x\r\n", "-5\r\nhello\r\n", "+5\r\nhello\r\n", "0x5\r\nhello\r\n", "5 5\r\nhello\r\n", ";5\r\nhello\r\n", "5\r\nhello!\r\n",
          "5\r\nhello0\r\n"}) {
        CAPTURE(chunks);
        CHECK(read(ok + "Transfer-Encoding: chunked\r\n\r\n" + chunks).failure == error::http_malformed);
    }
}

TEST_CASE("lengths beyond the limit are refused when they are named", "[http_answer]") {
    for (const std::string length : {"8193", "4294967296", "18446744073709551615", "18446744073709551616",
                                     "99999999999999999999999999999999"})
        CHECK(read(ok + "Content-Length: " + length + "\r\n\r\n").failure == error::http_too_large);
    CHECK(read(ok + "Content-Length: 8192\r\n\r\n" + std::string(8192, 'x')).body.size() == 8192);
    const auto chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";
    for (const std::string size : {"2001", "ffffffff", "7fffffffffffffff", "ffffffffffffffff", "10000000000000000",
                                   "ffffffffffffffffffffffffffffffffffff"})
        CHECK(read(chunked + size + "\r\n").failure == error::http_too_large);
    // The second makes the sum too large, or wrap.
    for (const std::string size : {"2000", "fffffffffffffffb"})
        CHECK(read(chunked + "5\r\nhello\r\n" + size + "\r\n").failure == error::http_too_large);
    CHECK(read(chunked + "2000\r\n" + std::string(0x2000, 'x') + "\r\n0\r\n\r\n").body.size() == 0x2000);
}

TEST_CASE("an answer without an end is cut off at the limits", "[http_answer]") {
    const auto until = [](std::string_view begin, std::string_view again) {
        http_answer answer({.head = 1000, .body = 100});
        CHECK_FALSE(answer.take(begin));
        for (std::size_t taken = begin.size(); taken < 2000; taken += again.size())
            if (const auto failure = answer.take(again))
                return std::pair(failure, taken < 1000 + 100 + again.size());
        return std::pair(std::error_code(), false);
    };
    const auto too_large = std::pair(make_error_code(error::http_too_large), true);
    CHECK(until("", "H") == too_large);                                                           // a status
    CHECK(until(ok, "X: y\r\n") == too_large);                                                    // fields
    CHECK(until(ok, "x") == too_large);                                                           // one field
    CHECK(until("", "HTTP/1.1 100 Continue\r\n\r\n") == too_large);                               // promises
    CHECK(until(ok + "\r\n", "x") == too_large);                                                  // a body
    CHECK(until(ok + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n") == too_large);           // chunks
    CHECK(until(ok + "Transfer-Encoding: chunked\r\n\r\n", "0") == too_large);                    // a chunk's size
    CHECK(until(ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n", "Trailer: x\r\n") == too_large);  // trailers
}

} // namespace

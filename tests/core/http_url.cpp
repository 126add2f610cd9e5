#include <rocketpush/core/http_url.hpp>

#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

http_url read(const std::string& text) {
    INFO(text);
    auto url = parse_http_url(text);
    REQUIRE(url);
    return *url;
}

TEST_CASE("a URL is read into its server and what is asked of it", "[http_url]") {
    CHECK(read("http://config.example.com:8080/rocketmq/nsaddr") ==
          http_url{{"config.example.com", 8080}, "/rocketmq/nsaddr"});
    CHECK(read("http://config.example.com/a?b=c") == http_url{{"config.example.com", 80}, "/a?b=c"});
    CHECK(read("HTTP://10.0.0.1:81") == http_url{{"10.0.0.1", 81}, "/"});
    CHECK(read("http://h?q") == http_url{{"h", 80}, "/?q"});
    CHECK(read("http://[::1]:8080/x") == http_url{{"::1", 8080}, "/x"});
    CHECK(read("http://[2001:db8::7]/x:y") == http_url{{"2001:db8::7", 80}, "/x:y"});
    for (const std::string text : {"http://config.example.com:8080/rocketmq/nsaddr", "http://[::1]:8080/x?y"})
        CHECK(to_string(read(text)) == text);
}

TEST_CASE("what is no such URL is refused", "[http_url]") {
    for (const std::string text :
         {"", "config.example.com", "config.example.com:8080/x", "ftp://h/x", "http:/h/x", "http://", "http:///x", "http://:80/x",
          "http://h:/x", "http://h:0/x", "http://h:65536/x", "http://h:-1/x", "http://h:80:80/x", "http://::1:80/x", "http://[::1/x",
          "http://[]/x", "http://[host]/x", "http://[::1]80/x", "http://me:secret@h/x", "http://h/x#y", "http://h/a b", "http://h/\r\nX: y",
          "http://h/\n", "http://h\t/", "http://h/\xc3\xa9"}) {
        CAPTURE(text);
        CHECK(parse_http_url(text).error() == error::invalid_name_server);
    }
    CHECK(parse_http_url("http://h/" + std::string(max_http_url_length - 9, 'x')));
    CHECK(parse_http_url("http://h/" + std::string(max_http_url_length - 8, 'x')).error() == error::invalid_name_server);
    CHECK(parse_http_url("https://h/x").error() == error::unsupported_feature);
    CHECK(parse_http_url("HTTPS://h/x").error() == error::unsupported_feature);
}

TEST_CASE("a unit asks as Java does", "[http_url]") {
    const auto of = [](const std::string& url, const std::string& unit) { return to_string(url_of_unit(read(url), unit)); };
    CHECK(of("http://h:8080/rocketmq/nsaddr", "") == "http://h:8080/rocketmq/nsaddr");
    CHECK(of("http://h:8080/rocketmq/nsaddr", "shop") == "http://h:8080/rocketmq/nsaddr-shop?nofix=1");
    CHECK(of("http://h:8080/rocketmq/nsaddr?k=v&k2=v2", "shop") == "http://h:8080/rocketmq/nsaddr-shop?nofix=1&k=v&k2=v2");
}

} // namespace

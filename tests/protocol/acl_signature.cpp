#include <rocketpush/protocol/acl_signature.hpp>

#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/requests.hpp>

#include "tests/support/catch.hpp"

#if ROCKETPUSH_WITH_OPENSSL

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace rocketpush;
using namespace rocketpush::protocol;

/// A signed frame, taken apart.
struct signed_frame {
    template <class Request>
    signed_frame(request_signer& signer, const Request& request, std::string_view with_body = {}, command_meta meta = {},
                 header_encoding wish = header_encoding::json) {
        meta.signer = &signer;
        append_request(bytes, wish, request, meta, with_body);
        const auto prefix = parse_frame_prefix(bytes.data()).value();
        const std::string_view all(bytes);
        REQUIRE(prefix.frame_size() == bytes.size());
        header = parse_header(prefix.encoding, all.substr(8, prefix.header_size)).value();
        body   = all.substr(8 + prefix.header_size);
    }
    signed_frame(const signed_frame&)            = delete;
    signed_frame& operator=(const signed_frame&) = delete;

    std::string field(std::string_view name) const {
        const auto found = header.field(name);
        return found ? found->to_string() : "(none)";
    }

    std::string bytes{};
    header_view header;
    std::string_view body;
};

/// As somebody else might sign it.
struct signed_query {
    static constexpr request_code code = request_code::get_max_offset;
    std::string key, topic, signature;
    static constexpr auto fields() noexcept {
        using self = signed_query;
        return std::array{required_field<&self::topic>("topic"), required_field<&self::key>("AccessKey"),
                          required_field<&self::signature>("Signature")};
    }
};

/// What the specification says to sign, by hand.
std::string signature_by_hand(std::string_view content, std::string_view secret) {
    detail::sha1_digest digest;
    REQUIRE(detail::hmac_sha1(secret, content, digest));
    return detail::to_base64({digest.data(), digest.size()});
}

TEST_CASE("the signature of a text is that of Java's AclSigner", "[protocol]") {
    CHECK(signature_by_hand("RocketMQ", "12345678") == "IUc8rrO/0gDch8CjObLQsW2rsiA=");
}

TEST_CASE("what is signed are the values of the fields in the order of their names, then the body", "[protocol]") {
    request_signer signer(credentials("ak", "12345678"));
    const signed_frame frame(signer, max_offset_request{.topic = "orders", .queue_id = 3, .broker_name = "broker-a"}, "{}");
    CHECK(frame.field("AccessKey") == "ak");
    CHECK(frame.field("SecurityToken") == "(none)");
    // AccessKey, bname, queueId, topic
    CHECK(frame.field("Signature") == signature_by_hand("akbroker-a3orders{}", "12345678"));
    CHECK(frame.body == "{}");
    CHECK(signature_of(frame.header, frame.body, "12345678") == frame.field("Signature"));
    CHECK(signature_of(frame.header, frame.body, "12345679") != frame.field("Signature"));
    CHECK(signature_of(frame.header, "{ }", "12345678") != frame.field("Signature"));
}

TEST_CASE("a request without fields is signed too", "[protocol]") {
    request_signer signer(credentials("ak", "12345678"));
    const signed_frame frame(signer, heartbeat_request(), "{\"clientID\":\"me\"}");
    CHECK(frame.field("Signature") == signature_by_hand("ak{\"clientID\":\"me\"}", "12345678"));
}

TEST_CASE("a namespace and a security token are signed with the rest", "[protocol]") {
    request_signer signer(credentials("ak", "12345678", "lent"));
    const signed_frame frame(signer, consumer_list_request{.consumer_group = "billing"}, {}, {.name_space = "ns1"});
    CHECK(frame.field("SecurityToken") == "lent");
    // AccessKey, SecurityToken, consumerGroup, ns, nsd
    CHECK(frame.field("Signature") == signature_by_hand("aklentbillingns1true", "12345678"));
}

TEST_CASE("values are signed as they are, not as JSON writes them", "[protocol]") {
    request_signer signer(credentials("a\"k", "12345678"));
    send_request request;
    request.producer_group = "g\\1";
    request.topic          = "orders";
    request.properties     = "KEYS\x01k\x02TAGS\x01\xC3\xA9\x02";
    const signed_frame frame(signer, request, "body");
    std::string content = "a\"k";
    for (const auto* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"})
        if (const auto value = frame.header.field(name))
            content += value->to_string();
    CHECK(content.find("KEYS\x01k\x02TAGS\x01\xC3\xA9\x02") != std::string::npos);
    CHECK(frame.field("Signature") == signature_by_hand(content + "body", "12345678"));
}

TEST_CASE("a repeated request is signed as it would be if it were written anew", "[protocol]") {
    const pull_request whole{.consumer_group = "billing", .topic = "orders", .queue_offset = 42, .commit_offset = 7};
    const repeated_pull pulls(whole);
    const pull_position position{.queue_offset = 42, .commit_offset = 7};
    request_signer signer(credentials("ak", "12345678"));
    for (const std::string_view name_space : {"", "ns1"}) {
        const signed_frame anew(signer, whole, {}, {.opaque = 5, .name_space = name_space});
        const signed_frame again(signer, pulls.with(position), {}, {.opaque = 5, .name_space = name_space});
        CHECK(again.field("Signature") == anew.field("Signature"));
        CHECK(again.field("queueOffset") == "42");
        CHECK(again.header.opaque == 5);
        CHECK(signature_of(again.header, {}, "12345678") == again.field("Signature"));
    }
}

TEST_CASE("requests behind each other in one buffer are each signed", "[protocol]") {
    request_signer signer(credentials("ak", "12345678"));
    std::string bytes;
    for (const int queue : {1, 2})
        append_request(bytes, header_encoding::json, max_offset_request{.topic = "orders", .queue_id = queue},
                       {.opaque = queue, .signer = &signer});
    std::string_view rest(bytes);
    std::vector<std::string> signatures;
    for (const int queue : {1, 2}) {
        const auto prefix = parse_frame_prefix(rest.data()).value();
        const auto header = parse_header(prefix.encoding, rest.substr(8, prefix.header_size)).value();
        CHECK(header.field("Signature")->raw == signature_of(header, {}, "12345678"));
        CHECK(header.opaque == queue);
        rest.remove_prefix(prefix.frame_size());
    }
    CHECK(rest.empty());
}

TEST_CASE("what is signed goes out in JSON; what is not, as it did", "[protocol]") {
    request_signer signer(credentials("ak", "12345678"));
    const signed_frame frame(signer, heartbeat_request(), {}, {}, header_encoding::rocketmq);
    CHECK(frame.header.encoding == header_encoding::json);
    CHECK_FALSE(request_signer(credentials()).signs());
}

TEST_CASE("a binary header's signature is found as well", "[protocol]") {
    std::string bytes;
    append_request(bytes, header_encoding::rocketmq, signed_query{"ak", "orders", "of another life"}, {});
    const auto prefix = parse_frame_prefix(bytes.data()).value();
    const auto header = parse_header(prefix.encoding, std::string_view(bytes).substr(8, prefix.header_size)).value();
    CHECK(header.encoding == header_encoding::rocketmq);
    CHECK(signature_of(header, "", "12345678") == signature_by_hand("akorders", "12345678"));
}

TEST_CASE("requests are signed with the keys of the moment", "[protocol]") {
    credentials keys("ak", "12345678");
    request_signer signer(keys);
    const max_offset_request request{.topic = "orders"};
    const signed_frame before(signer, request);
    keys.replace("other", "87654321", "lent");
    const signed_frame after(signer, request);
    CHECK(before.field("AccessKey") == "ak");
    CHECK(after.field("AccessKey") == "other");
    CHECK(after.field("SecurityToken") == "lent");
    CHECK(signature_of(after.header, {}, "87654321") == after.field("Signature"));
    keys.replace("ak", "12345678");
    const signed_frame again(signer, request);
    CHECK(again.bytes == before.bytes);
}

} // namespace

#endif

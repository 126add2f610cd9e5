#include <rocketpush/remoting/access_control.hpp>

#include <string>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

const endpoint broker{"10.0.0.1", 10911};

protocol::header_view answer(response_code code, std::string_view remark) {
    protocol::header_view header;
    header.code       = static_cast<std::int32_t>(code);
    header.raw_remark = remark;
    return header;
}

TEST_CASE("a 5.x broker's refusal is kept with its words", "[remoting]") {
    access_control access;
    auto refused = answer(response_code::no_permission, "check signature failed.");
    access.hear(broker, refused);
    CHECK(static_cast<response_code>(refused.code) == response_code::no_permission);
    CHECK(access.last_denial().server == broker);
    CHECK(describe(access.last_denial(), "topic orders") ==
          "10.0.0.1:10911 denies access to topic orders: check signature failed.");
}

TEST_CASE("a 4.9 broker's exception is a refusal as well, without its Java", "[remoting]") {
    access_control access;
    auto refused = answer(response_code::system_error,
                          "org.apache.rocketmq.acl.common.AclException: No default permission for topic:orders, "
                          "org.apache.rocketmq.acl.plain.PlainPermissionManager.checkPerm(PlainPermissionManager.java:605)");
    access.hear(broker, refused);
    CHECK(static_cast<response_code>(refused.code) == response_code::no_permission);
    CHECK(access.last_denial().words == "No default permission for topic:orders");
    auto empty = answer(response_code::system_error, "AclException");
    access.hear(broker, empty);
    CHECK(access.last_denial().words.empty());
    CHECK(describe(access.last_denial(), "group billing") == "10.0.0.1:10911 denies access to group billing");
}

TEST_CASE("other answers are none of its business", "[remoting]") {
    access_control access;
    for (const auto code : {response_code::success, response_code::system_error, response_code::topic_not_exist}) {
        auto other = answer(code, "look message by offset failed, 7");
        access.hear(broker, other);
        CHECK(static_cast<response_code>(other.code) == code);
        CHECK(access.last_denial().words.empty());
    }
}

TEST_CASE("without credentials nothing is signed", "[remoting]") {
    CHECK(access_control().signer() == nullptr);
    CHECK((access_control(credentials("ak", "12345678")).signer() != nullptr) == bool(ROCKETPUSH_WITH_OPENSSL));
}

} // namespace

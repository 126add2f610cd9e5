#include <rocketpush/embedded/access_check.hpp>

#include "tests/support/catch.hpp"

#if ROCKETPUSH_WITH_OPENSSL

#include "tests/embedded/logic_fixture.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace rocketpush;
using namespace rocketpush::test;

namespace {

const std::vector<embedded::account> accounts{
    {.access_key = "reader", .secret_key = "open sesame", .topics = {"orders"}, .groups = {"billing"}},
    {.access_key = "root", .secret_key = "open barley", .admin = true}};

/// A broker with accounts, and a client of it that signs with keys of its choice.
struct guarded : logic_fixture {
    explicit guarded(embedded::broker_options with = {}) : logic_fixture(guard(std::move(with))), one(connect()) {
        logic.create_topic("orders", 4);
        logic.create_topic("secrets", 4);
    }

    static embedded::broker_options guard(embedded::broker_options with) {
        with.accounts = accounts;
        return with;
    }

    /// The broker's answer to a request that is signed with these keys: its code, a space, its words.
    template <class Request>
    std::string answer(const credentials& keys, const Request& request, std::string_view body = {}) {
        protocol::request_signer signer(keys);
        const auto said = ask(one, request, body, {.signer = keys ? &signer : nullptr});
        return std::to_string(static_cast<int>(said.code())) + ' ' + said.header.remark();
    }

    client one;
};

const credentials reader{"reader", "open sesame"};
const credentials root{"root", "open barley"};
const protocol::consumer_list_request list{.consumer_group = "billing"};
const protocol::max_offset_request orders_end{.topic = "orders"};

std::string heartbeat_of(const std::string& group, const std::string& topic) {
    protocol::heartbeat_data beat{.client_id = "me"};
    beat.consumers.push_back({.group_name = group});
    beat.consumers.back().subscriptions.push_back(make_subscription(topic, all_messages, 1).value());
    beat.consumers.back().subscriptions.push_back(make_subscription(retry_topic(group), all_messages, 1).value());
    return protocol::encode(beat);
}

std::string lock_of(const std::string& group, const std::string& topic) {
    return protocol::encode(
        protocol::lock_data{.client_id = "me", .consumer_group = group, .queues = {{topic, "broker-a", 0}}});
}

} // namespace

TEST_CASE("a broker without accounts answers everybody, signed or not", "[embedded]") {
    logic_fixture f;
    f.logic.create_topic("orders", 4);
    const auto one = f.connect();
    CHECK(f.ask(one, orders_end).code() == response_code::success);
    protocol::request_signer signer(reader);
    CHECK(f.ask(one, orders_end, {}, {.signer = &signer}).code() == response_code::success);
}

TEST_CASE("who is not known is refused as by 5.5.0", "[embedded]") {
    guarded f;
    CHECK(f.answer(reader, orders_end) == "0 ");
    CHECK(f.answer({}, orders_end) == "16 username cannot be null.");
    CHECK(f.answer({"reader", "open rye"}, orders_end) == "16 check signature failed.");
    CHECK(f.answer({"stranger", "open sesame"}, orders_end) == "16 User:stranger is not found.");
    CHECK(f.answer({"reader", "open sesame", "token"}, orders_end) == "0 "); // it is signed, and that is all
}

TEST_CASE("who is not known is refused as by 4.9.7", "[embedded]") {
    guarded f(like_4_9_7());
    const std::string from = "1 org.apache.rocketmq.acl.common.AclException: ";
    CHECK(f.answer(reader, orders_end) == "0 ");
    CHECK(f.answer({}, orders_end).find(from + "No accessKey is configured, org.apache.") == 0);
    CHECK(f.answer({"reader", "open rye"}, orders_end).find(from + "Check signature failed for accessKey=reader, org") == 0);
    CHECK(f.answer({"stranger", "open sesame"}, orders_end).find(from + "No acl config for stranger, org") == 0);
    CHECK(f.answer(reader, logic_fixture::pull_of("billing", "secrets", 0, 0)).find(from + "No default permission for topic:secrets, ") ==
          0);
    CHECK(f.answer(reader, protocol::max_offset_request{.topic = "secrets"}) == "0 "); // who it is is enough
    CHECK(f.answer(reader, protocol::lock_request{}, lock_of("ledger", "orders")) == "0 ");
    CHECK(f.answer(reader, protocol::create_topic_request{.topic = "new"}).find(from + "Need admin permission for request code=17") == 0);
    CHECK(f.answer(reader, protocol::consumer_list_request{.consumer_group = "ledger"})
              .find(from + "No default permission for group:ledger, ") == 0);
}

TEST_CASE("the name server does not ask who it is", "[embedded]") {
    guarded f;
    CHECK(f.answer({}, protocol::route_request{.topic = "orders"}) == "0 ");
}

TEST_CASE("each request is refused for the topic or the group that its sender may not use", "[embedded]") {
    guarded f;
    const std::string topic = "16 User:reader has no permission to access Topic:secrets from 10.0.0.1, no matched policies.";
    const std::string group = "16 User:reader has no permission to access Group:ledger from 10.0.0.1, no matched policies.";
    const auto denied       = [&](const auto& request, std::string_view body = {}) { return f.answer(reader, request, body); };

    CHECK(denied(logic_fixture::pull_of("billing", "secrets", 0, 0)) == topic);
    CHECK(denied(logic_fixture::pull_of("ledger", "orders", 0, 0)) == group);
    CHECK(denied(logic_fixture::pull_of("ledger", "%RETRY%ledger", 0, 0)) == group);
    CHECK(denied(protocol::heartbeat_request{}, heartbeat_of("billing", "secrets")) == topic);
    CHECK(denied(protocol::heartbeat_request{}, heartbeat_of("ledger", "orders")) == group);
    CHECK(denied(protocol::lock_request{}, lock_of("billing", "secrets")) == topic);
    CHECK(denied(protocol::unlock_request{}, lock_of("ledger", "orders")) == group);
    CHECK(denied(protocol::query_offset_request{.consumer_group = "billing", .topic = "secrets"}) == topic);
    CHECK(denied(protocol::update_offset_request{.consumer_group = "ledger", .topic = "orders"}) == group);
    CHECK(denied(protocol::min_offset_request{.topic = "secrets"}) == topic);
    CHECK(denied(protocol::search_offset_request{.topic = "secrets"}) == topic);
    CHECK(denied(protocol::consumer_list_request{.consumer_group = "ledger"}) == group);
    CHECK(denied(protocol::unregister_request{.client_id = "me", .consumer_group = "ledger"}) == group);
    CHECK(denied(protocol::send_back_request{.group = "ledger"}) == group);
    protocol::send_request send;
    send.topic = "secrets";
    CHECK(denied(send, "x") == topic);
    send.topic = "%RETRY%ledger";
    CHECK(denied(send, "x") == group);
    CHECK(denied(protocol::pop_request{.consumer_group = "billing", .topic = "secrets"}) == topic);
    CHECK(denied(protocol::ack_request{.consumer_group = "ledger", .topic = "orders"}) == group);
    CHECK(denied(protocol::create_topic_request{.topic = "secrets"}) == topic);
}

TEST_CASE("what an account may do is done", "[embedded]") {
    guarded f;
    CHECK(f.answer(reader, protocol::heartbeat_request{}, heartbeat_of("billing", "orders")) == "0 ");
    CHECK(f.answer(reader, list) == "0 ");
    CHECK(f.answer(reader, protocol::lock_request{}, lock_of("billing", "orders")) == "0 ");
    CHECK(f.answer(reader, protocol::update_offset_request{.consumer_group = "billing", .topic = "%RETRY%billing"}) == "0 ");
    CHECK(f.answer(root, protocol::heartbeat_request{}, heartbeat_of("ledger", "secrets")) == "0 ");
    CHECK(f.answer(root, protocol::create_topic_request{.topic = "new", .read_queue_nums = 1, .write_queue_nums = 1}) == "0 ");
}

TEST_CASE("accounts may change", "[embedded]") {
    guarded f;
    auto changed          = accounts;
    changed[0].secret_key = "open rye";
    f.logic.set_accounts(changed);
    CHECK(f.answer(reader, orders_end) == "16 check signature failed.");
    CHECK(f.answer({"reader", "open rye"}, orders_end) == "0 ");
    f.logic.set_accounts({});
    CHECK(f.answer({}, orders_end) == "0 ");
}

#endif

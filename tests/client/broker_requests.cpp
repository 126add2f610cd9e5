#include <rocketpush/client/broker_requests.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

/// Keeps what it is to send.
struct fake_connection : std::enable_shared_from_this<fake_connection> {
    struct response {
        std::int32_t opaque;
        response_code code;
        std::string remark, body;
    };
    std::vector<response> sent;

    void respond(const received_frame& request, response_code code, std::string_view remark,
                 const protocol::fields_view& fields, std::string_view body = {}) {
        if (!request.header.is_oneway())
            respond(request.header.opaque, code, remark, fields, body);
    }
    void respond(std::int32_t opaque, response_code code, std::string_view remark, const protocol::fields_view&,
                 std::string_view body = {}) {
        sent.push_back({opaque, code, std::string(remark), std::string(body)});
    }
};

struct fake_member {
    std::vector<std::string> told{};
    request_answer later{};

    protocol::consumer_data describe() const { return {}; }
    bool wants(const std::string&) const { return true; }
    void members_changed() { told.push_back("members"); }
    void reset(const std::string& topic, const std::vector<protocol::queue_position>& to) {
        told.push_back("reset " + topic + " " + std::to_string(to.at(0).offset));
    }
    std::string running_info(bool with_stacks) const { return with_stacks ? "stacks" : "info"; }
    std::string status(const std::string& topic) const { return "status of " + topic; }
    void consume_directly(std::string_view record, const std::string& broker, request_answer answer) {
        told.push_back("consume " + std::string(record) + " of " + broker);
        later = std::move(answer);
    }
    void route_changed(const std::string&, std::size_t) {}
    void route_failure(const std::string&, std::error_code) {}
    void name_servers_changed(const std::vector<endpoint>&) {}
    void name_server_lookup_failure(const std::string&, std::error_code) {}
    void connect_ended(const endpoint&, std::error_code) {}
    void disconnected(const endpoint&, std::error_code) {}
    void heartbeat_failure(const endpoint&, std::error_code) {}
};

struct request_fixture {
    fake_member member;
    std::map<std::string, rocketpush::group_member> members{{"billing", make_group_member(member, "billing")}};
    std::shared_ptr<fake_connection> connection  = std::make_shared<fake_connection>();
    std::vector<fake_connection::response>& sent = connection->sent;

    template <class Request>
    void ask(const Request& request, std::string_view body = {}, std::int32_t flag = 0) {
        std::string bytes;
        protocol::append_request(bytes, protocol::header_encoding::json, request, {.opaque = 7, .flag = flag}, body);
        const auto prefix = protocol::parse_frame_prefix(bytes.data()).value();
        const std::string_view all(bytes);
        const received_frame frame{
            {}, protocol::parse_header(prefix.encoding, all.substr(8, prefix.header_size)).value(), body, bytes.size()};
        broker_requests<fake_connection>(members).answer(*connection, frame);
    }
};

template <int Code>
struct bare_request : protocol::no_fields {
    static constexpr auto code = static_cast<protocol::request_code>(Code);
};

TEST_CASE_METHOD(request_fixture, "the consumer that is meant answers for an administrator", "[client]") {
    ask(protocol::running_info_request{"billing", "me"});
    ask(protocol::running_info_request{"billing", "me", true});
    ask(protocol::consumer_status_request{"orders", "billing"});
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].opaque == 7);
    CHECK(sent[0].code == response_code::success);
    CHECK(sent[0].body == "info");
    CHECK(sent[1].body == "stacks");
    CHECK(sent[2].body == "status of orders");
}

TEST_CASE_METHOD(request_fixture, "of a group that is not here there is no info, and no queue", "[client]") {
    ask(protocol::running_info_request{"ledger", "me"});
    ask(protocol::consume_directly_request{"ledger"}, "record");
    ask(protocol::consumer_status_request{"orders", "ledger"});
    REQUIRE(sent.size() == 3);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(sent[i].code == response_code::system_error);
        CHECK(sent[i].remark == "The Consumer Group <ledger> not exist in this consumer");
    }
    CHECK(sent[2].code == response_code::success);
    CHECK(sent[2].body == R"({"consumerTable":{},"messageQueueTable":{}})");
}

TEST_CASE_METHOD(request_fixture,
                 "a message that is consumed directly is answered for later, if anybody is there still", "[client]") {
    ask(protocol::consume_directly_request{.consumer_group = "billing", .broker_name = "broker-a"}, "record");
    CHECK(member.told == std::vector<std::string>{"consume record of broker-a"});
    CHECK(sent.empty());
    member.later(response_code::success, {}, "done");
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].opaque == 7);
    CHECK(sent[0].body == "done");
    connection.reset();
    member.later(response_code::success, {}, "nobody hears it");
}

TEST_CASE_METHOD(request_fixture, "notices are not answered, other codes are not supported", "[client]") {
    ask(protocol::consumer_ids_changed_notice{"billing"}, {}, protocol::oneway_flag);
    ask(protocol::consumer_ids_changed_notice{"ledger"}, {}, protocol::oneway_flag);
    ask(protocol::reset_offset_notice{"billing", "orders"},
        R"({"offsetTable":{{"brokerName":"b","queueId":0,"topic":"orders"}:5}})", protocol::oneway_flag);
    ask(protocol::reset_offset_notice{"billing", "orders"}, "no body", protocol::oneway_flag);
    ask(bare_request<39>{}, {}, protocol::oneway_flag);
    CHECK(member.told == std::vector<std::string>{"members", "reset orders 5"});
    CHECK(sent.empty());
    ask(bare_request<326>{});
    ask(bare_request<4711>{});
    ask(bare_request<307>{}); // lacks its fields
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].code == response_code::success);
    CHECK(sent[1].code == response_code::request_code_not_supported);
    CHECK(sent[1].remark == " request type 4711 not supported");
    CHECK(sent[2].code == response_code::system_error);
}

} // namespace

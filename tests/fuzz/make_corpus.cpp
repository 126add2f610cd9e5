// Writes what the fuzzers begin with: DIR/TARGET/NAME, from the frames and messages that were captured from real servers, and from
// what the library writes itself. So the repository needs no files of bytes.
//
//   make_corpus DIR

#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/offset_store/offset_file.hpp>
#include <rocketpush/protocol/bodies.hpp>
#include <rocketpush/protocol/compression.hpp>
#include <rocketpush/protocol/message_batch.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/fuzz/support/hostile_script.hpp"
#include "tests/support/captured_frames.hpp"
#include "tests/support/captured_messages.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
namespace captured = rocketpush::test::captured;

namespace {

class corpus {
  public:
    explicit corpus(std::filesystem::path into) : into_(std::move(into)) {}

    void add(std::string_view target, std::string_view bytes) {
        const auto folder = into_ / target;
        std::filesystem::create_directories(folder);
        std::ofstream file(folder / ("seed_" + std::to_string(++count_)), std::ios::binary);
        file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        if (!file.flush())
            throw std::runtime_error("cannot write to " + folder.string());
    }
    std::size_t count() const { return count_; }

  private:
    std::filesystem::path into_;
    std::size_t count_ = 0;
};

std::string byte(std::size_t value) { return {static_cast<char>(value)}; }
/// As `fuzz_input::short_text` and `long_text` read them.
std::string short_text(std::string_view text) { return byte(text.size()).append(text); }
std::string long_text(std::string_view text) {
    return byte(text.size() >> 8).append(byte(text.size() & 0xFF)).append(text);
}

const std::vector<std::string>& frames() {
    static const std::vector<std::string> all{
        captured::route_request_json,         captured::route_response_json, captured::route_request_binary,
        captured::route_response_binary_497,  captured::route_response_old_json_497,
        captured::heartbeat_request,          captured::heartbeat_response,  captured::pull_request_json,
        captured::pull_response_json,         captured::pull_request_binary, captured::pull_response_binary_497,
        captured::answer_to_binary_route_request()};
    return all;
}

struct frame_parts {
    header_encoding encoding;
    std::string_view header, body;

    explicit frame_parts(std::string_view frame) {
        const auto prefix = parse_frame_prefix(frame.data()).value();
        encoding          = prefix.encoding;
        header            = frame.substr(frame_prefix_size, prefix.header_size);
        body              = frame.substr(frame_prefix_size + prefix.header_size);
    }
};

std::string stored(std::string_view body, std::uint32_t flags = 0, std::string_view properties = "TAGS\x01paid\x02KEYS\x01k1\x02",
                   std::string_view topic = "orders") {
    std::string bytes;
    append_stored_message(bytes, {.topic             = topic,
                                  .body              = body,
                                  .properties        = properties,
                                  .queue_offset      = 7,
                                  .commit_log_offset = 7000,
                                  .sys_flag          = flags});
    return bytes;
}

std::vector<std::string> message_bodies() {
    std::vector<std::string> all{captured::message_of_5_5_0, captured::message_of_4_9_7, captured::message_v2,
                                 captured::message_from_ipv6, captured::message_of_5_5_0 + captured::message_v2};
    std::string inner;
    append_batch_message(inner, {.flag = 1, .body = "one", .properties = "TAGS\x01paid\x02"});
    append_batch_message(inner, {.body = "two"});
    constexpr auto batch = sys_flags::inner_batch | sys_flags::needs_unwrap;
    all.push_back(stored(inner, batch));
    for (const auto kind : {compression::zlib, compression::lz4, compression::zstd}) {
        all.push_back(stored(compress(kind, "a body, a body, a body").value(), flags_of(kind)));
        all.push_back(stored(compress(kind, inner).value(), flags_of(kind) | batch));
        all.push_back(stored(compress(kind, std::string(200'000, 'x')).value(), flags_of(kind)));
    }
    all.push_back(stored("again", 0, "RETRY_TOPIC\x01orders\x02POP_CK\x01" "0 1795372672059 60000 2 1 broker-a 0 7\x02",
                         "%RETRY%billing_orders"));
    return all;
}

void add_frames(corpus& to) {
    std::string all;
    for (const auto& frame : frames()) {
        to.add("frame", byte(3) + byte(0) + frame);
        to.add("frame", byte(2) + byte(3) + "\x03\x10\xC8" + frame + frame);
        const frame_parts parts(frame);
        to.add("header", byte(parts.encoding == header_encoding::json ? 0 : 1).append(parts.header));
        if (!parts.body.empty() && parts.body.front() == '{')
            to.add("json_bodies", parts.body);
        all += frame;
    }
    to.add("frame", byte(1) + byte(1) + byte(0) + all);
    std::string frame;
    append_response(frame, header_encoding::json, response_code::success, 7, "",
                    pop_response{.pop_time         = 1'795'372'672'059,
                                 .invisible_millis = 60'000,
                                 .start_offsets    = "0 1 0;0 0 0",
                                 .message_offsets  = "0 1 0,1;0 0 0,1,2",
                                 .order_counts     = "0 qo0%1 1;0 0 1"});
    to.add("header", byte(0).append(frame_parts(frame).header));
    to.add("header", byte(0).append(R"({ "code":0,"extFields":{"offset":"\u0037","a":null,"b":{"c":[1,-2.5e3]}},"remark":"\ud83d\ude00"})"));
}

void add_messages(corpus& to) {
    for (const auto& body : message_bodies()) {
        to.add("messages", byte(7) + byte(2) + body);
        to.add("receipts", long_text("0 0 0;1 0 0") + long_text("0 0 7;1 0 7") + long_text("0 0 1;0 qo0%7 2") + byte(0) + body);
    }
    to.add("receipts", long_text("1 1795372672059 60000 2 0 broker-a 3 1") + long_text("") + long_text("") + byte(0));
    to.add("receipts", long_text("1 1795372672059 60000 999 2 broker-a 3") + long_text("") + long_text("") + byte(9));
    for (const std::string_view name : {"TAGS", "KEYS", "UNIQ_KEY", "K"})
        to.add("properties", short_text(name) + short_text("value") +
                                 "MSG_REGION\x01" "DefaultRegion\x02UNIQ_KEY\x01" "7F00\x02TAGS\x01TagA\x02KEYS\x01k1\x02WAIT\x01true");
    for (std::size_t kind = 0; kind < 3; ++kind)
        for (const auto& body : {std::string("x"), std::string(300, 'y'), std::string(500'000, 'z')}) {
            const auto packed = compress(static_cast<compression>(kind), body).value();
            to.add("decompression", byte(kind) + byte(3) + packed);
            to.add("decompression", byte(kind) + byte(6) + packed + packed);
        }
}

void add_bodies(corpus& to) {
    const message_queue queue{"orders", "broker-a", 3};
    const subscription paid = make_subscription("orders", tags("paid || refunded"), 1'700'000'000'000).value();
    to.add("json_bodies", encode(assignment_query{.topic = "orders", .consumer_group = "billing", .client_id = "10.0.0.1@1"}));
    to.add("json_bodies", encode(assignment_answer{{{{queue, request_mode::pop}, {queue, request_mode::pull}}}}));
    to.add("json_bodies", encode(request_mode_setting{.topic = "orders", .consumer_group = "billing", .mode = request_mode::pop}));
    to.add("json_bodies", encode(consumer_list{{"10.0.0.1@1", "10.0.0.2@1"}}));
    to.add("json_bodies", encode(lock_data{.client_id = "10.0.0.1@1", .consumer_group = "billing", .queues = {queue}}));
    to.add("json_bodies", encode(locked_queues{{queue, queue}}));
    to.add("json_bodies", encode(client_check{"10.0.0.1@1", "billing", paid}));
    to.add("json_bodies", encode(consumer_status{{{queue, 7}}}));
    to.add("json_bodies", encode(direct_result{.remark = "thrown", .spent = std::chrono::milliseconds(5)}));
    ack_bits bits;
    bits.set(3);
    to.add("json_bodies", encode(batch_ack{"broker-a", {{.consumer_group = "billing", .topic = "orders", .acked = bits}}}));
    to.add("json_bodies", encode(consumer_connections{.members       = {{"10.0.0.1:4000", "10.0.0.1@1", "CPP", 477}},
                                                      .subscriptions = {paid},
                                                      .consume_type  = "CONSUME_PASSIVELY"}));
    to.add("json_bodies", encode(running_info{.properties    = {{"PROP_CONSUMEORDERLY", "false"}},
                                              .subscriptions = {paid},
                                              .queues        = {{queue, {.commit_offset = 7}}},
                                              .popped        = {{queue, {.waiting = 1}}},
                                              .topics        = {{"orders", {.pull_milliseconds = 0.25}}},
                                              .stacks        = "a stack"}));
    route_data route{.queue_datas  = {{"broker-a", 4, 4}},
                     .broker_datas = {{"cluster", "broker-a", {{0, "10.0.0.9:10911"}, {1, "10.0.0.8:10911"}}}}};
    route.mappings.push_back({.broker_name = "broker-a", .total_queues = 2, .epoch = 1, .physical_ids = {{0, 1}, {1, 0}}});
    to.add("json_bodies", encode(route));
    to.add("json_bodies", R"({"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:7}})");
    to.add("json_bodies", R"({"offsetTable":[{"brokerName":"b","offset":7,"queueId":2,"topic":"t"}]})");
    to.add("json_bodies", R"({"consumeTps":0.5,"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:{"brokerOffset":9,"consumerOffset":7,"lastTimestamp":1}}})");
    to.add("json_bodies", "{\"\\u00e9\\ud83d\\ude00\" : [ true , null , -1.5e+3 , \"\\\\\\\"\" ] }");
    to.add("offset_file", encode_offset_file({{queue, 7}, {{"orders", "broker-b", 0}, 0}}));
    to.add("offset_file", R"({"offsetTable":{"{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"t\"}":null}})");
    to.add("offset_file", "{}");
}

void add_command_lines(corpus& to) {
    for (const auto* line :
         {"consume\n--namesrv\n10.0.0.1:9876;b:9876\n--group\nbilling\n--topic\norders=paid || refunded\n--from\ntimestamp=20240131235900",
          "consume\n--namesrv-url\nhttp://config:8080/rocketmq/nsaddr\n--group\nbilling\n--topic\norders\n--topic=stock=a > 5\n--filter\nsql92\n--strategy\nconsistent-hash",
          "consume\n--namesrv\n[::1]:9876\n--group=g\n--topic=t\n--model\nbroadcasting\n--offset-dir\nd\n--order=orderly\n--idle-s\n1.5\n--duration-s\n1e3",
          "consume\n--namesrv\na:1\n--group=g\n--topic=t\n--threads=4\n--consume-batch=16\n--pull-batch=64\n--max-reconsume=-1\n--fail-times\n2\n--delay-ms=5\n--count=7",
          "consume\n--namesrv\na:1\n--group=g\n--topic=t\n--access-key\nk\n--secret-key\ns\n--tls\n--tls-name\nn\n--server-rebalance\n--trace",
          "lag\n--namesrv\na:1\n--group\nbilling\n--topic\norders\n--owners\n--watch\n2\n--output\njson\n--namespace\nns",
          "topic\n--namesrv\na:1\n--topic\norders\n--tls\n--tls-insecure",
          "produce\n--namesrv\na:1\n--topic\norders\n--count=5\n--size=100\n--rate\n10.5\n--property\na=b\n--batch=3\n--stamp",
          "broker\n--port\n0\n--topic\norders:8\n--account\nk:s\n--delay-levels\n1s 5s\n--as-version\n4.9.7\n--store-mib=16",
          "consume\n--help"})
        to.add("cli", line);
}

/// Scripts as hostile_script reads them; the targets are the sessions of both kinds of consumers.
void add_sessions(corpus& to) {
    using script = test::hostile_script;
    const auto add = [&to](std::size_t pieces, std::size_t names, std::size_t stop, const std::string& deeds) {
        for (const auto* target : {"sessions", "orderly_sessions"})
            to.add(target, byte(pieces) + byte(names) + byte(stop) + deeds);
    };
    const auto deed = [](script::content what, script::delivery how) { return byte(what) + byte(how); };
    add(0, 0, 0, "");
    add(1, 0, 0, "");
    add(0, 0, 1, "");
    for (std::size_t how = 0; how < script::delivery_count; ++how) {
        // Ten requests, each served honestly but for the way it is sent. (What the way wants besides: letters.)
        std::string all;
        for (int i = 0; i < 10; ++i)
            all += deed(script::honest, static_cast<script::delivery>(how)) + std::string(8, static_cast<char>(i + 1));
        add(0, how % 2, 0, all);
        add(0, 1, 5, all);
    }
    std::string popped, pulled, coded;
    for (int i = 0; i < 12; ++i) {
        popped += deed(script::popping, script::plain) + byte(0);
        // Three messages: kind, length of the body and body, and what the kind wants; then the answer's own numbers.
        pulled += deed(script::messages, script::plain) + byte(2) + byte(0) + short_text("one") + byte(4) + short_text("two") +
                  byte(1) + byte(1) + short_text("") + byte(20) + byte(1) + byte(1);
        coded += deed(script::coded, script::plain) + byte(static_cast<std::size_t>(i + 16));
    }
    add(0, 0, 0, popped + pulled);
    add(0, 0, 0, pulled);
    add(0, 0, 0, popped);
    add(0, 1, 0, coded);
    for (const int code : {1, 2, 3, 14, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 28})
        add(0, 0, 0, deed(script::coded, script::plain) + byte(static_cast<std::size_t>(code)) +
                         deed(script::coded, script::plain) + byte(static_cast<std::size_t>(code)));
    for (std::size_t code = 0; code < 8; ++code)
        add(0, 0, 0, deed(script::honest, script::pushing) + byte(code) + byte(1) + byte(2) + byte(18) + byte(0) +
                         short_text("billing") + byte(22) + byte(0) + short_text("orders") +
                         long_text(R"({"offsetTable":{{"brokerName":"loud","queueId":0,"topic":"orders"}:7}})"));
}

} // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: make_corpus DIR\n", stderr);
        return 2;
    }
    try {
        corpus to(arguments[1]);
        add_frames(to);
        add_messages(to);
        add_bodies(to);
        add_command_lines(to);
        add_sessions(to);
        std::printf("%zu inputs\n", to.count());
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "make_corpus: %s\n", problem.what());
        return 1;
    }
    return 0;
}

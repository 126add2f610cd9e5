#include <rocketpush/observe/trace_book.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/filled_batch.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;

constexpr message_time noon{std::chrono::milliseconds(1'700'000'000'000)};

/// A stored message's properties: name, value, name, value ...
std::string properties(std::initializer_list<const char*> words) {
    std::string text;
    bool name = true;
    for (const char* word : words)
        (text += word) += std::exchange(name, !name) ? '\x01' : '\x02';
    return text;
}

struct book_fixture {
    detail::block_pool pool;
    pulled_batch<false> batch;
    std::string bytes;
    queue_offset next = 0;
    int rings         = 0;
    trace_book book{
        "RMQ_SYS_TRACE_TOPIC", "billing", ids(), 16, 4, {&rings, [](void* who) { ++*static_cast<int*>(who); }}};

    static protocol::unique_id_generator ids() {
        protocol::unique_id_generator made(host_address(std::array<unsigned char, 4>{10, 0, 0, 7}, 0), 0x1234,
                                           0xCAFE0042);
        made.next(noon);
        return made;
    }

    void add(const std::string& with, const std::string& topic = "orders") {
        protocol::append_stored_message(bytes,
                                        {.topic             = topic,
                                         .body              = "x",
                                         .properties        = with,
                                         .queue_offset      = next++,
                                         .commit_log_offset = 0x100,
                                         .store_host = host_address(std::array<unsigned char, 4>{127, 0, 0, 1}, 10911),
                                         .reconsume_times = 2});
    }
    std::span<const message_view> messages() {
        test::fill_stored(batch, pool, bytes, next);
        return batch.views({0, batch.size()});
    }
    std::vector<trace_context> written() {
        std::vector<trace_context> found;
        while (book.take([&](const trace_context& one) { found.push_back(one); })) {
        }
        return found;
    }
};

listener_call call_of(std::chrono::milliseconds took, call_outcome outcome, std::uint16_t count = 1) {
    return {listener_call::make_number(noon, count), noon + took, outcome, outcome < call_outcome::threw};
}

std::vector<std::string> fields(const std::string& record) {
    std::vector<std::string> found(1);
    for (const char c : record)
        if (c == '\x01' || c == '\x02')
            found.emplace_back();
        else
            found.back() += c;
    return found;
}

TEST_CASE_METHOD(book_fixture, "a call leaves a context before it and one after it, whose records have one request id",
                 "[trace_book]") {
    add(properties({"KEYS", "k1 k2", "UNIQ_KEY", "ID1", "MSG_REGION", "east"}));
    const auto all = messages();
    book.begun(all, call_of({}, {}));
    book.ended(all, call_of(7ms, call_outcome::succeeded));
    const auto found = written();
    REQUIRE(found.size() == 2);
    CHECK(found[0].topic == "orders");
    CHECK(found[0].keys == "ID1 k1 k2 ");
    const auto before = fields(found[0].records), after = fields(found[1].records);
    const auto request = before.at(4);
    CHECK(request.size() == 32);
    CHECK(request.starts_with("0A0000071234CAFE0042"));
    CHECK(request.ends_with("0001")); // the call's count
    CHECK(before ==
          std::vector<std::string>{"SubBefore", "1700000000000", "east", "billing", request, "ID1", "2", "k1 k2", ""});
    CHECK(after == std::vector<std::string>{"SubAfter", request, "ID1", "7", "true", "k1 k2", "0", "1700000000007",
                                            "billing", ""});
}

TEST_CASE_METHOD(book_fixture, "another call has another request id, in the same millisecond too", "[trace_book]") {
    add(properties({"UNIQ_KEY", "ID1"}));
    const auto all = messages();
    book.begun(all, call_of({}, {}, 1));
    book.begun(all, call_of({}, {}, 2));
    const auto found = written();
    REQUIRE(found.size() == 2);
    CHECK(fields(found[0].records)[4] != fields(found[1].records)[4]);
}

TEST_CASE_METHOD(book_fixture, "a message without keys, region or unique id has null, DefaultRegion and its offset id",
                 "[trace_book]") {
    add({});
    book.begun(messages(), call_of({}, {}));
    const auto found = written();
    REQUIRE(found.size() == 1);
    const auto record = fields(found[0].records);
    CHECK(record[2] == "DefaultRegion");
    CHECK(record[5] == "7F00000100002A9F0000000000000100");
    CHECK(record[7] == "null");
    CHECK(found[0].keys == "7F00000100002A9F0000000000000100 ");
}

TEST_CASE_METHOD(book_fixture, "the cost of a call is shared by its messages, traced or not", "[trace_book]") {
    add(properties({"UNIQ_KEY", "ID1"}));
    add(properties({"UNIQ_KEY", "ID2", "TRACE_ON", "false"}));
    add(properties({"UNIQ_KEY", "ID3", "TRACE_ON", "true", "MSG_REGION", "west"}));
    const auto all = messages();
    book.begun(all, call_of({}, {}));
    book.ended(all, call_of(10ms, call_outcome::failed));
    const auto found = written();
    REQUIRE(found.size() == 2); // one context for each call, however many messages
    CHECK(found[0].count == 2);
    CHECK(found[0].keys == "ID1 ID3 ");
    CHECK(std::ranges::count(found[0].records, '\x02') == 2);
    CHECK(found[0].records.find("ID2") == std::string::npos);
    CHECK(fields(found[0].records)[2] == "west"); // as in Java that of the last
    const auto after = fields(found[1].records);
    CHECK(after[3] == "3");
    CHECK(after[4] == "false");
    CHECK(after[6] == "4");
}

TEST_CASE_METHOD(book_fixture, "how a call ended is told with Java's number", "[trace_book]") {
    add(properties({"UNIQ_KEY", "ID1"}));
    const auto all  = messages();
    const auto code = [&](call_outcome outcome) {
        book.ended(all, call_of(1ms, outcome));
        const auto record = fields(written().at(0).records);
        return record.at(6) + record.at(4);
    };
    CHECK(code(call_outcome::succeeded) == "0true");
    CHECK(code(call_outcome::timed_out) == "1true"); // as it was answered, too late
    CHECK(code(call_outcome::threw) == "2false");
    CHECK(code(call_outcome::failed) == "4false");
}

TEST_CASE_METHOD(book_fixture, "messages that want no trace, and those of the trace topic, leave nothing",
                 "[trace_book]") {
    add(properties({"UNIQ_KEY", "ID1", "TRACE_ON", "false"}));
    add(properties({"UNIQ_KEY", "ID2"}), "RMQ_SYS_TRACE_TOPIC");
    const auto all = messages();
    book.begun(all, call_of({}, {}));
    book.ended(all, call_of(1ms, call_outcome::succeeded));
    CHECK(written().empty());
    CHECK(book.lost() == 0);
}

TEST_CASE_METHOD(book_fixture, "records that find no place are counted, and what is there stays", "[trace_book]") {
    add(properties({"UNIQ_KEY", "ID1"}));
    add(properties({"UNIQ_KEY", "ID2"}));
    add(properties({"UNIQ_KEY", "ID3", "TRACE_ON", "false"}));
    const auto all = messages();
    for (int i = 0; i < 20; ++i)
        book.begun(all, call_of({}, {}));
    CHECK(book.waiting() == 16);
    CHECK(book.lost() == 4 * 2);
    CHECK(written().size() == 16);
    book.begun(all, call_of({}, {}));
    CHECK(written().size() == 1);
    CHECK(book.lost() == 8);
}

TEST_CASE_METHOD(book_fixture, "the alarm rings once when enough is waiting, until somebody listens again",
                 "[trace_book]") {
    add(properties({"UNIQ_KEY", "ID1"}));
    const auto all = messages();
    for (int i = 0; i < 3; ++i)
        book.begun(all, call_of({}, {}));
    CHECK(rings == 0);
    for (int i = 0; i < 5; ++i)
        book.begun(all, call_of({}, {}));
    CHECK(rings == 1);
    book.listen();
    book.begun(all, call_of({}, {}));
    CHECK(rings == 2);
}

TEST_CASE_METHOD(book_fixture, "the records of a large batch are divided, so that a message can hold each part",
                 "[trace_book]") {
    for (int i = 0; i < 1000; ++i)
        add(properties({"UNIQ_KEY", "0A0000071234CAFE00420000000000AA", "KEYS", "some-key"}));
    book.begun(messages(), call_of({}, {}));
    const auto found    = written();
    std::uint32_t count = 0;
    for (const auto& each : found) {
        CHECK(each.keys.size() < 17'000);
        CHECK(each.records.size() < 33'000);
        count += each.count;
    }
    CHECK(count == 1000);
    CHECK(found.size() > 2);
}

} // namespace

#include <rocketpush/observe/log_record.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using namespace rocketpush;

const message_queue queue{"orders", "broker-a", 3};
const endpoint peer{"10.0.0.1", 10911};

std::string text_of(const log_field& field) {
    std::string text;
    field.append_to(text);
    return text;
}
std::string parts_of(const log_field& field) {
    std::string parts;
    field.visit([&](std::string_view name, auto value) {
        (parts += name) += '=';
        if constexpr (std::is_same_v<decltype(value), std::int64_t>)
            parts += std::to_string(value) + " ";
        else
            (parts += '"' + std::string(value)) += "\" ";
    });
    return parts;
}
std::string sentence_of(const log_record& record) {
    std::string text;
    record.append_sentence(text);
    return text;
}

TEST_CASE("a field has a text for sentences and named parts for programs", "[log_record]") {
    CHECK(text_of({"topic", "orders"}) == "orders");
    CHECK(parts_of({"topic", "orders"}) == "topic=\"orders\" ");
    CHECK(text_of({"offset", -1}) == "-1");
    CHECK(parts_of({"offset", std::size_t{7}}) == "offset=7 ");
    CHECK(text_of(queue) == "orders/broker-a/3");
    CHECK(parts_of(queue) == "topic=\"orders\" broker=\"broker-a\" queue_id=3 ");
    CHECK(parts_of(peer) == "peer=\"10.0.0.1:10911\" ");
    const std::vector<endpoint> peers{peer, {"::1", 9876}};
    CHECK(text_of(std::span<const endpoint>(peers)) == "10.0.0.1:10911;[::1]:9876");
    CHECK(text_of(make_error_code(error::no_members)) == "the group's member list is empty");
    CHECK(parts_of(make_error_code(response_code::system_busy)) ==
          "error=\"system busy (code 2)\" error_code=2 error_category=\"rocketmq.response\" ");
    const auto thrown = std::make_exception_ptr(std::runtime_error("bad luck"));
    CHECK(text_of(thrown) == "bad luck");
    const auto odd = std::make_exception_ptr(42);
    CHECK(parts_of(odd) == "exception=\"not a std::exception\" ");
}

TEST_CASE("a record's sentence has its fields where it names them, and the remedy of its failure at the end",
          "[log_record]") {
    const log_field fields[] = {queue, make_error_code(error::no_route), {"offset", 7}};
    const log_record record(log_level::warning, "pull_failure", "billing", "pulling {} failed: {}; trying again",
                            fields);
    CHECK(sentence_of(record) ==
          "pulling orders/broker-a/3 failed: the name server has no route for the topic; trying again; "
          "create the topic, or correct its name");
    CHECK(record.remedy() == "create the topic, or correct its name");
    std::string names;
    record.visit_fields([&](std::string_view name, auto) { (names += name) += ' '; });
    CHECK(names == "topic broker queue_id error error_code error_category offset remedy ");
}

TEST_CASE("a record below a warning has no remedy, and a place without a field stays as it is", "[log_record]") {
    const log_field fields[] = {make_error_code(error::no_route)};
    CHECK(sentence_of({log_level::info, "x", "g", "{} {}", fields}) == "the name server has no route for the topic {}");
    CHECK(sentence_of({log_level::info, "x", "g", "plain", {}}) == "plain");
    CHECK(to_string(log_level::warning) == "warning");
}

} // namespace

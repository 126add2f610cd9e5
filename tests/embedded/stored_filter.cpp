#include <rocketpush/embedded/condition_parser.hpp>
#include <rocketpush/embedded/stored_filter.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.hpp"

using namespace rocketpush;
using namespace rocketpush::embedded;

namespace {

std::string record_with(std::string_view properties) {
    protocol::stored_message message;
    message.topic      = "orders";
    message.properties = properties;
    std::string record;
    protocol::append_stored_message(record, message);
    return record;
}

stored_filter filter_by(std::string_view expression) {
    return {.wanted = std::make_shared<const condition>(compile_condition(expression).made.value())};
}

} // namespace

TEST_CASE("a filter that names nothing wants everything", "[embedded]") {
    CHECK(stored_filter().wants(0, {}));
    CHECK(stored_filter().wants(7, record_with("a\x01"
                                               "5\x02")));
}

TEST_CASE("a filter by tags wants what has one of the hashes, whatever else it is", "[embedded]") {
    const stored_filter filter{.tag_codes = {7, 9}};
    CHECK(filter.wants(9, {}));
    CHECK_FALSE(filter.wants(0, record_with("TAGS\x01paid\x02")));
}

TEST_CASE("a filter by a condition looks at the properties; what is not kept any more may have been wanted",
          "[embedded]") {
    const auto filter = filter_by("a > 3");
    CHECK(filter.wants(7, record_with("a\x01"
                                      "5\x02")));
    CHECK_FALSE(filter.wants(7, record_with("a\x01"
                                            "3\x02")));
    CHECK_FALSE(filter.wants(7, record_with("b\x01"
                                            "5\x02")));
    CHECK(filter.wants(7, {}));
}

#include <rocketpush/core/error.hpp>

#include "tests/support/catch.hpp"

#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string documentation() {
    std::ifstream file(ROCKETPUSH_SOURCE_DIR "/docs/errors.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string header() {
    std::ifstream file(ROCKETPUSH_SOURCE_DIR "/include/rocketpush/core/error.hpp");
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("every error has a sentence and a row in docs/errors.md", "[errors]") {
    const auto text = documentation();
    const auto code = header();
    int found       = 0;
    // The enumerators stand in the switch of describe(): `case error::NAME: return "...";`
    for (auto at = code.find("case error::"); at != std::string::npos; at = code.find("case error::", at + 1)) {
        const auto begin = at + std::string("case error::").size();
        const auto name  = code.substr(begin, code.find(':', begin) - begin);
        INFO(name);
        CHECK(text.find("| `" + name + "` |") != std::string::npos);
        ++found;
    }
    CHECK(found == static_cast<int>(rocketpush::error::trace_overflow)); // the last one: the numbers have no gap
    for (int value = 1; value <= found; ++value) {
        INFO(value);
        CHECK(std::error_code(static_cast<rocketpush::error>(value)).message().find("unknown rocketpush error") == std::string::npos);
    }
    CHECK(std::error_code(static_cast<rocketpush::error>(found + 1)).message().find("unknown rocketpush error") == 0);
}

TEST_CASE("a broker's answer is told with its code", "[errors]") {
    CHECK(std::error_code(rocketpush::response_code::no_permission).message() == "no permission (code 16)");
    CHECK(std::error_code(static_cast<rocketpush::response_code>(4711)).message() == "unknown response (code 4711)");
}

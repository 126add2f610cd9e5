// Properties in their stored form: the search for one, sixteen places at once, finds what a plain reading finds; what is set can be
// found, and nothing else changes.
//
// Input: a short text (a name), a short text (a value), the properties.

#include <rocketpush/protocol/properties.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tests/fuzz/support/fuzz_input.hpp"

using namespace rocketpush;
using rocketpush::test::must;

namespace {

using table = std::map<std::string, std::string, std::less<>>;

/// Entry by entry, as Java's `MessageDecoder.string2messageProperties`.
table read_plainly(std::string_view raw) {
    table all;
    while (!raw.empty()) {
        const auto end   = raw.find('\x02');
        const auto entry = raw.substr(0, end);
        raw.remove_prefix(end == raw.npos ? raw.size() : end + 1);
        const auto split = entry.find('\x01');
        if (split != entry.npos && split != 0 && split + 1 != entry.size())
            all.insert_or_assign(std::string(entry.substr(0, split)), std::string(entry.substr(split + 1)));
    }
    return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::fuzz_input input(data, size);
    const std::string name(input.short_text());
    const std::string value(input.short_text());
    const test::exact_bytes bytes(input.rest());
    const auto raw = bytes.view();

    const auto expected = read_plainly(raw);
    table ranged;
    for (const auto& [each, its_value] : detail::property_range(raw)) {
        must(!each.empty() && !its_value.empty(), "a property has a name and a value");
        must(test::lies_in(each, raw) && test::lies_in(its_value, raw), "properties lie in their bytes");
        ranged.insert_or_assign(std::string(each), std::string(its_value));
    }
    must(ranged == expected, "going through all properties finds what a plain reading finds");
    for (const auto& [each, its_value] : expected)
        must(protocol::find_property(raw, each) == std::string_view(its_value), "a property that is there is found");
    if (!protocol::valid_property_text(name))
        return 0;
    const auto found = protocol::find_property(raw, name);
    must(found.has_value() == expected.contains(name), "a property that is not there is not found");

    if (!protocol::valid_property_text(value))
        return 0;
    std::string changed(raw);
    protocol::set_property(changed, name, value);
    must(protocol::find_property(changed, name) == std::string_view(value), "what was set is found");
    auto wanted = expected;
    wanted.insert_or_assign(name, value);
    must(read_plainly(changed) == wanted, "setting one property changes no other");
    protocol::remove_property(changed, name);
    wanted.erase(name);
    must(read_plainly(changed) == wanted, "taking one property out changes no other");
    return 0;
}

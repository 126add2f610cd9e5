// The local offset file: what can be read is written as Java writes it, and read again to the same.
//
// Input: the file.

#include <rocketpush/offset_store/offset_file.hpp>

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/support/fuzz_input.hpp"

using namespace rocketpush;
using rocketpush::test::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const test::exact_bytes text(test::fuzz_input(data, size).rest());
    const auto table = decode_offset_file(text);
    if (!table) {
        must(table.error() == error::offset_file_damaged, "a file that cannot be read is damaged");
        return 0;
    }
    for (const auto& [queue, offset] : *table) {
        must(offset >= 0, "an offset is not negative");
        must(!queue.topic.empty() && !queue.broker_name.empty(), "a queue has its names");
    }
    // What is not UTF-8 is written as U+FFFD: so the first time may change names, and no later one.
    const auto once = decode_offset_file(encode_offset_file(*table));
    must(once.has_value() && once->size() <= table->size(), "a file that was written can be read");
    const auto twice = decode_offset_file(encode_offset_file(*once));
    must(twice.has_value() && *twice == *once, "a file that was written is read to the same");
    return 0;
}

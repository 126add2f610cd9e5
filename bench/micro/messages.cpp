#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/property_scan.hpp>
#include <rocketpush/protocol/crc32.hpp>
#include <rocketpush/protocol/message_decoder.hpp>

#include <string_view>

#include "bench/micro/stopwatch.hpp"
#include "bench/support/canned_messages.hpp"

namespace bench {

namespace {

constexpr std::size_t pull_batch = 32;

struct decoder_input {
    const char* name;
    message_kind kind;
    bool check_crc = true;
};

} // namespace

std::vector<micro_figure> measure_decoder() {
    using rocketpush::protocol::compression;
    namespace protocol                      = rocketpush::protocol;
    static constexpr decoder_input inputs[] = {
        {"32 of 128 B", {.body_size = 128}},
        {"32 of 128 B, no CRC", {.body_size = 128}, false},
        {"32 of 1 KiB", {.body_size = 1024, .properties = true}},
        {"32 of 1 KiB, zlib", {.body_size = 1024, .properties = true, .compressed = compression::zlib}},
        {"32 of 1 KiB, lz4", {.body_size = 1024, .properties = true, .compressed = compression::lz4}},
        {"32 of 1 KiB, zstd", {.body_size = 1024, .properties = true, .compressed = compression::zstd}},
    };
    std::vector<micro_figure> figures;
    for (const auto& input : inputs) {
        const auto records = make_records("orders", 0, pull_batch, input.kind);
        protocol::message_decoder decoder({.check_crc = input.check_crc});
        const rocketpush::message_queue queue{"orders", "broker-a", 0};
        const protocol::message_origin origin{&queue, "%RETRY%replay", 0, 0};
        protocol::byte_arena arena;
        std::vector<protocol::message_fields> found;
        figures.push_back(time_of(input.name, [&] {
            found.clear();
            arena.clear();
            decoder.decode(records.bytes, origin, arena, found, [](std::error_code, std::string_view, std::int64_t) {});
            keep(found.data());
        }));
    }
    return figures;
}

std::vector<micro_figure> measure_properties() {
    const auto few = make_properties({.properties = true}, 0);
    std::string many;
    for (int i = 0; i < 20; ++i)
        many += "property-" + std::to_string(i) + '\x01' + "value of " + std::to_string(i) + '\x02';
    std::vector<micro_figure> figures;
    const auto look_up = [&](std::string name, const std::string& in, std::string_view wanted) {
        figures.push_back(time_of(std::move(name), [&] { keep(rocketpush::detail::find_property(in, wanted)); }));
    };
    look_up("first of 5", few, "UNIQ_KEY");
    look_up("last of 5", few, "attempt");
    look_up("none of 5", few, "KEYS");
    look_up("first of 20", many, "property-0");
    look_up("last of 20", many, "property-19");
    look_up("none of 20", many, "KEYS");
    return figures;
}

std::vector<micro_figure> measure_checksums() {
    std::vector<micro_figure> figures;
    for (const auto size : {std::size_t{128}, std::size_t{1024}, std::size_t{65536}}) {
        const auto body = make_body(size, 0);
        figures.push_back(
            time_of("CRC of " + std::to_string(size) + " B", [&] { keep(rocketpush::protocol::body_crc(body)); }));
    }
    return figures;
}

} // namespace bench

#include "bench/support/canned_messages.hpp"

#include <rocketpush/core/host_address.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace bench {

namespace {

constexpr std::int64_t some_time = 1'700'000'000'000; // ms since 1970
constexpr std::array<unsigned char, 4> loopback{127, 0, 0, 1};

/// A number of fixed width that looks like chance, from a number that does not.
std::string scrambled(std::size_t number) {
    const auto mixed = (static_cast<std::uint64_t>(number) + 1) * 0x9E3779B97F4A7C15;
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llX", static_cast<unsigned long long>(mixed));
    return digits;
}

} // namespace

void canned_records::renumber(std::int64_t first) noexcept {
    for (const auto start : starts)
        rocketpush::detail::store_big(bytes.data() + start + rocketpush::detail::message_layout::queue_offset, first++);
}

std::string make_body(std::size_t size, std::size_t number) {
    std::string body;
    for (auto line = number * 100; body.size() < size; ++line)
        body += R"({"order":")" + scrambled(line) + R"(","state":"paid","amount":)" +
                std::to_string(line * 7919 % 9973) + R"(,"currency":"EUR"})";
    body.resize(size);
    return body;
}

std::string make_properties(const message_kind& kind, std::size_t number) {
    using rocketpush::protocol::append_property;
    std::string properties;
    append_property(properties, "UNIQ_KEY", scrambled(0) + scrambled(number));
    if (kind.tagged)
        append_property(properties, "TAGS", "paid");
    append_property(properties, "WAIT", "true");
    if (kind.properties) {
        append_property(properties, "customer", scrambled(number + 1));
        append_property(properties, "region", "eu-central-1");
        append_property(properties, "attempt", "1");
    }
    return properties;
}

canned_records make_records(std::string_view topic, std::int32_t queue_id, std::size_t count,
                            const message_kind& kind) {
    namespace protocol = rocketpush::protocol;
    canned_records records;
    for (std::size_t i = 0; i < count; ++i) {
        const auto number     = static_cast<std::size_t>(queue_id) * count + i;
        const auto properties = make_properties(kind, number);
        auto body             = make_body(kind.body_size, number);
        if (kind.compressed) {
            auto smaller = protocol::compress(*kind.compressed, body);
            if (!smaller)
                throw std::runtime_error("cannot compress: " + smaller.error().message());
            body = std::move(*smaller);
        }
        records.starts.push_back(records.bytes.size());
        protocol::append_stored_message(records.bytes,
                                        {.topic             = topic,
                                         .body              = body,
                                         .properties        = properties,
                                         .queue_id          = queue_id,
                                         .commit_log_offset = static_cast<std::int64_t>(records.bytes.size()),
                                         .sys_flag        = kind.compressed ? protocol::flags_of(*kind.compressed) : 0,
                                         .born_timestamp  = some_time,
                                         .store_timestamp = some_time + 1,
                                         .born_host       = rocketpush::host_address(loopback, 40000),
                                         .store_host      = rocketpush::host_address(loopback, 10911)});
    }
    return records;
}

} // namespace bench

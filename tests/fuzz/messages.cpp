// The body of an answer to a pull: stored messages of both versions, inner batches, compressed bodies. What is found lies in the
// body or among the inflated bytes, every accessor can be called on it, an owning copy says the same, and damage is told within
// the body. A few bytes do not become more memory than the limits allow.
//
// Input: a byte of flags (1: check checksums, 2: inflate, 4: store again what was found), a byte that chooses the limit of an
// inflated body, the body.

#include <rocketpush/core/message.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/message_encoder.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/fuzz/support/fuzz_input.hpp"
#include "tests/fuzz/support/heap_watch.hpp"

using namespace rocketpush;
using rocketpush::test::must;

namespace {

/// Reads everything that a message has, so that the sanitizers see it.
std::string tell_all(message_view message) {
    std::string all;
    const auto add = [&all](std::string_view text) { all.append(text).push_back('|'); };
    add(message.topic());
    add(message.full_topic());
    add(message.stored_topic());
    add(message.body());
    add(message.tags().value_or("none"));
    add(message.keys().value_or("none"));
    for (const auto& [name, value] : message.properties()) {
        add(name);
        add(value);
    }
    add(message.message_id());
    add(message.offset_message_id());
    add(message.original_message_id());
    add(message.born_host().to_string());
    add(message.store_host().to_string());
    for (const std::int64_t number :
         {std::int64_t{message.queue_id()}, message.queue_offset(), message.commit_log_offset(), message.min_offset(),
          message.max_offset(), std::int64_t{message.born_timestamp().time_since_epoch().count()},
          std::int64_t{message.store_timestamp().time_since_epoch().count()}, std::int64_t{message.flag()},
          std::int64_t{message.sys_flag()}, std::int64_t{message.reconsume_times()}, std::int64_t{message.body_crc()}})
        add(std::to_string(number));
    return all;
}

/// A message that was found, as a broker would store it again.
protocol::stored_message stored_again(message_view message) {
    return {.topic             = message.stored_topic(),
            .body              = message.body(),
            .properties        = message.raw_properties(),
            .queue_id          = message.queue_id(),
            .flag              = message.flag(),
            .queue_offset      = message.queue_offset(),
            .commit_log_offset = message.commit_log_offset(),
            .sys_flag          = 0,
            .born_host         = message.born_host(),
            .store_host        = message.store_host(),
            .reconsume_times   = message.reconsume_times()};
}

void check_stored_again(message_view message, const detail::message_origin& origin) {
    std::string bytes;
    protocol::append_stored_message(bytes, stored_again(message));
    detail::byte_arena arena;
    std::vector<detail::message_fields> found;
    protocol::decode_messages(bytes, origin, {}, arena, found, [](std::error_code, std::string_view, std::int64_t) {
        must(false, "a message that was stored can be read");
    });
    must(found.size() == 1, "a message that was stored is one message");
    const message_view again(found.front());
    must(again.body() == message.body() && again.stored_topic() == message.stored_topic() &&
             again.raw_properties() == message.raw_properties() && again.queue_offset() == message.queue_offset() &&
             again.born_host() == message.born_host() && again.reconsume_times() == message.reconsume_times(),
         "a message that was stored is as it was");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::fuzz_input input(data, size);
    constexpr std::size_t limits[] = {100, 4096, 100'000, 1u << 20};
    const auto flags               = input.byte();
    const protocol::decode_options options{.check_crc     = (flags & 1) != 0,
                                           .decompress    = (flags & 2) != 0,
                                           .max_body_size = limits[input.below(std::size(limits))]};
    const test::exact_bytes bytes(input.rest());
    const auto body = bytes.view();

    const message_queue queue{"orders", "broker-a", -1};
    const detail::message_origin origin{&queue, "%RETRY%billing", 0, 100, ""};
    detail::byte_arena inflated;
    std::vector<detail::message_fields> found;
    std::size_t bad = 0;
    protocol::message_decoder decoder(options);
    const test::heap_watch heap;
    decoder.decode(body, origin, inflated, found, [&](std::error_code why, std::string_view record, std::int64_t offset) {
        ++bad;
        must(static_cast<bool>(why), "what is bad has a reason");
        must(test::lies_in(record, body), "what is bad lies in the body");
        must(offset >= -1, "an offset is known or -1");
    });
    constexpr std::size_t workspace = std::size_t{16} << 20; // of the libraries
    must(heap.most() <= workspace + 64 * body.size() + 4 * (options.enough_inflated + options.max_body_size) +
                            (options.enough_inflated + options.max_body_size) / protocol::batch_message_smallest * 256,
         "what an answer takes is bounded, however much its bodies would inflate to");
    must(bad <= body.size() / 8 + 1, "each bad record has bytes of its own");

    std::size_t described = 0;
    for (const auto& each : found) {
        const message_view message(each);
        must(message.queue_offset() >= 0 && message.queue_offset() + 1 > 0, "there is an offset behind each message's");
        must(each.record >= body.data() && each.record + detail::message_layout::smallest <= body.data() + body.size(),
             "a record lies in the body");
        must(test::lies_in(message.stored_topic(), body), "a topic lies in the body");
        if (!test::lies_in(message.body(), body))
            must(message.body().size() <= options.max_body_size, "an inflated body keeps the limit");
        // Copies and texts of the first few: an answer may have very many.
        if (++described > 64)
            continue;
        const auto said = tell_all(message);
        const rocketpush::message copy(message);
        must(tell_all(*copy) == said, "an owning copy says the same");
        if ((flags & 4) != 0 && (message.sys_flag() & sys_flags::compressed) == 0 &&
            message.stored_topic().size() <= 32767)
            check_stored_again(message, origin);
    }
    return 0;
}

// What a pop's answer says about its messages: the three lists of its header, and receipts in messages' properties. A receipt that
// can be read is written to the same; every message gets one; hostile lists cost no more than they are long.
//
// Input: three long texts (start offsets, message offsets, order counts), a byte (the pop's time), the body of the answer; the first
// text is also read as a receipt.

#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/pop_offsets.hpp>
#include <rocketpush/protocol/pop_receipts.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/fuzz/support/fuzz_input.hpp"

using namespace rocketpush;
using namespace rocketpush::protocol;
using rocketpush::test::must;

namespace {

void check_receipt(std::string_view text) {
    const auto receipt = parse_receipt(text);
    if (!receipt)
        return;
    must(test::lies_in(receipt->broker_name, text) && !receipt->broker_name.empty(), "a receipt names its broker");
    must(receipt->start_offset >= 0 && receipt->queue_id >= 0 && receipt->queue_offset >= -1,
         "numbers of a receipt are not negative");
    static_cast<void>(receipt->deadline());
    const auto written = to_string(*receipt);
    const auto again   = parse_receipt(written);
    must(again && *again == *receipt && to_string(*again) == written, "a receipt is written and read to the same");
    if (receipt->queue_offset < 0)
        return; // of a very old broker, which does not change it
    const auto changed = changed_receipt(*receipt, {.pop_time = 7, .invisible_millis = 8, .revive_queue_id = 9});
    must(parse_receipt(to_string(changed)).has_value(), "a changed receipt can be read");
}

void check_list(std::string_view list) {
    std::size_t entries = 0, values = 0;
    const bool whole = read_pop_list(list, [&](const pop_list_entry& entry) {
        ++entries;
        must(test::lies_in(entry.place, list) && test::lies_in(entry.values, list), "entries lie in their list");
        pop_list_values each(entry.values);
        while (const auto value = each.next()) {
            must(*value >= 0, "offsets are not negative");
            ++values;
        }
        return true;
    });
    must(entries + values <= list.size() + 1, "entries and values have characters");
    must(!whole || list.empty() || entries != 0, "a list has entries");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static receipt_maker maker; // kept, as a consumer keeps it
    test::fuzz_input input(data, size);
    const test::exact_bytes starts(input.long_text()), offsets(input.long_text()), counts(input.long_text());
    const auto pop_time = std::int64_t{input.byte()};
    const test::exact_bytes body(input.rest());

    check_receipt(starts);
    for (const auto list : {starts.view(), offsets.view(), counts.view()})
        check_list(list);

    const message_queue queue{"orders", "broker-a", -1};
    const detail::message_origin origin{&queue, "%RETRY%billing", -1, -1, ""};
    detail::byte_arena inflated;
    std::vector<detail::message_fields> messages;
    decode_messages(body, origin, {.check_crc = false, .max_body_size = 100'000}, inflated, messages,
                    [](std::error_code, std::string_view, std::int64_t) {});
    std::vector<receipt_handle> receipts;
    const pop_response answer{.pop_time        = pop_time,
                              .start_offsets   = starts,
                              .message_offsets = offsets,
                              .order_counts    = counts};
    const auto unknown = maker.make(answer, "broker-a", messages, receipts);
    if (!unknown) {
        must(unknown.error() == error::header_malformed, "a list that is none is malformed");
        return 0;
    }
    must(receipts.size() == messages.size(), "every message gets a receipt");
    must(*unknown <= messages.size(), "no more are unknown than there are");
    for (std::size_t i = 0; i < messages.size() && i < 64; ++i) {
        const auto& receipt = receipts[i];
        must(receipt.queue_id >= 0 && receipt.start_offset >= 0 && receipt.queue_offset >= -1,
             "numbers of a receipt are not negative");
        must(parse_receipt(to_string(receipt)).has_value(), "a receipt that was made can be read");
        must(times_delivered(counts, receipt.queue_id, receipt.queue_offset) >= 0, "counts are not negative");
        if (i != 0 && messages[i].record == messages[i - 1].record)
            must(receipt == receipts[i - 1], "messages of one inner batch share a receipt");
    }
    return 0;
}

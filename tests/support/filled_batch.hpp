#ifndef ROCKETPUSH_TESTS_SUPPORT_FILLED_BATCH_HPP
#define ROCKETPUSH_TESTS_SUPPORT_FILLED_BATCH_HPP

#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/protocol/message_decoder.hpp>
#include <rocketpush/protocol/message_encoder.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace rocketpush::test {

/// The queue that batches of `fill` come from.
inline const message_queue& orders_queue() {
    static const message_queue queue{"orders", "broker-a", 3};
    return queue;
}

/// Fills `batch` as a pull would: with messages as a broker stores them, of which `end` is the queue's next.
template <bool Concurrent>
void fill_stored(pulled_batch<Concurrent>& batch, detail::block_pool& pool, const std::string& bytes, queue_offset end) {
    batch.origin     = {&orders_queue(), "%RETRY%billing", 0, end};
    batch.frame      = pool.take(bytes.size() + 1);
    batch.frame_size = bytes.size();
    std::memcpy(batch.frame.data(), bytes.data(), bytes.size());
    protocol::message_decoder decoder(protocol::decode_options{});
    decoder.decode({batch.frame.data(), bytes.size()}, batch.origin, batch.inflated, batch.messages,
                   [](std::error_code, std::string_view, queue_offset) {});
    batch.prepare();
}

/// The same with one message at each offset, whose body is the offset in digits.
template <bool Concurrent>
void fill(pulled_batch<Concurrent>& batch, detail::block_pool& pool, const std::vector<queue_offset>& offsets) {
    std::string bytes;
    for (const auto offset : offsets) {
        const auto body = std::to_string(offset);
        protocol::append_stored_message(bytes, {.topic             = orders_queue().topic,
                                                .body              = body,
                                                .queue_id          = orders_queue().queue_id,
                                                .queue_offset      = offset,
                                                .commit_log_offset = offset * 1000});
    }
    fill_stored(batch, pool, bytes, offsets.empty() ? 0 : offsets.back() + 1);
}

/// `count` offsets from `first` on.
inline std::vector<queue_offset> offsets(queue_offset first, int count) {
    std::vector<queue_offset> made;
    for (int i = 0; i < count; ++i) made.push_back(first + i);
    return made;
}

} // namespace rocketpush::test

#endif

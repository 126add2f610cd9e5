#ifndef BENCH_SUPPORT_CANNED_MESSAGES_HPP
#define BENCH_SUPPORT_CANNED_MESSAGES_HPP

#include <rocketpush/protocol/compression.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What the stored messages are like.
struct message_kind {
    std::size_t body_size = 128;   ///< Bytes, before compression.
    bool properties       = false; ///< Three of the user's, besides what every producer sets: UNIQ_KEY and WAIT.
    bool tagged           = false; ///< TAGS=paid.
    std::optional<rocketpush::protocol::compression> compressed{};
};

/// The body of a pull answer: stored messages of one queue, and where each begins.
struct canned_records {
    std::string bytes;
    std::vector<std::size_t> starts;

    /// Makes them the messages from `first` on.
    void renumber(std::int64_t first) noexcept;
};

/// `count` messages with consecutive offsets, none like the other.
/// @throw std::runtime_error  This build lacks the compression.
canned_records make_records(std::string_view topic, std::int32_t queue_id, std::size_t count, const message_kind& kind);

/// Text as services send it, so that it compresses as such text does; `number` makes it another.
std::string make_body(std::size_t size, std::size_t number);

/// Properties in their stored form.
std::string make_properties(const message_kind& kind, std::size_t number);

} // namespace bench

#endif

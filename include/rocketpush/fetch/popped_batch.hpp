#ifndef ROCKETPUSH_FETCH_POPPED_BATCH_HPP
#define ROCKETPUSH_FETCH_POPPED_BATCH_HPP

#include <rocketpush/core/message.hpp>
#include <rocketpush/fetch/pulled_batch.hpp>
#include <rocketpush/protocol/receipt_handle.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rocketpush {

/**
 * @brief When the invisible time of a message that is still being consumed is renewed, and when it is too late.
 *
 * Renewed when half of it has passed, but not more than once a second.
 */
struct receipt_times {
    using time_point   = std::chrono::steady_clock::time_point;
    using milliseconds = std::chrono::milliseconds;

    static constexpr milliseconds longest{24 * 3600 * 1000};
    static constexpr milliseconds shortest_renewal{1000};

    time_point renew_at{};
    time_point expires_at{};

    /// @param since  When the receipt came, or earlier. @param invisible_millis  As a broker says it: any number.
    static constexpr receipt_times of(time_point since, std::int64_t invisible_millis) noexcept {
        const milliseconds hidden(std::clamp<std::int64_t>(invisible_millis, 0, longest.count()));
        return {since + std::max(hidden / 2, shortest_renewal), since + hidden};
    }
    constexpr time_point next() const noexcept { return std::min(renew_at, expires_at); }
};

/// One stored message of a pop: what is acknowledged as a whole. An inner batch is one, with several messages.
struct popped_record {
    enum class step : std::uint8_t {
        held, ///< Its receipt is valid, and nothing is on its way to the broker.
        busy, ///< A request about it is under way.
        ended ///< Acknowledged, handed back, or given up.
    };

    protocol::receipt_handle receipt;
    receipt_times times{};
    std::uint32_t first = 0; ///< Place of its first message in the batch; of a condemned one in `condemned`.
    std::uint32_t count = 0; ///< Messages that the listener gets; the filter may have left none.
    step at             = step::held;
    bool condemned      = false; ///< No listener gets it: it came too often, or cannot be read.
};

/**
 * @brief The messages of one answer to a pop, each with its receipt. Runners see no difference to a pulled batch.
 *
 * The receipts are the strand's. They and the messages view the frame, which stays until the last record has ended.
 */
template <bool Concurrent>
struct popped_batch : pulled_batch<Concurrent> {
    std::vector<popped_record> records;
    std::vector<detail::message_fields> condemned;
    std::size_t open = 0;                         ///< Records that have not ended.
    std::chrono::steady_clock::time_point came{}; ///< When the answer came.

    popped_batch() { this->popped = true; }

    /// How far the messages of a record are: failed if one is and all were seen to.
    message_progress progress_of(const popped_record& record) const noexcept {
        auto found = message_progress::finished;
        for (auto i = record.first; i < record.first + record.count; ++i) {
            const auto each = this->progress(i);
            if (each == message_progress::unfinished)
                return each;
            if (each != message_progress::finished)
                found = message_progress::failed;
        }
        return found;
    }
    /// The delay level of the first message of a record that failed.
    int delay_level_of(const popped_record& record) const noexcept {
        for (auto i = record.first; i < record.first + record.count; ++i)
            if (this->progress(i) != message_progress::finished)
                return this->delay_level(i);
        return 0;
    }
    /// Whether a request about one of its records is under way.
    bool busy() const noexcept {
        return std::ranges::any_of(records, [](const auto& each) { return each.at == popped_record::step::busy; });
    }
    /// A message of a record, to tell of it.
    message_view view_of(const popped_record& record) const noexcept {
        return message_view(record.condemned ? condemned[record.first] : this->messages[record.first]);
    }

    /// Makes it ready for another pop; keeps capacities.
    void clear() noexcept {
        records.clear();
        condemned.clear();
        open = 0;
        pulled_batch<Concurrent>::clear();
    }
};

} // namespace rocketpush

#endif

#ifndef BENCH_REPLAY_CASES_HPP
#define BENCH_REPLAY_CASES_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "bench/support/canned_messages.hpp"

namespace bench {

enum class listener_kind : std::uint8_t { message, span, awaitable, orderly };
enum class executor_kind : std::uint8_t { inline_, pool };
enum class transport_kind : std::uint8_t { canned, memory };
enum class reading_kind : std::uint8_t { pulled, popped };

/// One consumer and the messages that it gets.
struct replay_case {
    std::string_view name;
    executor_kind executor;
    listener_kind listener;
    std::size_t consume_batch;
    message_kind messages;
    transport_kind transport = transport_kind::canned;
    reading_kind reading     = reading_kind::pulled;
    bool traced              = false; ///< With message trace.
};

std::span<const replay_case> all_cases() noexcept;

/// Null if there is none of this name.
const replay_case* find_case(std::string_view name) noexcept;

} // namespace bench

#endif

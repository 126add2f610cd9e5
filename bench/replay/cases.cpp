#include "bench/replay/cases.hpp"

#include <algorithm>

namespace bench {

namespace {

using rocketpush::protocol::compression;
using enum listener_kind;
using enum executor_kind;

constexpr message_kind small{.body_size = 128};
constexpr message_kind tagged{.body_size = 128, .tagged = true}; // and the consumer asks for the tag
constexpr message_kind large{.body_size = 1024, .properties = true};

constexpr message_kind large_as(compression kind) noexcept {
    auto compressed       = large;
    compressed.compressed = kind;
    return compressed;
}

// clang-format off
constexpr replay_case cases[] = {
    {"inline-128",           inline_, message,   1,  small},
    {"inline-128-batch",     inline_, span,      32, small},
    {"inline-128-tags",      inline_, message,   1,  tagged},
    {"inline-128-awaitable", inline_, awaitable, 1,  small},
    {"inline-128-orderly",   inline_, orderly,   1,  small},
    {"inline-128-pop",       inline_, message,   1,  small, transport_kind::canned, reading_kind::popped},
    {"inline-1k",            inline_, message,   1,  large},
    {"inline-1k-batch",      inline_, span,      32, large},
    {"inline-1k-zlib",       inline_, message,   1,  large_as(compression::zlib)},
    {"inline-1k-lz4",        inline_, message,   1,  large_as(compression::lz4)},
    {"inline-1k-zstd",       inline_, message,   1,  large_as(compression::zstd)},
    {"inline-128-traced",    inline_, message,   1,  small, transport_kind::canned, reading_kind::pulled, true},
    {"inline-128-traced-batch", inline_, span,   32, small, transport_kind::canned, reading_kind::pulled, true},
    {"inline-128-memory",    inline_, message,   1,  small, transport_kind::memory},
    {"pool-128",             pool,    message,   1,  small},
    {"pool-128-batch",       pool,    span,      32, small},
    {"pool-128-tags",        pool,    message,   1,  tagged},
    {"pool-128-awaitable",   pool,    awaitable, 1,  small},
    {"pool-128-orderly",     pool,    orderly,   1,  small},
    {"pool-128-pop",         pool,    message,   1,  small, transport_kind::canned, reading_kind::popped},
    {"pool-1k",              pool,    message,   1,  large},
    {"pool-1k-zstd",         pool,    message,   1,  large_as(compression::zstd)},
};
// clang-format on

} // namespace

std::span<const replay_case> all_cases() noexcept { return cases; }

const replay_case* find_case(std::string_view name) noexcept {
    const auto found = std::ranges::find(cases, name, &replay_case::name);
    return found == std::end(cases) ? nullptr : found;
}

} // namespace bench

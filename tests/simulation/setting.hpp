#ifndef ROCKETPUSH_TESTS_SIMULATION_SETTING_HPP
#define ROCKETPUSH_TESTS_SIMULATION_SETTING_HPP

#include <rocketpush/core/options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/simulation/chance.hpp"
#include "tests/simulation/member.hpp"

namespace rocketpush::simulation {

/// What the seed makes of a world: everything that stays as it is while it runs.
struct setting {
    consuming how{};
    int members = 2, brokers = 1, name_servers = 1, topics = 1, queues = 4;
    bool calm          = false; ///< Nothing fails: members only come and leave in good order, and nothing may come twice.
    bool slaves        = false; ///< Each broker has one.
    bool version_4     = false; ///< Brokers are 4.9.7.
    bool same_identity = false; ///< Who comes after a member that went has its client id.
    std::size_t consume_batch = 1, pull_batch = 32, max_cached = 1000, consumer_bytes = 512u << 20;
    std::size_t largest_body = 16;
    std::int64_t max_span    = 2000;
    bad_message when_bad = bad_message::skip;
    std::chrono::milliseconds commit_interval{5000}, longest_call{0}, send_interval{100};
    /// Of listener calls: how often they ask for a retry, succeed in part, throw, never end.
    double later = 0, part = 0, thrown = 0, never = 0;
};

setting draw_setting(chance& dice);

/// In a line.
std::string describe(const setting& made);

/// What a member is told; its name servers and who it is are the caller's to add.
options options_of(const setting& made);

} // namespace rocketpush::simulation

#endif

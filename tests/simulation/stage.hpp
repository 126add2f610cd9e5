#ifndef ROCKETPUSH_TESTS_SIMULATION_STAGE_HPP
#define ROCKETPUSH_TESTS_SIMULATION_STAGE_HPP

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/setting.hpp"
#include "tests/simulation/world.hpp"

namespace rocketpush::simulation {

constexpr auto group = "g"; ///< Every member is of it.

/// What all parts of a world share: its time, its network, its chance, what is to happen later, and what is written down.
class stage {
  public:
    explicit stage(const plan& of)
        : what(of), dice(of.seed), runtime(of.seed), net(std::make_shared<network>(runtime, of.seed ^ 0x5eed)),
          made(draw_setting(dice)) {}

    /// A line of the trace.
    template <class... Arguments>
    void note(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
        const auto since = std::chrono::duration_cast<std::chrono::microseconds>(runtime.now() - begun).count();
        line_.clear();
        fmt::format_to(std::back_inserter(line_), "{}.{:06} ", since / 1'000'000, since % 1'000'000);
        fmt::format_to(std::back_inserter(line_), text, std::forward<Arguments>(arguments)...);
        for (const char each : line_)
            hash_ = (hash_ ^ static_cast<unsigned char>(each)) * 0x100000001b3;
        if (what.trace)
            what.trace(line_);
    }
    std::uint64_t hash() const noexcept { return hash_; }

    /// A promise was broken; the first one counts. It is thrown when nothing of a member is under way.
    void broken(std::string promise) {
        if (!broken_)
            broken_ = violation{std::move(promise)};
    }
    void throw_if_broken() const {
        if (broken_)
            throw *broken_;
    }

    void after(std::chrono::milliseconds time, std::function<void()> then) { later_.emplace(runtime.now() + time, std::move(then)); }

    /// Lets time go by, and what is due happen.
    void pass(std::chrono::milliseconds time) {
        const auto end = runtime.now() + time;
        while (!later_.empty() && later_.begin()->first <= end) {
            const auto due  = later_.begin();
            const auto then = std::move(due->second);
            const auto at   = due->first;
            later_.erase(due);
            runtime.advance(std::max(duration(0), at - runtime.now()));
            throw_if_broken();
            then();
        }
        runtime.advance(end - runtime.now());
        throw_if_broken();
    }

    /// The line of a machine is so for some time: mostly less than a minute, at times longer than locks and members last at a broker.
    /// Nothing happens to one that is not open.
    void disturb(const std::string& host, line_state how) {
        using std::chrono::milliseconds;
        if (net->state(host) != line_state::open)
            return;
        note("the line of {} is {}", host, name_of(how));
        net->set(host, how);
        const auto longest = dice.one_of({milliseconds(60'000), milliseconds(60'000), milliseconds(240'000)});
        after(dice.between(milliseconds(100), longest), [this, host, how] {
            if (net->state(host) == how)
                net->set(host, line_state::open);
        });
    }

    const plan& what;
    chance dice;
    manual_runtime runtime;
    std::shared_ptr<network> net;
    const setting made;
    time_point begun = runtime.now();
    bool peace = false; ///< The faults have ended.
    bool quiet = false; ///< The world ends: nothing counts any more.

  private:
    std::multimap<time_point, std::function<void()>> later_;
    std::optional<violation> broken_;
    std::string line_;
    std::uint64_t hash_ = 0xcbf29ce484222325;
};

} // namespace rocketpush::simulation

#endif

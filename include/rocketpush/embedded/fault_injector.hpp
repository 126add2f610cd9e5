#ifndef ROCKETPUSH_EMBEDDED_FAULT_INJECTOR_HPP
#define ROCKETPUSH_EMBEDDED_FAULT_INJECTOR_HPP

#include <rocketpush/embedded/fault.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace rocketpush::embedded {

/**
 * @brief The faults that were asked for, and how often each has hit.
 *
 * @par Thread safety  None.
 */
class fault_injector {
  public:
    /// @param seed  Of the chances that rates are drawn from: one seed, one sequence.
    explicit fault_injector(std::uint64_t seed) noexcept : state_(seed) {}

    /// Whether any fault may still hit.
    bool active() const noexcept { return active_ != 0; }

    /// Adds a fault that has no problem.
    fault_id add(fault wanted) {
        const auto id = next_id_++;
        active_ += wanted.times > 0 ? 1U : 0U;
        entries_.emplace(id, entry{std::move(wanted)});
        return id;
    }

    /// @return Whether it was there.
    bool clear(fault_id id) {
        const auto found = entries_.find(id);
        if (found == entries_.end())
            return false;
        active_ -= found->second.used_up() ? 0U : 1U;
        entries_.erase(found);
        return true;
    }

    void clear_all() {
        entries_.clear();
        active_ = 0;
    }

    /// Requests that a fault has hit, also when it will hit no more; 0 when it was cleared.
    std::size_t hits(fault_id id) const {
        const auto found = entries_.find(id);
        return found == entries_.end() ? 0 : found->second.hits;
    }

    /// Finds what happens to a request, and counts it. @param fits  Whether the request is one that the fault means.
    /// @return Null: nothing does. Valid until the faults change.
    template <std::predicate<const fault&> Fits>
    const fault_action::any* take(Fits&& fits) {
        for (auto& [id, one] : entries_) {
            if (one.used_up() || !fits(one.wanted))
                continue;
            if (one.wanted.skip > one.spared) {
                ++one.spared;
                continue;
            }
            if (one.wanted.rate < 1 && !(draw() < one.wanted.rate))
                continue;
            ++one.hits;
            active_ -= one.used_up() ? 1U : 0U;
            return &one.wanted.action;
        }
        return nullptr;
    }

  private:
    struct entry {
        fault wanted;
        std::size_t spared = 0;
        std::size_t hits   = 0;

        bool used_up() const noexcept { return hits >= wanted.times; }
    };

    /// From 0 to less than 1. SplitMix64: <random> is slow to compile.
    double draw() noexcept {
        auto mixed = state_ += 0x9E3779B97F4A7C15U;
        mixed      = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
        mixed      = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
        mixed ^= mixed >> 31;
        return static_cast<double>(mixed >> 11) * 0x1.0p-53;
    }

    std::uint64_t state_;
    fault_id next_id_   = 1;
    std::size_t active_ = 0;
    std::map<fault_id, entry> entries_;
};

} // namespace rocketpush::embedded

#endif

#ifndef ROCKETPUSH_DEMO_TALLY_HPP
#define ROCKETPUSH_DEMO_TALLY_HPP

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace demo {

/**
 * @brief Which messages of this run have been consumed, and how often: the numbers that the summary checks.
 *
 * A body is `RUN NUMBER`, so messages of an earlier run on the same topic are told apart.
 *
 * @par Thread safety  All from any thread.
 */
class tally {
  public:
    tally(std::string run, std::size_t messages) : run_(std::move(run)), seen_(messages) {}

    std::string body(std::size_t number) const { return run_ + ' ' + std::to_string(number); }

    void consumed(std::string_view body) {
        std::size_t number = 0;
        if (!body.starts_with(run_) || body.size() < run_.size() + 2)
            return;
        const auto digits    = body.substr(run_.size() + 1);
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (ec != std::errc() || number >= seen_.size())
            return;
        if (seen_[number].exchange(true))
            ++duplicates_;
        else
            ++distinct_;
    }

    std::uint64_t distinct() const noexcept { return distinct_.load(); }
    std::uint64_t duplicates() const noexcept { return duplicates_.load(); }
    /// Of the first `sent` messages, those that nobody consumed.
    std::uint64_t missing(std::size_t sent) const {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < sent && i < seen_.size(); ++i)
            sum += seen_[i].load() ? 0 : 1;
        return sum;
    }

  private:
    std::string run_;
    std::vector<std::atomic<bool>> seen_;
    std::atomic<std::uint64_t> distinct_{0}, duplicates_{0};
};

} // namespace demo

#endif

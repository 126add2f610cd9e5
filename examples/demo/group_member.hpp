#ifndef ROCKETPUSH_DEMO_GROUP_MEMBER_HPP
#define ROCKETPUSH_DEMO_GROUP_MEMBER_HPP

#include <rocketpush/observe/statistics.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "news.hpp"
#include "tally.hpp"

namespace demo {

/// A consumer of the demo's group. What it is made of is in group_member.cpp: the one place that compiles the library's templates.
class group_member {
  public:
    /// @param counted, told  Outlive it.
    group_member(std::string name, const std::string& name_servers, const std::string& group, const std::string& topic,
                 tally& counted, news& told);
    ~group_member();

    const std::string& name() const noexcept { return name_; }
    std::error_code start();
    /// Ends its listener calls, commits, and leaves the group; its queues go to the others.
    std::error_code leave();
    bool has_left() const noexcept { return left_; }
    /// Messages, as its listener has seen them.
    std::uint64_t consumed() const noexcept { return consumed_.load(); }
    /// None before the start and after the end.
    std::optional<rocketpush::consumer_statistics> statistics();

  private:
    struct assembly;

    std::string name_;
    std::atomic<std::uint64_t> consumed_{0};
    std::unique_ptr<assembly> assembly_; ///< Its listener uses the above.
    bool left_ = false;
};

} // namespace demo

#endif

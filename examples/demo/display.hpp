#ifndef ROCKETPUSH_DEMO_DISPLAY_HPP
#define ROCKETPUSH_DEMO_DISPLAY_HPP

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "group_member.hpp"
#include "news.hpp"

namespace demo {

/// How far the producer is.
struct sending {
    std::uint64_t sent = 0, wanted = 0;
};

/**
 * @brief What happens, on standard output: on a terminal a block of lines that is drawn over itself, else a line a second,
 *        and the news as they come.
 */
class display {
  public:
    display(const news& told, bool terminal) : told_(told), terminal_(terminal) {}

    /// Call it often; it draws when there is something to draw.
    void tick(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members,
              std::uint64_t duplicates);
    /// The last state stays; what is printed next comes below it.
    void end(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members,
             std::uint64_t duplicates);

  private:
    using clock = std::chrono::steady_clock;

    struct row {
        std::string queues;
        std::uint64_t consumed = 0, rate = 0, lag = 0;
        bool left = false;
    };

    void take(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members, double seconds);
    void draw(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members,
              std::uint64_t duplicates);
    void print(const sending& producer, const std::vector<std::unique_ptr<group_member>>& members);
    void print_news();

    const news& told_;
    bool terminal_;
    clock::time_point taken_ = clock::now();
    std::vector<row> rows_;
    std::uint64_t sent_ = 0, send_rate_ = 0;
    std::size_t drawn_lines_ = 0, told_lines_ = 0;
};

} // namespace demo

#endif

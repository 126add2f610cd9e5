#ifndef ROCKETPUSH_EMBEDDED_REQUEST_MODES_HPP
#define ROCKETPUSH_EMBEDDED_REQUEST_MODES_HPP

#include <rocketpush/core/names.hpp>
#include <rocketpush/protocol/bodies_assignment.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush::embedded {

/// How a group reads a topic.
struct reading_mode {
    protocol::request_mode mode = protocol::request_mode::pull;
    /// With POP: beside its own queues a member gets those of so many others; 0 or less: all queues.
    std::int32_t shared_queues = -1;

    friend bool operator==(const reading_mode&, const reading_mode&) = default;
};

/**
 * @brief How groups read topics, as they were told.
 * @par Source  Java `MessageRequestModeManager`.
 */
class request_modes {
  public:
    explicit request_modes(reading_mode otherwise = {}) noexcept : otherwise_(otherwise) {}

    void set(std::string topic, std::string group, reading_mode mode) {
        modes_[{std::move(topic), std::move(group)}] = mode;
    }

    /// What was set, or else the broker's default; retry topics are pulled.
    reading_mode find(std::string_view topic, std::string_view group) const {
        if (const auto found = modes_.find({std::string(topic), std::string(group)}); found != modes_.end())
            return found->second;
        return is_retry_topic(topic) ? reading_mode{} : otherwise_;
    }

  private:
    std::map<std::pair<std::string, std::string>, reading_mode> modes_;
    reading_mode otherwise_;
};

} // namespace rocketpush::embedded

#endif

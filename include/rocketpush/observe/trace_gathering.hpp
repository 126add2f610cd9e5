#ifndef ROCKETPUSH_OBSERVE_TRACE_GATHERING_HPP
#define ROCKETPUSH_OBSERVE_TRACE_GATHERING_HPP

#include <rocketpush/core/property_names.hpp>
#include <rocketpush/observe/trace_book.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush {

/// Trace records of one topic, as they go out together.
struct trace_message {
    std::string topic; ///< That the records are about.
    std::string body{};
    std::string keys{};      ///< As `trace_context::keys`.
    std::uint64_t count = 0; ///< Records.
};

/**
 * @brief Puts trace contexts together to messages: one for each topic, unless one gets too long.
 * @par Source  Java `AsyncTraceDispatcher.AsyncDataSendTask`. Differs: a message is full before it passes the limit, and not
 *              just after; its keys have a limit too, since properties longer than 32767 bytes are refused.
 */
class trace_gathering {
  public:
    /// @param limit  Bytes of a body; passed only by a single context that is longer.
    explicit trace_gathering(std::size_t limit) noexcept : limit_(limit) {}

    /// @return A message that is full.
    std::optional<trace_message> add(const trace_context& context) {
        std::optional<trace_message> full;
        if (context.count == 0) // its writer ran out of memory
            return full;
        auto found = std::ranges::find(messages_, context.topic, &trace_message::topic);
        if (found == messages_.end())
            found = messages_.insert(found, trace_message{.topic = context.topic});
        if (!found->body.empty() && (found->body.size() + context.records.size() > limit_ ||
                                     found->keys.size() + context.keys.size() > key_limit))
            full = std::exchange(*found, trace_message{.topic = context.topic});
        found->body += context.records;
        found->keys += context.keys;
        found->count += context.count;
        return full;
    }

    std::vector<trace_message> take_all() { return std::exchange(messages_, {}); }

  private:
    static constexpr std::size_t key_limit = 30'000; ///< Bytes, those that come twice counted twice.

    std::size_t limit_;
    std::vector<trace_message> messages_; ///< A consumer has few topics.
};

/**
 * @brief The properties of a trace message: the keys that it is found by, each once, and its own id.
 *
 * What does not fit is left out; the records have it all the same.
 *
 * @param keys  A space after each.
 */
inline std::string trace_properties(std::string_view keys, std::string_view unique_id) {
    constexpr std::size_t most = protocol::most_property_bytes - 1024; // the broker adds its own
    std::vector<std::string_view> each;
    for (std::size_t at = 0; at < keys.size();) {
        const auto end = std::min(keys.find(' ', at), keys.size());
        if (end > at)
            each.push_back(keys.substr(at, end - at));
        at = end + 1;
    }
    std::ranges::sort(each);
    const auto twice = std::ranges::unique(each);
    each.erase(twice.begin(), twice.end());
    std::string joined;
    for (const auto& key : each)
        if (joined.size() + key.size() < most)
            (joined += joined.empty() ? "" : " ") += key;
    std::string properties;
    protocol::append_property(properties, property_names::keys, joined);
    protocol::append_property(properties, property_names::unique_key, unique_id);
    protocol::append_property(properties, property_names::wait_store, "true");
    return properties;
}

} // namespace rocketpush

#endif

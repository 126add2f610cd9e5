#ifndef ROCKETPUSH_EMBEDDED_FAULTY_ANSWERS_HPP
#define ROCKETPUSH_EMBEDDED_FAULTY_ANSWERS_HPP

#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/embedded/fault.hpp>
#include <rocketpush/embedded/outbox.hpp>
#include <rocketpush/protocol/command.hpp>
#include <rocketpush/protocol/frame.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush::embedded {

/// Appends an answer whose fields are only texts; in JSON, whichever encoding was asked for.
inline void append_free_answer(std::string& out, const fault_action::refuse& answer, std::int32_t opaque,
                               std::int32_t version) {
    namespace wire   = rocketpush::detail;
    const auto begin = wire::begin_frame(out);
    wire::append_json_header(out, static_cast<std::int32_t>(answer.code),
                             {.opaque = opaque, .flag = protocol::response_flag, .version = version}, answer.remark,
                             protocol::no_fields{});
    out.resize(out.size() - 2); // what ends the fields and the header
    for (bool first = true; const auto& [name, value] : answer.fields) {
        out.append(std::exchange(first, false) ? "\"" : ",\"");
        protocol::append_json_escaped(out, name);
        out.append("\":\"");
        protocol::append_json_escaped(out, value);
        out.push_back('"');
    }
    out.append("}}");
    wire::end_frame(out, begin, protocol::header_encoding::json, answer.body);
}

/**
 * @brief The answers that faults change on their way out: marked when the request comes, changed when its answer is written,
 *        which may be long after.
 *
 * @par Thread safety  None.
 */
class faulty_answers {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param version  What the broker says that it is.
    explicit faulty_answers(std::int32_t version) noexcept : version_(version) {}

    /// The answer to a request shall be changed.
    void mark(connection_id connection, std::int32_t opaque, const fault_action::any& action) {
        marks_.insert_or_assign({connection, opaque}, action);
    }

    /// The connection shall end as soon as possible.
    void close(connection_id connection) { closing_.push_back(connection); }

    /// An answer has been appended to `frames` at `begin`; nothing else is behind it.
    void finish(std::string& frames, std::size_t begin, connection_id connection, std::int32_t opaque) {
        if (marks_.empty()) [[likely]]
            return;
        const auto found = marks_.find({connection, opaque});
        if (found == marks_.end())
            return;
        const auto action = std::move(marks_.extract(found).mapped());
        std::visit([&](const auto& what) { change(what, frames, begin, connection, opaque); }, action);
    }

    /// Whether `settle` has to be called: what was just delayed has no time yet, or connections have to end.
    bool unsettled() const noexcept { return !fresh_.empty() || !closing_.empty(); }

    /// Gives what was delayed since the last call its time. @return The connections that have to end.
    std::vector<connection_id> settle(time_point now) {
        for (auto& one : fresh_)
            late_.emplace(now + one.time, std::move(one));
        fresh_.clear();
        return std::exchange(closing_, {});
    }

    /// When the next delayed answer goes out.
    std::optional<time_point> next_due() const {
        return late_.empty() ? std::nullopt : std::optional(late_.begin()->first);
    }

    /// Writes the delayed answers whose time has come.
    void send_due(outbox& out, time_point now) {
        while (!late_.empty() && late_.begin()->first <= now) {
            const auto one = std::move(late_.extract(late_.begin()).mapped());
            late_bytes_ -= one.frame.size();
            out.frames_to(one.connection).append(one.frame);
        }
    }

    /// The connection has ended.
    void forget(connection_id connection) {
        std::erase_if(marks_, [connection](const auto& mark) { return mark.first.first == connection; });
        std::erase_if(fresh_, [&](const auto& one) { return drop_if(one, connection); });
        std::erase_if(late_, [&](const auto& one) { return drop_if(one.second, connection); });
    }

  private:
    /// Beyond this many bytes, answers that should be late go out at once.
    static constexpr std::size_t most_late_bytes = 64 * 1024 * 1024;

    struct late_answer {
        connection_id connection;
        std::chrono::milliseconds time;
        std::string frame;
    };

    bool drop_if(const late_answer& one, connection_id connection) {
        if (one.connection != connection)
            return false;
        late_bytes_ -= one.frame.size();
        return true;
    }

    // One of these for each action that an answer can be marked with.

    void change(const fault_action::lose_answer&, std::string& frames, std::size_t begin, connection_id, std::int32_t) {
        frames.resize(begin);
    }
    void change(const fault_action::deny& what, std::string& frames, std::size_t begin, connection_id,
                std::int32_t opaque) {
        const auto encoding = protocol::parse_frame_prefix(frames.data() + begin)->encoding;
        frames.resize(begin);
        protocol::append_response(frames, encoding, what.code, opaque, "a fault that was asked for",
                                  protocol::no_fields{}, {}, version_);
    }
    void change(const fault_action::delay& what, std::string& frames, std::size_t begin, connection_id connection,
                std::int32_t) {
        const auto size = frames.size() - begin;
        if (late_bytes_ + size > most_late_bytes)
            return;
        late_bytes_ += size;
        fresh_.push_back({connection, std::min(what.time, longest_delay), frames.substr(begin)});
        frames.resize(begin);
    }
    void change(const fault_action::close_after&, std::string& frames, std::size_t begin, connection_id connection,
                std::int32_t) {
        frames.resize(begin);
        close(connection);
    }
    void change(const fault_action::answer_twice&, std::string& frames, std::size_t begin, connection_id,
                std::int32_t) {
        frames.append(frames.substr(begin));
    }
    void change(const fault_action::wrong_opaque&, std::string& frames, std::size_t begin, connection_id,
                std::int32_t opaque) {
        const auto other    = opaque ^ 0x40000000;
        const auto prefix   = protocol::parse_frame_prefix(frames.data() + begin).value();
        const auto body     = frames.substr(begin + protocol::frame_prefix_size + prefix.header_size);
        const auto header   = begin + protocol::frame_prefix_size;
        constexpr auto name = std::string_view(R"("opaque":)");
        if (prefix.encoding != protocol::header_encoding::json) {
            rocketpush::detail::store_big(frames.data() + header + 5, other); // behind code, language and version
            return;
        }
        frames.resize(header + prefix.header_size);
        // The first one is the member: inside of a text its quotes would be escaped.
        const auto number = frames.find(name, header) + name.size();
        frames.replace(number, std::to_string(opaque).size(), std::to_string(other));
        rocketpush::detail::end_frame(frames, begin, prefix.encoding, body);
    }
    void change(const fault_action::corrupt_body&, std::string& frames, std::size_t begin, connection_id,
                std::int32_t) {
        const auto prefix = protocol::parse_frame_prefix(frames.data() + begin).value();
        if (prefix.body_size == 0)
            return;
        auto& byte = frames[frames.size() - prefix.body_size + prefix.body_size / 2];
        byte       = static_cast<char>(~static_cast<unsigned char>(byte));
    }
    void change(const fault_action::damage_message&, std::string& frames, std::size_t begin, connection_id, std::int32_t) {
        namespace layout  = rocketpush::detail::message_layout;
        const auto prefix = protocol::parse_frame_prefix(frames.data() + begin).value();
        const auto middle = frames.size() - (prefix.body_size + 1) / 2;
        for (auto at = frames.size() - prefix.body_size; at + layout::smallest <= frames.size();) {
            const auto magic = rocketpush::detail::load_big<std::uint32_t>(frames.data() + at + layout::magic);
            const auto size  = rocketpush::detail::load_big<std::uint32_t>(frames.data() + at + layout::total_size);
            if ((magic != layout::magic_v1 && magic != layout::magic_v2) || size < layout::smallest)
                return;
            if (at + size > middle) {
                auto& byte = frames[at + layout::body_crc];
                byte       = static_cast<char>(~static_cast<unsigned char>(byte));
                return;
            }
            at += size;
        }
    }
    void change(const fault_action::garble&, std::string& frames, std::size_t begin, connection_id, std::int32_t) {
        frames.replace(begin, std::string::npos, "HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    template <class Other>
    void change(const Other&, std::string&, std::size_t, connection_id, std::int32_t) {
        ROCKETPUSH_ASSERT(false, "a request that is not processed has no answer to be changed");
    }

    static constexpr std::chrono::milliseconds longest_delay = std::chrono::hours(24 * 365);

    std::int32_t version_;
    std::map<std::pair<connection_id, std::int32_t>, fault_action::any> marks_;
    std::vector<late_answer> fresh_; ///< Their time runs from the next `settle` on.
    std::multimap<time_point, late_answer> late_;
    std::vector<connection_id> closing_;
    std::size_t late_bytes_ = 0;
};

} // namespace rocketpush::embedded

#endif

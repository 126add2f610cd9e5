// rocketpush 0.1.0: its name server and broker inside the process, for trials and tests; rocketpush.hpp lies beside it.
// Written by scripts/single-header from include/; change that, not this.
// SPDX-License-Identifier: Apache-2.0

#ifndef ROCKETPUSH_EMBEDDED_HPP
#define ROCKETPUSH_EMBEDDED_HPP

// The other header, for tests and trials: a name server and broker inside the process. It stands apart because a
// service that only consumes should not pay for compiling it.

// clang-format off: in one file, the broker's text follows the consumer's.
#include <rocketpush/rocketpush.hpp>
// rocketpush/embedded/broker.hpp
#ifndef ROCKETPUSH_EMBEDDED_BROKER_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_HPP

// rocketpush/embedded/broker_logic.hpp
#ifndef ROCKETPUSH_EMBEDDED_BROKER_LOGIC_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_LOGIC_HPP

// rocketpush/embedded/admin_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_ADMIN_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ADMIN_REQUESTS_HPP

// rocketpush/embedded/broker_state.hpp
#ifndef ROCKETPUSH_EMBEDDED_BROKER_STATE_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_STATE_HPP

// rocketpush/embedded/broker_options.hpp
#ifndef ROCKETPUSH_EMBEDDED_BROKER_OPTIONS_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_OPTIONS_HPP

// rocketpush/embedded/delay_schedule.hpp
#ifndef ROCKETPUSH_EMBEDDED_DELAY_SCHEDULE_HPP
#define ROCKETPUSH_EMBEDDED_DELAY_SCHEDULE_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A broker's delay levels, the first of which is level 1. @par Source  Java `messageDelayLevel`, its default.
inline std::vector<std::chrono::milliseconds> default_delay_levels() {
    using namespace std::chrono_literals;
    return {1s, 5s, 10s, 30s, 1min, 2min, 3min, 4min, 5min, 6min, 7min, 8min, 9min, 10min, 20min, 30min, 1h, 2h};
}

/**
 * @brief Which parked messages are due when. The messages lie in the commit log.
 *
 * Messages that are due at the same time come out in the order in which they were parked.
 *
 * @par Source  Java `ScheduleMessageService`.
 */
class delay_schedule {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit delay_schedule(std::vector<std::chrono::milliseconds> levels) : levels_(std::move(levels)) {
        ROCKETPUSH_ASSERT(!levels_.empty(), "there is at least one delay level");
    }

    /// The level that is meant: beyond the last one, the last one. @param level  1 or more.
    std::int32_t clamp(std::int32_t level) const noexcept {
        return std::min(level, static_cast<std::int32_t>(levels_.size()));
    }

    std::int32_t levels() const noexcept { return static_cast<std::int32_t>(levels_.size()); }

    /// @param level  From 1 to `levels()`.
    void park(std::int32_t level, time_point now, std::int64_t commit_log_offset) {
        parked_.emplace(now + levels_.at(static_cast<std::size_t>(level - 1)), commit_log_offset);
    }

    /// Commit log offset of a message whose time has come; it is parked no more.
    std::optional<std::int64_t> take_due(time_point now) {
        if (parked_.empty() || parked_.begin()->first > now)
            return std::nullopt;
        return parked_.extract(parked_.begin()).mapped();
    }

    /// When the next message is due.
    std::optional<time_point> next_due() const {
        return parked_.empty() ? std::nullopt : std::optional(parked_.begin()->first);
    }

    std::size_t size() const noexcept { return parked_.size(); }

  private:
    std::vector<std::chrono::milliseconds> levels_;
    std::multimap<time_point, std::int64_t> parked_;
};

} // namespace rocketpush::embedded

#endif

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::embedded {

/// In which header encoding answers go out.
enum class answer_encoding : std::uint8_t {
    json,      ///< Always JSON: 5.x, and 4.9.3 and older.
    as_request ///< As the question came: 4.9.4 and later 4.9.x.
};

/// Versions for `broker_options::version`. @par Source  Java `MQVersion.Version`, by ordinal.
inline constexpr std::int32_t version_4_9_7 = 407;
inline constexpr std::int32_t version_5_0_0 = 413;
inline constexpr std::int32_t version_5_5_0 = 513;

/**
 * @brief How an embedded broker behaves. The defaults are those of RocketMQ 5.5.0.
 *
 * A broker that is asked to be a 4.9.7 answers as that does where the two differ: also set `encoding` then.
 */
struct broker_options {
    endpoint listen{"127.0.0.1", 0}; ///< Port 0: the system chooses one.
    /// What clients are told to connect to, if not to where it listens: in a container, say.
    std::string advertised_host{};
    std::string name    = "broker-a";
    std::string cluster = "DefaultCluster";

    std::int32_t version     = version_5_5_0;
    answer_encoding encoding = answer_encoding::json;

    bool auto_create_topics  = true; ///< A producer may send to a topic that does not exist yet.
    std::int32_t auto_queues = 8;    ///< Most queues of a topic made that way; Java producers ask for 4.
    bool auto_create_groups  = true; ///< A group needs no `create_group` before its first heartbeat.

    std::int32_t retry_queues        = 1;  ///< Queues of a group's retry topic.
    std::int32_t max_reconsume_times = 16; ///< For clients that do not say it themselves.
    /// A short list makes retries quick in tests: level 3 is a first retry's.
    std::vector<std::chrono::milliseconds> delay_levels = default_delay_levels();

    std::size_t store_bytes      = 256 * 1024 * 1024;        ///< Beyond it the oldest messages go, parked ones too.
    std::size_t max_message_body = 4 * 1024 * 1024;          ///< Bytes.
    std::size_t pull_messages    = 32;                       ///< Most that one pull gives, whatever it asks for.
    std::size_t pull_bytes       = 256 * 1024;               ///< Bytes, but always one message.
    std::size_t held_pulls       = 100'000;                  ///< Pulls beyond this number are answered at once.
    std::size_t frame_limit = protocol::default_frame_limit; ///< Bytes; a client that sends a larger one is cut off.

    std::chrono::milliseconds lock_lifetime   = std::chrono::seconds(60);
    std::chrono::milliseconds client_lifetime = std::chrono::seconds(120); ///< Without a heartbeat.
    std::chrono::milliseconds idle_lifetime = std::chrono::seconds(120); ///< Of a connection without a byte either way.
    std::chrono::milliseconds scan_interval = std::chrono::seconds(10);  ///< Between looks for those two.

    /// From 5.0 on.
    bool is_version_5() const noexcept { return version >= version_5_0_0; }
};

/// What is wrong with the options, as the end of a sentence; empty when nothing is.
inline std::string_view describe_problem(const broker_options& options) noexcept {
    const auto valid_level = [](std::chrono::milliseconds level) { return level.count() >= 0; };
    if (check_topic(options.name) || check_topic(options.cluster))
        return "name and cluster need 1 to 127 characters of a-z A-Z 0-9 _ - % |";
    if (options.version < 0 || options.version > INT16_MAX)
        return "version is from 0 to 32767";
    if (options.auto_queues < 1 || options.auto_queues > 65'536 || options.retry_queues < 0 ||
        options.retry_queues > 65'536)
        return "auto_queues is from 1 to 65536, retry_queues from 0 to 65536";
    if (options.delay_levels.empty() || !std::ranges::all_of(options.delay_levels, valid_level))
        return "delay_levels needs a level, and none is negative";
    if (options.pull_messages == 0 || options.max_message_body > options.frame_limit)
        return "pull_messages is at least 1, max_message_body not larger than frame_limit";
    if (options.frame_limit < 1024 || options.frame_limit > 32 * 1024 * 1024)
        return "frame_limit is from 1 KiB to 32 MiB";
    if (options.scan_interval.count() < 1)
        return "scan_interval is at least 1 ms";
    return {};
}

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/committed_offsets.hpp
#ifndef ROCKETPUSH_EMBEDDED_COMMITTED_OFFSETS_HPP
#define ROCKETPUSH_EMBEDDED_COMMITTED_OFFSETS_HPP


#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace rocketpush::embedded {

/**
 * @brief How far each group has come in each queue. The last writer wins, also backwards.
 * @par Source  Java `ConsumerOffsetManager`.
 */
class committed_offsets {
  public:
    void commit(std::string_view group, std::string_view topic, std::int32_t queue_id, queue_offset next) {
        auto& topics = groups_.try_emplace(std::string(group)).first->second;
        topics.try_emplace(std::string(topic)).first->second[queue_id] = next;
    }

    /// The next offset to consume; nothing if the group never committed there.
    std::optional<queue_offset> find(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
        const auto* queues = queues_of(group, topic);
        if (!queues)
            return std::nullopt;
        const auto found = queues->find(queue_id);
        return found == queues->end() ? std::nullopt : std::optional(found->second);
    }

    /// The topics in which a group has committed.
    std::set<std::string> topics(std::string_view group) const {
        std::set<std::string> names;
        if (const auto found = groups_.find(group); found != groups_.end())
            for (const auto& [topic, queues] : found->second)
                names.insert(topic);
        return names;
    }

    void forget_topic(std::string_view topic) {
        for (auto& [group, topics] : groups_)
            if (const auto found = topics.find(topic); found != topics.end())
                topics.erase(found);
    }

  private:
    using queue_table = std::map<std::int32_t, queue_offset>;
    using topic_table = std::map<std::string, queue_table, std::less<>>;

    const queue_table* queues_of(std::string_view group, std::string_view topic) const {
        const auto topics = groups_.find(group);
        if (topics == groups_.end())
            return nullptr;
        const auto queues = topics->second.find(topic);
        return queues == topics->second.end() ? nullptr : &queues->second;
    }

    std::map<std::string, topic_table, std::less<>> groups_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/consumer_groups.hpp
#ifndef ROCKETPUSH_EMBEDDED_CONSUMER_GROUPS_HPP
#define ROCKETPUSH_EMBEDDED_CONSUMER_GROUPS_HPP

// rocketpush/embedded/outbox.hpp
#ifndef ROCKETPUSH_EMBEDDED_OUTBOX_HPP
#define ROCKETPUSH_EMBEDDED_OUTBOX_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// Names a client's connection as long as the broker lives; never given twice.
using connection_id = std::uint64_t;

/**
 * @brief What the broker's logic wants to have done: frames to be written, connections to be closed.
 *
 * Frames are encoded in place, one behind the other for each connection; whoever writes them swaps the buffer out.
 */
class outbox {
  public:
    void open(connection_id connection) { connections_.try_emplace(connection); }

    /// Whether the connection is open.
    bool knows(connection_id connection) const { return connections_.contains(connection); }

    /// Where frames for a connection go: append only. What goes to a connection that has ended is dropped.
    std::string& frames_to(connection_id connection) {
        const auto found = connections_.find(connection);
        if (found != connections_.end()) {
            if (found->second.empty())
                fresh_.push_back(connection);
            return found->second;
        }
        nowhere_.clear();
        return nowhere_;
    }

    /// The connection has to be closed; nothing is written to it any more.
    void close(connection_id connection) {
        if (connections_.erase(connection) != 0)
            closing_.push_back(connection);
    }

    /// The connection has ended by itself.
    void forget(connection_id connection) { connections_.erase(connection); }

    /// Bytes that wait for a connection.
    std::size_t waiting_for(connection_id connection) const {
        const auto found = connections_.find(connection);
        return found == connections_.end() ? 0 : found->second.size();
    }

    /// Gives the frames for a connection out, in place of those in `frames`. @return Whether there were any.
    bool take_frames(connection_id connection, std::string& frames) {
        frames.clear();
        if (const auto found = connections_.find(connection); found != connections_.end())
            found->second.swap(frames);
        return !frames.empty();
    }

    /// Connections that have got frames since they were asked for last.
    std::vector<connection_id> take_fresh() { return std::exchange(fresh_, {}); }

    /// Connections that have to be closed.
    std::vector<connection_id> take_closing() { return std::exchange(closing_, {}); }

    /// Connections that are open, oldest first.
    std::vector<connection_id> connections() const {
        std::vector<connection_id> all;
        for (const auto& [id, frames] : connections_)
            all.push_back(id);
        return all;
    }

  private:
    std::map<connection_id, std::string> connections_;
    std::vector<connection_id> fresh_;
    std::vector<connection_id> closing_;
    std::string nowhere_;
};

} // namespace rocketpush::embedded

#endif

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// One client in a group. A client that comes again on another connection is a second member until the first has gone.
struct group_member {
    connection_id connection = 0;
    std::string client_id;
    std::int32_t version = 0;
    std::chrono::steady_clock::time_point last_heartbeat{};
};

/// A group with members. One set of subscriptions for all of them, as at a real broker: the newest heartbeat wins.
struct consumer_group {
    std::vector<group_member> members; ///< In the order in which they came.
    std::map<std::string, subscription, std::less<>> subscriptions;
    std::string consume_type;
    std::string message_model;
    std::string consume_from_where;
};

/**
 * @brief Who is in which consumer group, by connection, and what each group subscribes.
 *
 * A group whose last member leaves is forgotten; its committed offsets are not kept here.
 *
 * @par Thread safety  None.
 * @par Source         Java `ConsumerManager`, `ConsumerGroupInfo`.
 */
class consumer_groups {
  public:
    /// @return Whether the group has a new member, or subscribes to other topics than before.
    bool join(connection_id connection, std::string_view client_id, std::int32_t version,
              const protocol::consumer_data& data, std::chrono::steady_clock::time_point now) {
        auto& group = groups_.try_emplace(data.group_name).first->second;

        auto member       = find_member(group, connection);
        const bool is_new = member == group.members.end();
        if (is_new)
            member = group.members.insert(group.members.end(), group_member{.connection = connection, .client_id = {}});
        member->client_id      = client_id;
        member->version        = version;
        member->last_heartbeat = now;

        group.consume_type       = data.consume_type;
        group.message_model      = data.message_model;
        group.consume_from_where = data.consume_from_where;
        return subscribe(group, data.subscriptions) || is_new;
    }

    /// @return Whether it was in the group.
    bool leave(connection_id connection, std::string_view group_name) {
        const auto group = groups_.find(group_name);
        if (group == groups_.end())
            return false;
        const auto member = find_member(group->second, connection);
        if (member == group->second.members.end())
            return false;
        group->second.members.erase(member);
        if (group->second.members.empty())
            groups_.erase(group);
        return true;
    }

    /// @return The groups that it was in.
    std::vector<std::string> leave_all(connection_id connection) {
        std::vector<std::string> left;
        for (const auto& [name, group] : groups_)
            if (std::ranges::count(group.members, connection, &group_member::connection) != 0)
                left.push_back(name);
        for (const auto& name : left)
            leave(connection, name);
        return left;
    }

    /// Null for a group without members.
    const consumer_group* find(std::string_view name) const {
        const auto found = groups_.find(name);
        return found == groups_.end() ? nullptr : &found->second;
    }

    /// Connections whose last heartbeat was before `limit`.
    std::set<connection_id> silent_since(std::chrono::steady_clock::time_point limit) const {
        std::set<connection_id> silent;
        for (const auto& [name, group] : groups_)
            for (const auto& member : group.members)
                if (member.last_heartbeat < limit)
                    silent.insert(member.connection);
        return silent;
    }

  private:
    static std::vector<group_member>::iterator find_member(consumer_group& group, connection_id connection) {
        return std::ranges::find(group.members, connection, &group_member::connection);
    }

    /// @return Whether topics came or went. Another expression for a known topic is taken over in silence, as in Java.
    static bool subscribe(consumer_group& group, const std::vector<subscription>& wanted) {
        bool changed = false;
        for (const auto& each : wanted) {
            const auto [known, is_new] = group.subscriptions.try_emplace(each.topic, each);
            changed                    = changed || is_new;
            if (each.version > known->second.version)
                known->second = each;
        }
        const auto given_up = std::erase_if(group.subscriptions, [&wanted](const auto& known) {
            return std::ranges::count(wanted, known.first, &subscription::topic) == 0;
        });
        return changed || given_up != 0;
    }

    std::map<std::string, consumer_group, std::less<>> groups_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/held_pulls.hpp
#ifndef ROCKETPUSH_EMBEDDED_HELD_PULLS_HPP
#define ROCKETPUSH_EMBEDDED_HELD_PULLS_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// Whether a message with this tag hash is wanted. No codes: every message is.
inline bool wants_tag(const std::vector<std::int32_t>& codes, std::int32_t tag_hash) noexcept {
    return codes.empty() || std::ranges::find(codes, tag_hash) != codes.end();
}

/// A pull that found nothing new and waits.
struct held_pull {
    connection_id connection = 0;
    protocol::header_encoding encoding{};
    std::int32_t opaque = 0;
    protocol::pull_request request{};
    std::vector<std::int32_t> tag_codes{};
    std::chrono::steady_clock::time_point deadline{}; ///< Then it is answered without a message.
};

/**
 * @brief The pulls that wait, by queue and by time.
 * @par Source  Java `PullRequestHoldService`.
 */
class held_pulls {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    std::size_t size() const noexcept { return pulls_.size(); }

    void hold(held_pull pull) {
        const auto id = next_id_++;
        deadlines_.emplace(pull.deadline, id);
        queues_.emplace(pull.request.topic, pull.request.queue_id, id);
        pulls_.emplace(id, std::move(pull));
    }

    /// Takes those out that a message with this tag hash, new in the queue, ends; the longest held first.
    std::vector<held_pull> take_woken(std::string_view topic, std::int32_t queue_id, std::int32_t tag_hash) {
        return take_from_queues({std::string(topic), queue_id, 0}, {std::string(topic), queue_id, last_id},
                                [tag_hash](const held_pull& pull) { return wants_tag(pull.tag_codes, tag_hash); });
    }

    /// Takes all of a topic's out.
    std::vector<held_pull> take_topic(std::string_view topic) {
        return take_from_queues({std::string(topic), first_queue, 0}, {std::string(topic), last_queue, last_id},
                                [](const held_pull&) { return true; });
    }

    /// One whose deadline has come.
    std::optional<held_pull> take_due(time_point now) {
        if (deadlines_.empty() || deadlines_.begin()->first > now)
            return std::nullopt;
        return take(deadlines_.begin()->second);
    }

    std::optional<time_point> next_due() const {
        return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
    }

    /// The connection has ended; nobody waits for these answers.
    void forget(connection_id connection) {
        std::vector<std::uint64_t> ended;
        for (const auto& [id, pull] : pulls_)
            if (pull.connection == connection)
                ended.push_back(id);
        for (const auto id : ended)
            take(id);
    }

  private:
    using queue_place = std::tuple<std::string, std::int32_t, std::uint64_t>;

    static constexpr std::uint64_t last_id    = UINT64_MAX;
    static constexpr std::int32_t first_queue = 0;
    static constexpr std::int32_t last_queue  = INT32_MAX;

    template <class Ends>
    std::vector<held_pull> take_from_queues(const queue_place& first, const queue_place& last, Ends ends) {
        std::vector<std::uint64_t> ended;
        for (auto at = queues_.lower_bound(first); at != queues_.end() && !(last < *at); ++at)
            if (const auto id = std::get<2>(*at); ends(pulls_.find(id)->second))
                ended.push_back(id);
        std::vector<held_pull> taken;
        for (const auto id : ended)
            taken.push_back(take(id));
        return taken;
    }

    held_pull take(std::uint64_t id) {
        auto pull = std::move(pulls_.extract(id).mapped());
        deadlines_.erase({pull.deadline, id});
        queues_.erase({pull.request.topic, pull.request.queue_id, id});
        return pull;
    }

    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, held_pull> pulls_;
    std::set<std::pair<time_point, std::uint64_t>> deadlines_;
    std::set<queue_place> queues_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/message_store.hpp
#ifndef ROCKETPUSH_EMBEDDED_MESSAGE_STORE_HPP
#define ROCKETPUSH_EMBEDDED_MESSAGE_STORE_HPP

// rocketpush/embedded/commit_log.hpp
#ifndef ROCKETPUSH_EMBEDDED_COMMIT_LOG_HPP
#define ROCKETPUSH_EMBEDDED_COMMIT_LOG_HPP


#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <string>
#include <string_view>

namespace rocketpush::embedded {

/**
 * @brief All stored messages of a broker, one behind the other in the form that pulls give out, and bounded.
 *
 * Kept in segments; at the limit the oldest segment goes, with every message in it. Offsets are bytes since the log
 * began and never come again.
 *
 * @par Source  Java `CommitLog`, whose segments are files.
 */
class commit_log {
  public:
    static constexpr std::size_t largest_segment  = 1024 * 1024;
    static constexpr std::size_t smallest_segment = 4 * 1024;

    /// @param limit  Bytes; what is kept may exceed it by one message.
    explicit commit_log(std::size_t limit)
        : limit_(limit), segment_size_(std::clamp(limit / 8, smallest_segment, largest_segment)) {}

    /// Offset of the oldest byte that is kept.
    std::int64_t begin_offset() const noexcept { return segments_.empty() ? end_ : segments_.front().begin; }
    /// Where the next message will begin.
    std::int64_t end_offset() const noexcept { return end_; }

    /// Appends `message`, whose commit log offset is `end_offset()`. @return Its bytes; valid until it is dropped.
    std::string_view append(const protocol::stored_message& message) {
        ROCKETPUSH_ASSERT(message.commit_log_offset == end_, "a message is stored at the log's end");
        const auto size = message.stored_size();
        drop_oldest(size);
        auto& last        = segment_with_room(size);
        const auto before = last.bytes.size();
        protocol::append_stored_message(last.bytes, message);
        end_ += static_cast<std::int64_t>(size);
        return std::string_view(last.bytes).substr(before);
    }

    /// The message that begins at `offset`; empty if none does or it was dropped. Valid until it is dropped.
    std::string_view record_at(std::int64_t offset) const noexcept {
        namespace layout = detail::message_layout;
        const auto behind =
            std::upper_bound(segments_.begin(), segments_.end(), offset,
                             [](std::int64_t wanted, const segment& one) { return wanted < one.begin; });
        if (offset < 0 || behind == segments_.begin())
            return {};
        const auto& holder = *std::prev(behind);
        const auto place   = static_cast<std::size_t>(offset - holder.begin);
        if (place >= holder.bytes.size() || holder.bytes.size() - place < layout::smallest)
            return {};
        // Each message knows its own offset: so an offset into the middle of one is not taken for a message.
        const char* record = holder.bytes.data() + place;
        const auto size    = std::size_t{detail::load_big<std::uint32_t>(record)};
        const auto magic   = detail::load_big<std::uint32_t>(record + layout::magic);
        const bool begins  = (magic == layout::magic_v1 || magic == layout::magic_v2) &&
                            detail::load_big<std::int64_t>(record + layout::commit_log_offset) == offset &&
                            size <= holder.bytes.size() - place;
        return begins ? std::string_view(record, size) : std::string_view();
    }

  private:
    struct segment {
        std::int64_t begin;
        std::string bytes; ///< Reserved at once, so that records never move.
    };

    void drop_oldest(std::size_t coming) {
        while (!segments_.empty() && static_cast<std::size_t>(end_ - begin_offset()) + coming > limit_)
            segments_.pop_front();
    }

    segment& segment_with_room(std::size_t size) {
        if (segments_.empty() || segments_.back().bytes.capacity() - segments_.back().bytes.size() < size) {
            segments_.push_back({end_, {}});
            segments_.back().bytes.reserve(std::max(size, segment_size_));
        }
        return segments_.back();
    }

    std::size_t limit_;
    std::size_t segment_size_;
    std::int64_t end_ = 0;
    std::deque<segment> segments_;
};

} // namespace rocketpush::embedded

#endif

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// What a topic allows. Bits of `permission`: 4 read, 2 write, 1 others may be made by its example.
struct topic_settings {
    std::int32_t read_queues  = 8;
    std::int32_t write_queues = 8;
    std::int32_t permission   = 6;

    bool readable() const noexcept { return (permission & 4) != 0; }
    bool writable() const noexcept { return (permission & 2) != 0; }
    std::int32_t queues() const noexcept { return std::max(read_queues, write_queues); }
};

/// Where a message has been stored.
struct stored_place {
    std::int32_t queue_id          = 0;
    queue_offset offset            = 0;
    std::int64_t commit_log_offset = 0;
};

/// How a read ended. @par Source  Java `GetMessageStatus`, whose names go into a pull answer's remark.
enum class read_status {
    found,
    no_matched_message,
    no_message_in_queue,
    offset_overflow_one,
    offset_overflow_badly,
    offset_too_small,
};

constexpr std::string_view to_string(read_status status) noexcept {
    switch (status) {
    case read_status::found: return "FOUND";
    case read_status::no_matched_message: return "NO_MATCHED_MESSAGE";
    case read_status::no_message_in_queue: return "NO_MESSAGE_IN_QUEUE";
    case read_status::offset_overflow_one: return "OFFSET_OVERFLOW_ONE";
    case read_status::offset_overflow_badly: return "OFFSET_OVERFLOW_BADLY";
    case read_status::offset_too_small: return "OFFSET_TOO_SMALL";
    }
    return {};
}

/// Most that one read gives.
struct read_limits {
    std::size_t messages = 32;
    std::size_t bytes    = 256 * 1024; ///< One message is given even if it is larger.
};

struct read_result {
    read_status status = read_status::no_message_in_queue;
    queue_offset next  = 0; ///< Where to read on.
};

/**
 * @brief Topics, their queues, and the messages in them.
 *
 * A message is encoded once, when it is stored; reads give views of those bytes.
 *
 * @par Thread safety  None.
 * @par Source         Java `DefaultMessageStore`, `ConsumeQueue`, `TopicConfigManager`.
 */
class message_store {
  public:
    /// One stored message, as its queue knows it.
    struct entry {
        std::int64_t commit_log_offset;
        std::int64_t store_timestamp; ///< ms since 1970
        std::int32_t tag_hash;        ///< 0 without a tag, as in Java.
    };

    message_store(std::size_t byte_limit, const host_address& store_host) : log_(byte_limit), store_host_(store_host) {}

    const host_address& store_host() const noexcept { return store_host_; }

    /// Null for a topic that does not exist.
    const topic_settings* find_topic(std::string_view topic) const {
        const auto found = topics_.find(topic);
        return found == topics_.end() ? nullptr : &found->second.settings;
    }

    /// Makes a topic or changes it; queues that it has are kept, also when it shall have fewer.
    void set_topic(std::string_view topic, const topic_settings& settings) {
        auto& made    = topics_.try_emplace(std::string(topic)).first->second;
        made.settings = settings;
        if (const auto queues = static_cast<std::size_t>(settings.queues()); made.queues.size() < queues)
            made.queues.resize(queues);
    }

    /// Forgets a topic with its messages. @return Whether it existed.
    bool remove_topic(std::string_view topic) {
        const auto found = topics_.find(topic);
        if (found == topics_.end())
            return false;
        topics_.erase(found);
        return true;
    }

    std::vector<std::string> topic_names() const {
        std::vector<std::string> names;
        for (const auto& [name, topic] : topics_)
            names.push_back(name);
        return names;
    }

    /// The topic's queues in turn, for those who do not name one. The topic exists.
    std::int32_t next_queue(std::string_view topic) {
        auto& writer       = topics_.find(topic)->second;
        return writer.turn = (writer.turn + 1) % std::max(1, writer.settings.write_queues);
    }

    /// Stores a message; its offsets and store host are set here. The topic and the queue exist.
    stored_place append(protocol::stored_message message) {
        auto* queue = find_queue(message.topic, message.queue_id);
        ROCKETPUSH_ASSERT(queue, "messages are stored in queues that exist");
        message.queue_offset      = queue->end();
        message.commit_log_offset = log_.end_offset();
        message.store_host        = store_host_;
        const auto oldest         = log_.begin_offset();
        log_.append(message);
        queue->entries.push_back({message.commit_log_offset, message.store_timestamp, tag_hash(message.properties)});
        if (log_.begin_offset() != oldest)
            forget_dropped();
        return {message.queue_id, message.queue_offset, message.commit_log_offset};
    }

    /// The message that begins there in the commit log; empty if there is none.
    std::string_view record_at(std::int64_t commit_log_offset) const noexcept {
        return log_.record_at(commit_log_offset);
    }

    /// Offset of a queue's oldest message; where the next will be if it has none; 0 if there is no such queue.
    queue_offset min_offset(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        return queue ? queue->begin : 0;
    }
    /// Where a queue's next message will be; 0 if there is no such queue.
    queue_offset max_offset(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        return queue ? queue->end() : 0;
    }

    /// What the queue knows of the message at an offset; nothing if it is not kept.
    std::optional<entry> find_entry(std::string_view topic, std::int32_t queue_id, queue_offset at) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue || at < queue->begin || at >= queue->end())
            return std::nullopt;
        return queue->entries[static_cast<std::size_t>(at - queue->begin)];
    }

    /// Offset of the first message that was stored at `timestamp` (ms) or later; the maximum if none was.
    queue_offset first_since(std::string_view topic, std::int32_t queue_id, std::int64_t timestamp) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue)
            return 0;
        const auto first =
            std::partition_point(queue->entries.begin(), queue->entries.end(),
                                 [timestamp](const entry& one) { return one.store_timestamp < timestamp; });
        return queue->begin + std::distance(queue->entries.begin(), first);
    }

    /**
     * @brief Finds messages of a queue, which exists, from an offset on.
     * @param wants    `bool(std::int32_t tag_hash)`; others are passed over.
     * @param records  Gets the messages found, as stored, behind those it has.
     */
    template <std::predicate<std::int32_t> Wants>
    read_result read(std::string_view topic, std::int32_t queue_id, queue_offset from, const read_limits& limits,
                     Wants&& wants, std::vector<std::string_view>& records) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue || queue->end() == 0)
            return {read_status::no_message_in_queue, 0};
        if (from < queue->begin)
            return {read_status::offset_too_small, queue->begin};
        if (from == queue->end())
            return {read_status::offset_overflow_one, from};
        if (from > queue->end())
            return {read_status::offset_overflow_badly, queue->end()};

        std::size_t messages = 0, bytes = 0;
        // A tag that nobody uses must not make one read walk through a million messages.
        const auto stop = std::min(queue->end(), from + most_looked_at);
        auto next       = from;
        for (; next < stop && messages < limits.messages; ++next) {
            const auto& candidate = queue->entries[static_cast<std::size_t>(next - queue->begin)];
            if (!wants(candidate.tag_hash))
                continue;
            const auto record = log_.record_at(candidate.commit_log_offset);
            if (messages > 0 && bytes + record.size() > limits.bytes)
                break;
            records.push_back(record);
            bytes += record.size();
            ++messages;
        }
        return {messages > 0 ? read_status::found : read_status::no_matched_message, next};
    }

    /// Forgets a queue's messages before an offset, which becomes its minimum (at most its maximum).
    void drop_before(std::string_view topic, std::int32_t queue_id, queue_offset at) {
        if (auto* queue = find_queue(topic, queue_id))
            while (queue->begin < at && !queue->entries.empty())
                queue->pop();
    }

    static std::int32_t tag_hash(std::string_view properties) noexcept {
        const auto tag = protocol::find_property(properties, property_names::tags);
        return tag ? detail::java_hash(*tag) : 0;
    }

  private:
    static constexpr queue_offset most_looked_at = 16'000;

    struct queue_state {
        std::deque<entry> entries;
        queue_offset begin = 0;

        queue_offset end() const noexcept { return begin + static_cast<queue_offset>(entries.size()); }
        void pop() {
            entries.pop_front();
            ++begin;
        }
    };
    struct topic_state {
        topic_settings settings;
        std::vector<queue_state> queues;
        std::int32_t turn = -1; ///< Queue of the last message that named none.
    };

    const queue_state* find_queue(std::string_view topic, std::int32_t queue_id) const {
        const auto found = topics_.find(topic);
        if (found == topics_.end() || queue_id < 0 || static_cast<std::size_t>(queue_id) >= found->second.queues.size())
            return nullptr;
        return &found->second.queues[static_cast<std::size_t>(queue_id)];
    }
    queue_state* find_queue(std::string_view topic, std::int32_t queue_id) {
        return const_cast<queue_state*>(std::as_const(*this).find_queue(topic, queue_id));
    }

    void forget_dropped() {
        for (auto& [name, topic] : topics_)
            for (auto& queue : topic.queues)
                while (!queue.entries.empty() && queue.entries.front().commit_log_offset < log_.begin_offset())
                    queue.pop();
    }

    commit_log log_;
    host_address store_host_;
    std::map<std::string, topic_state, std::less<>> topics_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/queue_locks.hpp
#ifndef ROCKETPUSH_EMBEDDED_QUEUE_LOCKS_HPP
#define ROCKETPUSH_EMBEDDED_QUEUE_LOCKS_HPP


#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace rocketpush::embedded {

/**
 * @brief Which member of a group may consume a queue in order.
 *
 * A lock belongs to a client id, whatever its connection; each request for it renews it. Nothing is checked: a queue that
 * does not exist can be locked, as at a real broker.
 *
 * @par Source  Java `RebalanceLockManager`.
 */
class queue_locks {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param lifetime  A lock that was not renewed for longer belongs to nobody.
    explicit queue_locks(std::chrono::milliseconds lifetime) : lifetime_(lifetime) {}

    /// @return Whether `client_id` has the lock now.
    bool lock(std::string_view group, const message_queue& queue, std::string_view client_id, time_point now) {
        auto& held = groups_.try_emplace(std::string(group)).first->second.try_emplace(queue).first->second;
        if (!held.owner.empty() && held.owner != client_id && alive(held, now))
            return false;
        held.owner   = client_id;
        held.renewed = now;
        return true;
    }

    /// Only the owner can.
    void unlock(std::string_view group, const message_queue& queue, std::string_view client_id) {
        const auto found = groups_.find(group);
        if (found == groups_.end())
            return;
        const auto held = found->second.find(queue);
        if (held != found->second.end() && held->second.owner == client_id)
            found->second.erase(held);
    }

    /// Whether any queue of the group is locked: then the group consumes in order.
    bool any(std::string_view group, time_point now) const {
        const auto found = groups_.find(group);
        return found != groups_.end() &&
               std::ranges::any_of(found->second, [&](const auto& one) { return alive(one.second, now); });
    }

  private:
    struct held_lock {
        std::string owner;
        time_point renewed;
    };

    bool alive(const held_lock& held, time_point now) const noexcept { return now - held.renewed <= lifetime_; }

    std::chrono::milliseconds lifetime_;
    std::map<std::string, std::unordered_map<message_queue, held_lock>, std::less<>> groups_;
};

} // namespace rocketpush::embedded

#endif

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// Now, on both of the Runtime's clocks: the steady one for deadlines, the system's for what is stored and sent.
struct moment {
    std::chrono::steady_clock::time_point steady{};
    std::chrono::system_clock::time_point system{};

    /// ms since 1970
    std::int64_t milliseconds() const noexcept {
        return std::chrono::floor<std::chrono::milliseconds>(system.time_since_epoch()).count();
    }
};

/// One request as it came.
struct incoming_request {
    connection_id from = 0;
    const protocol::header_view& header;
    std::string_view body;
    moment now;
};

/// A connected client.
struct client_connection {
    host_address address;
    std::chrono::steady_clock::time_point last_active{};
};

/// A message that has just come into a queue; pulls may wait for it.
struct arrival {
    std::string topic;
    std::int32_t queue_id;
    std::int32_t tag_hash;
};

/// A request that the broker has passed on to a client for somebody else; see `admin_requests.hpp`.
struct forwarded_request {
    connection_id asked_by;
    std::int32_t opaque;
    protocol::header_encoding encoding;
    connection_id answered_by;
};

/// Where delayed messages lie until they are due. Java: RMQ_SYS_SCHEDULE_TOPIC.
inline constexpr std::string_view schedule_topic = "SCHEDULE_TOPIC_XXXX";

/**
 * @brief All that an embedded broker knows. The functions that answer requests work on it; see `broker_logic`.
 */
struct broker_state {
    broker_state(broker_options with, endpoint reached_at, const host_address& own_address, std::uint64_t seed)
        : options(std::move(with)),
          address(std::move(reached_at)),
          store(options.store_bytes, own_address),
          delays(options.delay_levels),
          locks(options.lock_lifetime),
          unique_ids(own_address, seed >> 32, static_cast<std::uint32_t>(seed)) {
        store.set_topic(schedule_topic, {delays.levels(), delays.levels(), 6});
        if (options.auto_create_topics)
            store.set_topic(auto_create_topic, {options.auto_queues, options.auto_queues, 7});
    }

    const broker_options options;
    const endpoint address; ///< What routes tell clients to connect to.

    message_store store;
    delay_schedule delays;
    consumer_groups groups;
    committed_offsets offsets;
    queue_locks locks;
    held_pulls held;
    protocol::unique_id_generator unique_ids;

    std::set<std::string, std::less<>> known_groups; ///< Those that may consume; see auto_create_groups.
    std::map<connection_id, client_connection> connections;
    std::map<std::int32_t, forwarded_request> forwarded; ///< By the opaque of the broker's own request.
    std::vector<arrival> arrivals;                       ///< Not yet told to held pulls.
    std::int32_t next_opaque = 0;                        ///< Of the broker's own requests.
    outbox out;

    /// Whether a group may consume; one that is not known is made if that is allowed.
    bool admit_group(std::string_view group) {
        if (known_groups.contains(group))
            return true;
        if (!options.auto_create_groups || check_group(group))
            return false;
        known_groups.emplace(group);
        return true;
    }
};

/// What the request handlers share, and they themselves; not for users.
namespace answering {

/// Whoever asked, when the question itself is gone.
struct reply_address {
    connection_id to;
    std::int32_t opaque;
    protocol::header_encoding encoding;
};

inline reply_address address_of(const incoming_request& request) noexcept {
    return {request.from, request.header.opaque, request.header.encoding};
}

inline protocol::header_encoding chosen_encoding(const broker_state& broker, protocol::header_encoding asked) noexcept {
    return broker.options.encoding == answer_encoding::as_request ? asked : protocol::header_encoding::json;
}

template <class Fields = protocol::no_fields>
void reply(broker_state& broker, const reply_address& address, response_code code, std::string_view remark = {},
           const Fields& fields = {}, std::string_view body = {}) {
    protocol::append_response(broker.out.frames_to(address.to), chosen_encoding(broker, address.encoding), code,
                              address.opaque, remark, fields, body, broker.options.version);
}

/// Nobody reads an answer to a oneway request, so it gets none.
template <class Fields = protocol::no_fields>
void reply(broker_state& broker, const incoming_request& request, response_code code, std::string_view remark = {},
           const Fields& fields = {}, std::string_view body = {}) {
    if (!request.header.is_oneway())
        reply(broker, address_of(request), code, remark, fields, body);
}

/// The request's fields; where they do not fit, the answer that says so has been given.
template <class Request>
std::optional<Request> read_request(broker_state& broker, const incoming_request& request) {
    auto fields = protocol::read_fields<Request>(request.header);
    if (fields)
        return std::move(*fields);
    reply(broker, request, response_code::system_error, "the custom field of the request is missing or not valid");
    return std::nullopt;
}

/// What 5.3.2 and later call an invalid parameter was a system error before.
inline response_code invalid_parameter(const broker_state& broker) noexcept {
    constexpr std::int32_t version_5_3_2 = 477;
    return broker.options.version >= version_5_3_2 ? response_code::invalid_parameter : response_code::system_error;
}

/// Tells every member of a group that members or topics have changed.
inline void notify_members(broker_state& broker, std::string_view group_name) {
    const auto* group = broker.groups.find(group_name);
    if (!group)
        return;
    const protocol::consumer_ids_changed_notice notice{std::string(group_name)};
    for (const auto& member : group->members) {
        const protocol::command_meta meta{
            .opaque = broker.next_opaque++, .flag = protocol::oneway_flag, .version = broker.options.version};
        protocol::append_request(broker.out.frames_to(member.connection), protocol::header_encoding::json, notice,
                                 meta);
    }
}

/// A client is gone, with all that it had at the broker. Its connection is not touched.
inline void forget_client(broker_state& broker, connection_id connection) {
    broker.held.forget(connection);
    for (const auto& group : broker.groups.leave_all(connection))
        notify_members(broker, group);
}

} // namespace answering

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/pull_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP


#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Messages out.
 * @par Source  Java `PullMessageProcessor`, `PullRequestHoldService`, `QueryMessageProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Why a pull is refused, or nothing and the tags that it wants.
struct pull_check {
    response_code refusal = response_code::success;
    std::string remark{};
    std::vector<std::int32_t> tag_codes{};
};

/// The subscription that a pull is filtered by: its own, or the group's from the last heartbeat.
inline pull_check find_tag_codes(const broker_state& broker, const protocol::pull_request& pull) {
    if (pull.sys_flag & protocol::pull_flags::subscription) {
        auto own = make_subscription(pull.topic, tags(pull.subscription), pull.sub_version);
        if (!own)
            return {response_code::subscription_parse_failed, "parse the consumer's subscription failed"};
        return {.tag_codes = std::move(own->tag_codes)};
    }
    const auto* group = broker.groups.find(pull.consumer_group);
    if (!group)
        return {response_code::subscription_not_exist, "the consumer's group info not exist"};
    const auto known = group->subscriptions.find(pull.topic);
    if (known == group->subscriptions.end())
        return {response_code::subscription_not_exist, "the consumer's subscription not exist"};
    if (known->second.version < pull.sub_version)
        return {response_code::subscription_not_latest, "the consumer's subscription not latest"};
    return {.tag_codes = known->second.tag_codes};
}

inline pull_check check_pull(broker_state& broker, const protocol::pull_request& pull) {
    if (!broker.admit_group(pull.consumer_group))
        return {response_code::subscription_group_not_exist,
                "subscription group [" + pull.consumer_group + "] does not exist"};
    const auto* topic = broker.store.find_topic(pull.topic);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + pull.topic + "] not exist, apply first please!"};
    if (!topic->readable())
        return {response_code::no_permission, "the topic[" + pull.topic + "] pulling message is forbidden"};
    if (pull.queue_id < 0 || pull.queue_id >= topic->read_queues)
        return {invalid_parameter(broker),
                "queueId[" + std::to_string(pull.queue_id) + "] is illegal, topic:[" + pull.topic + "]"};
    if (!pull.expression_type.empty() && pull.expression_type != to_string(filter_type::tag))
        return {response_code::system_error,
                "The broker does not support consumer to filter message by " + pull.expression_type};
    return find_tag_codes(broker, pull);
}

inline response_code code_of(read_status status, queue_offset asked) noexcept {
    switch (status) {
    case read_status::found: return response_code::success;
    case read_status::no_matched_message: return response_code::pull_retry_immediately;
    case read_status::offset_overflow_one: return response_code::pull_not_found;
    // A queue without messages is no surprise, unless somebody believes to have been further already.
    case read_status::no_message_in_queue:
        return asked == 0 ? response_code::pull_not_found : response_code::pull_offset_moved;
    case read_status::offset_overflow_badly:
    case read_status::offset_too_small: return response_code::pull_offset_moved;
    }
    return response_code::system_error;
}

/// Appends the answer of a pull; what it found goes straight from the store into the connection's buffer.
inline void reply_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                       const read_result& read, const std::vector<std::string_view>& records) {
    protocol::pull_response fields{.next_begin_offset = read.next,
                                   .min_offset        = broker.store.min_offset(pull.topic, pull.queue_id),
                                   .max_offset        = broker.store.max_offset(pull.topic, pull.queue_id)};
    if (broker.options.is_version_5()) {
        fields.topic_sys_flag = 0;
        fields.group_sys_flag = 0;
    }
    auto& frames     = broker.out.frames_to(address.to);
    const auto begin = frames.size();
    protocol::append_response(frames, chosen_encoding(broker, address.encoding),
                              code_of(read.status, pull.queue_offset), address.opaque, to_string(read.status), fields,
                              {}, broker.options.version);
    for (const auto record : records)
        frames.append(record);
    // The frame's length was that of a frame without a body.
    rocketpush::detail::store_big(frames.data() + begin, static_cast<std::uint32_t>(frames.size() - begin - 4));
}

/// Reads what the pull asks for. @return Nothing if it shall be held: there is no message yet, and it may wait.
inline bool try_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                     const std::vector<std::int32_t>& tag_codes, bool may_wait) {
    const read_limits limits{
        std::min(broker.options.pull_messages, static_cast<std::size_t>(std::max(1, pull.max_messages))),
        broker.options.pull_bytes};
    std::vector<std::string_view> records;
    records.reserve(limits.messages);
    const auto read = broker.store.read(
        pull.topic, pull.queue_id, pull.queue_offset, limits,
        [&tag_codes](std::int32_t hash) { return wants_tag(tag_codes, hash); }, records);
    if (may_wait && code_of(read.status, pull.queue_offset) == response_code::pull_not_found)
        return false;
    reply_pull(broker, address, pull, read, records);
    return true;
}

/// PULL_MESSAGE (11)
inline void answer_pull(broker_state& broker, const incoming_request& request) {
    auto pull = read_request<protocol::pull_request>(broker, request);
    if (!pull)
        return;
    auto check = check_pull(broker, *pull);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark);

    // A longer wait than this is no wait but a broken client.
    constexpr std::int64_t longest_wait = 3'600'000;
    const auto wait                     = std::clamp<std::int64_t>(pull->suspend_millis, 0, longest_wait);
    const bool may_wait                 = (pull->sys_flag & protocol::pull_flags::suspend) != 0 && wait > 0 &&
                          broker.held.size() < broker.options.held_pulls;
    const auto address  = address_of(request);
    const bool answered = request.header.is_oneway() || try_pull(broker, address, *pull, check.tag_codes, may_wait);
    if (pull->sys_flag & protocol::pull_flags::commit_offset)
        broker.offsets.commit(pull->consumer_group, pull->topic, pull->queue_id, pull->commit_offset);
    if (!answered)
        broker.held.hold({request.from, request.header.encoding, request.header.opaque, std::move(*pull),
                          std::move(check.tag_codes), request.now.steady + std::chrono::milliseconds(wait)});
}

/// Answers a pull that has waited, with or without messages.
inline void end_held_pull(broker_state& broker, const held_pull& pull) {
    const reply_address address{pull.connection, pull.opaque, pull.encoding};
    if (!broker.store.find_topic(pull.request.topic))
        return reply(broker, address, response_code::topic_not_exist,
                     "topic[" + pull.request.topic + "] not exist, apply first please!");
    try_pull(broker, address, pull.request, pull.tag_codes, false);
}

/// Ends the pulls that waited for messages which have just come. After all of a request's are stored, so that a pull
/// finds them all.
inline void wake_held_pulls(broker_state& broker) {
    for (const auto& each : std::exchange(broker.arrivals, {}))
        for (const auto& pull : broker.held.take_woken(each.topic, each.queue_id, each.tag_hash))
            end_held_pull(broker, pull);
}

/// Forgets a topic with its messages and what groups have committed in it; pulls that wait for it are refused.
inline bool remove_topic(broker_state& broker, std::string_view topic) {
    const bool removed = broker.store.remove_topic(topic);
    broker.offsets.forget_topic(topic);
    for (const auto& pull : broker.held.take_topic(topic))
        end_held_pull(broker, pull);
    return removed;
}

/// VIEW_MESSAGE_BY_ID (33)
inline void answer_view_message(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::view_message_request>(broker, request);
    if (!wanted)
        return;
    const auto record = broker.store.record_at(wanted->offset);
    if (record.empty())
        return reply(broker, request, response_code::system_error,
                     "can not find message by the offset, " + std::to_string(wanted->offset));
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, record);
}

} // namespace rocketpush::embedded::answering

#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * What `mqadmin` and tests with Java's `DefaultMQAdminExt` ask, as far as it helps with consumers.
 * @par Source  Java `AdminBrokerProcessor`, `DefaultRequestProcessor` (name server).
 */
namespace rocketpush::embedded::answering {

namespace admin_code {
inline constexpr auto create_group        = static_cast<protocol::request_code>(200);
inline constexpr auto topic_stats         = static_cast<protocol::request_code>(202);
inline constexpr auto consumer_connection = static_cast<protocol::request_code>(203);
inline constexpr auto cluster_info        = static_cast<protocol::request_code>(106);
inline constexpr auto topic_list          = static_cast<protocol::request_code>(206);
inline constexpr auto consume_stats       = static_cast<protocol::request_code>(208);
inline constexpr auto delete_topic        = static_cast<protocol::request_code>(215);
inline constexpr auto delete_route        = static_cast<protocol::request_code>(216);
inline constexpr auto topic_config        = static_cast<protocol::request_code>(351);
} // namespace admin_code

/// A question about a topic.
struct topic_question {
    std::string topic;
    static constexpr auto fields() noexcept {
        return std::array{protocol::required_field<&topic_question::topic>("topic")};
    }
};

/// A question about a group, perhaps only in one topic.
struct group_question {
    std::string group;
    std::string topic{};
    static constexpr auto fields() noexcept {
        return std::array{protocol::required_field<&group_question::group>("consumerGroup"),
                          protocol::optional_field<&group_question::topic>("topic")};
    }
};

/// A question for one client of a group.
struct client_question {
    static constexpr auto code = protocol::request_code::get_consumer_running_info;

    std::string group;
    std::string client_id;
    std::string with_stacks{};
    static constexpr auto fields() noexcept {
        using self = client_question;
        return std::array{protocol::required_field<&self::group>("consumerGroup"),
                          protocol::required_field<&self::client_id>("clientId"),
                          protocol::optional_field<&self::with_stacks>("jstackEnable")};
    }
};

inline void reply_json(broker_state& broker, const incoming_request& request, const protocol::json_writer& body) {
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, body.text());
}

/// The key in a map whose keys are queues: Java writes them as objects, and its tools read nothing else.
inline protocol::json_writer& queue_key(protocol::json_writer& table, const message_queue& queue) {
    protocol::write_value(table, queue);
    return table.colon();
}

/// GET_BROKER_CLUSTER_INFO (106)
inline void answer_cluster_info(broker_state& broker, const incoming_request& request) {
    const auto& [name, cluster] = std::tie(broker.options.name, broker.options.cluster);
    const protocol::broker_data self{cluster, name, {{0, to_string(broker.address)}}, false};
    protocol::json_writer body;
    body.open('{').key("brokerAddrTable").open('{').member(name, self).close('}');
    body.key("clusterAddrTable").open('{').member(cluster, std::vector{name}).close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206)
inline void answer_topic_list(broker_state& broker, const incoming_request& request) {
    protocol::json_writer body;
    body.open('{').member("topicList", broker.store.topic_names()).close('}');
    reply_json(broker, request, body);
}

/// GET_TOPIC_STATS_INFO (202)
inline void answer_topic_stats(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<topic_question>(broker, request);
    if (!wanted)
        return;
    const auto* topic = broker.store.find_topic(wanted->topic);
    if (!topic)
        return reply(broker, request, response_code::topic_not_exist, "topic[" + wanted->topic + "] not exist");
    protocol::json_writer body;
    body.open('{').key("offsetTable").open('{');
    for (std::int32_t id = 0; id < topic->queues(); ++id) {
        const auto largest = broker.store.max_offset(wanted->topic, id);
        const auto newest  = broker.store.find_entry(wanted->topic, id, largest - 1);
        queue_key(body, {wanted->topic, broker.options.name, id})
            .open('{')
            .member("lastUpdateTimestamp", newest ? newest->store_timestamp : 0)
            .member("maxOffset", largest)
            .member("minOffset", broker.store.min_offset(wanted->topic, id))
            .close('}');
    }
    body.close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_CONSUME_STATS (208)
inline void answer_consume_stats(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<group_question>(broker, request);
    if (!wanted)
        return;
    std::set<std::string> topics;
    if (!wanted->topic.empty()) {
        topics.insert(wanted->topic);
    } else {
        topics = broker.offsets.topics(wanted->group);
        if (const auto* group = broker.groups.find(wanted->group))
            for (const auto& [topic, subscribed] : group->subscriptions)
                topics.insert(topic);
    }
    protocol::json_writer body;
    body.open('{').key("consumeTps").raw("0.0");
    body.key("offsetTable").open('{');
    for (const auto& name : topics) {
        const auto* topic = broker.store.find_topic(name);
        for (std::int32_t id = 0; topic && id < topic->read_queues; ++id) {
            const auto consumed = broker.offsets.find(wanted->group, name, id).value_or(0);
            const auto last     = broker.store.find_entry(name, id, consumed - 1);
            queue_key(body, {name, broker.options.name, id})
                .open('{')
                .member("brokerOffset", broker.store.max_offset(name, id))
                .member("consumerOffset", consumed)
                .member("lastTimestamp", last ? last->store_timestamp : 0)
                .member("pullOffset", consumed)
                .close('}');
        }
    }
    body.close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_CONSUMER_CONNECTION_LIST (203). The language is not known here, so all are OTHER.
inline void answer_consumer_connection(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<group_question>(broker, request);
    if (!wanted)
        return;
    const auto* group = broker.groups.find(wanted->group);
    if (!group)
        return reply(broker, request, response_code::consumer_not_online,
                     "the consumer group[" + wanted->group + "] not online");
    protocol::json_writer body;
    body.open('{').key("connectionSet").open('[');
    for (const auto& member : group->members)
        body.open('{')
            .member("clientAddr", broker.connections.at(member.connection).address.to_string())
            .member("clientId", member.client_id)
            .member("language", "OTHER")
            .member("version", member.version)
            .close('}');
    body.close(']')
        .member("consumeFromWhere", group->consume_from_where)
        .member("consumeType", group->consume_type)
        .member("messageModel", group->message_model)
        .key("subscriptionTable")
        .open('{');
    for (const auto& [topic, subscribed] : group->subscriptions)
        body.member(topic, subscribed);
    body.close('}').close('}');
    reply_json(broker, request, body);
}

/// GET_TOPIC_CONFIG (351), since 5.0
inline void answer_topic_config(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<topic_question>(broker, request);
    if (!wanted)
        return;
    const auto* topic = broker.store.find_topic(wanted->topic);
    if (!topic)
        return reply(broker, request, response_code::topic_not_exist,
                     "No topic in this broker. topic: " + wanted->topic);
    protocol::json_writer body;
    body.open('{')
        .key("attributes")
        .open('{')
        .close('}')
        .member("order", false)
        .member("perm", topic->permission)
        .member("readQueueNums", topic->read_queues)
        .member("topicFilterType", "SINGLE_TAG")
        .member("topicName", wanted->topic)
        .member("topicSysFlag", 0)
        .member("writeQueueNums", topic->write_queues)
        .close('}');
    reply_json(broker, request, body);
}

/// UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200)
inline void answer_create_group(broker_state& broker, const incoming_request& request) {
    const auto body = protocol::parse_body(request.body);
    std::string name;
    if (!body || !protocol::read_json(*body, "groupName", name) || check_group(name))
        return reply(broker, request, response_code::system_error, "the group is not valid");
    broker.known_groups.insert(std::move(name));
    reply(broker, request, response_code::success);
}

/// DELETE_TOPIC_IN_BROKER (215), DELETE_TOPIC_IN_NAMESRV (216): one and the same here.
inline void answer_delete_topic(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<topic_question>(broker, request);
    if (!wanted)
        return;
    if (is_system_topic(wanted->topic))
        return reply(broker, request, invalid_parameter(broker), "the topic is a system topic: " + wanted->topic);
    remove_topic(broker, wanted->topic);
    reply(broker, request, response_code::success);
}

/// GET_CONSUMER_RUNNING_INFO (307): the client is asked, and its answer passed on.
inline void answer_running_info(broker_state& broker, const incoming_request& request) {
    constexpr std::size_t most_forwarded = 1000;
    const auto wanted                    = read_request<client_question>(broker, request);
    if (!wanted)
        return;
    const auto* group = broker.groups.find(wanted->group);
    const auto member = group ? std::ranges::find(group->members, wanted->client_id, &group_member::client_id)
                              : std::vector<group_member>::const_iterator();
    if (!group || member == group->members.end() || broker.forwarded.size() >= most_forwarded)
        return reply(broker, request, response_code::system_error,
                     "The Consumer <" + wanted->group + "> <" + wanted->client_id + "> not online");
    const protocol::command_meta meta{.opaque = broker.next_opaque++, .version = broker.options.version};
    broker.forwarded.emplace(meta.opaque, forwarded_request{request.from, request.header.opaque,
                                                            request.header.encoding, member->connection});
    protocol::append_request(broker.out.frames_to(member->connection), protocol::header_encoding::json, *wanted, meta);
}

/// A client's answer to what was forwarded to it.
inline void pass_answer_on(broker_state& broker, connection_id from, const protocol::header_view& header,
                           std::string_view body) {
    const auto found = broker.forwarded.find(header.opaque);
    if (found == broker.forwarded.end() || found->second.answered_by != from)
        return;
    const auto [asked_by, opaque, encoding, answered_by] = found->second;
    broker.forwarded.erase(found);
    reply(broker, {asked_by, opaque, encoding}, static_cast<response_code>(header.code), header.remark(),
          protocol::no_fields{}, body);
}

/// A client will not answer any more what was forwarded to it; and what it has asked itself is over.
inline void drop_forwarded(broker_state& broker, connection_id gone) {
    std::erase_if(broker.forwarded, [&](const auto& each) {
        const auto& [asked_by, opaque, encoding, answered_by] = each.second;
        if (answered_by == gone)
            reply(broker, {asked_by, opaque, encoding}, response_code::consumer_not_online, "the client has gone");
        return answered_by == gone || asked_by == gone;
    });
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/group_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_GROUP_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_GROUP_REQUESTS_HPP

// rocketpush/embedded/route_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_ROUTE_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ROUTE_REQUESTS_HPP


#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/**
 * Topics: where they are, and how they come to be.
 * @par Source  Java `ClientRequestProcessor` (name server), `TopicConfigManager`, `AdminBrokerProcessor`.
 */
namespace rocketpush::embedded::answering {

inline protocol::route_data route_of(const broker_state& broker, const topic_settings& topic) {
    protocol::route_data route;
    route.queue_datas.push_back({broker.options.name, topic.read_queues, topic.write_queues, topic.permission});
    route.broker_datas.push_back({broker.options.cluster, broker.options.name, {{0, to_string(broker.address)}}});
    return route;
}

/// GET_ROUTEINFO_BY_TOPIC (105)
inline void answer_route(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::route_request>(broker, request);
    if (!wanted)
        return;
    const auto* topic = broker.store.find_topic(wanted->topic);
    if (!topic || wanted->topic == schedule_topic)
        return reply(broker, request, response_code::topic_not_exist,
                     "No topic route info in name server for the topic: " + wanted->topic);

    auto body = protocol::encode(route_of(broker, *topic));
    // Who is older and does not ask for standard JSON gets Java's own: integers as keys.
    constexpr std::int32_t version_4_9_4 = 401;
    const auto standard                  = request.header.field("acceptStandardJsonOnly");
    if (request.header.version < version_4_9_4 && !(standard && standard->to_bool() == true)) {
        constexpr std::string_view key = R"({"0":)";
        if (const auto at = body.find(key); at != body.npos)
            body.replace(at, key.size(), "{0:");
    }
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, body);
}

/// UPDATE_AND_CREATE_TOPIC (17)
inline void answer_create_topic(broker_state& broker, const incoming_request& request) {
    constexpr std::int32_t most_queues = 65'536;
    const auto wanted                  = read_request<protocol::create_topic_request>(broker, request);
    if (!wanted)
        return;
    if (check_topic(wanted->topic))
        return reply(broker, request, invalid_parameter(broker), "the topic's name is not valid: " + wanted->topic);
    if (is_system_topic(wanted->topic))
        return reply(broker, request, invalid_parameter(broker), "the topic is a system topic: " + wanted->topic);
    const auto fits = [](std::int32_t queues) { return queues >= 0 && queues <= most_queues; };
    if (!fits(wanted->read_queue_nums) || !fits(wanted->write_queue_nums))
        return reply(broker, request, invalid_parameter(broker), "a number of queues is out of range");
    broker.store.set_topic(wanted->topic, {wanted->read_queue_nums, wanted->write_queue_nums, wanted->perm});
    reply(broker, request, response_code::success);
}

/// Makes a topic that belongs to a group, such as its retry topic, if it is not there yet.
inline void ensure_group_topic(broker_state& broker, std::string_view topic, std::int32_t queues) {
    if (!broker.store.find_topic(topic))
        broker.store.set_topic(topic, {queues, queues, 6});
}

/**
 * @brief The topic that a producer sends to; made by the example of another topic where that is allowed.
 * @param example  What the producer names as `defaultTopic`.
 * @param queues   How many it asks for.
 */
inline const topic_settings* find_or_create_topic(broker_state& broker, std::string_view topic,
                                                  std::string_view example, std::int32_t queues) {
    if (const auto* existing = broker.store.find_topic(topic))
        return existing;
    const auto* model      = broker.store.find_topic(example);
    const bool inheritable = model && (model->permission & 1) != 0;
    if (!inheritable || is_system_topic(topic))
        return nullptr;
    const auto made = std::clamp(queues, 1, std::max(1, model->write_queues));
    broker.store.set_topic(topic, {made, made, model->permission & ~1});
    return broker.store.find_topic(topic);
}

} // namespace rocketpush::embedded::answering

#endif

#include <string>
#include <utility>

/**
 * Groups: who is in them, and which queues a member has for itself.
 * @par Source  Java `ClientManageProcessor`, `ConsumerManageProcessor`, `AdminBrokerProcessor`.
 */
namespace rocketpush::embedded::answering {

/// HEART_BEAT (34). A group that is not allowed is passed over in silence: its pulls are told, with 26.
inline void answer_heartbeat(broker_state& broker, const incoming_request& request) {
    const auto heartbeat = protocol::decode_heartbeat(request.body);
    if (!heartbeat)
        return reply(broker, request, response_code::system_error, "the heartbeat is not the JSON it should be");
    for (const auto& consumer : heartbeat->consumers) {
        if (!broker.admit_group(consumer.group_name))
            continue;
        if (broker.options.retry_queues > 0)
            ensure_group_topic(broker, retry_topic(consumer.group_name), broker.options.retry_queues);
        if (broker.groups.join(request.from, heartbeat->client_id, request.header.version, consumer,
                               request.now.steady))
            notify_members(broker, consumer.group_name);
    }
    if (broker.options.is_version_5())
        // Not the second version of heartbeats, whose fingerprints save bytes; "changed" makes clients send all.
        reply(broker, request, response_code::success, {},
              protocol::heartbeat_response{.supports_v2 = false, .subscription_change = true});
    else
        reply(broker, request, response_code::success);
}

/// UNREGISTER_CLIENT (35)
inline void answer_unregister(broker_state& broker, const incoming_request& request) {
    const auto leaving = read_request<protocol::unregister_request>(broker, request);
    if (!leaving)
        return;
    if (!leaving->consumer_group.empty() && broker.groups.leave(request.from, leaving->consumer_group))
        notify_members(broker, leaving->consumer_group);
    reply(broker, request, response_code::success);
}

/// GET_CONSUMER_LIST_BY_GROUP (38)
inline void answer_consumer_list(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::consumer_list_request>(broker, request);
    if (!wanted)
        return;
    const auto* group = broker.groups.find(wanted->consumer_group);
    if (!group)
        return reply(broker, request, response_code::system_error,
                     "no consumer for this group, " + wanted->consumer_group);
    protocol::consumer_list list;
    for (const auto& member : group->members)
        list.consumer_ids.push_back(member.client_id);
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(list));
}

/// LOCK_BATCH_MQ (41)
inline void answer_lock(broker_state& broker, const incoming_request& request) {
    const auto wanted = protocol::decode_lock(request.body);
    if (!wanted)
        return reply(broker, request, response_code::system_error, "the lock is not the JSON it should be");
    protocol::locked_queues locked;
    for (const auto& queue : wanted->queues)
        if (broker.locks.lock(wanted->consumer_group, queue, wanted->client_id, request.now.steady))
            locked.queues.push_back(queue);
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(locked));
}

/// UNLOCK_BATCH_MQ (42)
inline void answer_unlock(broker_state& broker, const incoming_request& request) {
    const auto given_up = protocol::decode_lock(request.body);
    if (!given_up)
        return reply(broker, request, response_code::system_error, "the unlock is not the JSON it should be");
    for (const auto& queue : given_up->queues)
        broker.locks.unlock(given_up->consumer_group, queue, given_up->client_id);
    reply(broker, request, response_code::success);
}

/// CHECK_CLIENT_CONFIG (46). Conditions over properties are not evaluated here, as at a broker that has them off.
inline void answer_check_client(broker_state& broker, const incoming_request& request) {
    const auto check = protocol::decode_client_check(request.body);
    if (!check)
        return reply(broker, request, response_code::system_error, "the check is not the JSON it should be");
    if (check->wanted.type != filter_type::tag)
        return reply(broker, request, response_code::system_error,
                     "The broker does not support consumer to filter message by SQL92");
    reply(broker, request, response_code::success);
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/message_intake.hpp
#ifndef ROCKETPUSH_EMBEDDED_MESSAGE_INTAKE_HPP
#define ROCKETPUSH_EMBEDDED_MESSAGE_INTAKE_HPP

// rocketpush/embedded/stored_record.hpp
#ifndef ROCKETPUSH_EMBEDDED_STORED_RECORD_HPP
#define ROCKETPUSH_EMBEDDED_STORED_RECORD_HPP


#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rocketpush::embedded {

/**
 * @brief Reads a message back that this broker has stored, to store it again elsewhere.
 * @param record  From the commit log; so it is whole, and nothing is checked. The result's texts are views of it: copy
 *                it first, for storing may drop it from the log.
 */
inline protocol::stored_message read_stored(std::string_view record) noexcept {
    namespace layout  = rocketpush::detail::message_layout;
    const auto number = [record]<class T>(T, std::size_t at) {
        return rocketpush::detail::load_big<T>(record.data() + at);
    };
    const auto flags = number(std::uint32_t{}, layout::sys_flag);

    protocol::stored_message message;
    message.queue_id          = number(std::int32_t{}, layout::queue_id);
    message.flag              = number(std::int32_t{}, layout::flag);
    message.queue_offset      = number(std::int64_t{}, layout::queue_offset);
    message.commit_log_offset = number(std::int64_t{}, layout::commit_log_offset);
    message.sys_flag          = flags;
    message.born_timestamp    = number(std::int64_t{}, layout::born_timestamp);
    message.store_timestamp   = number(std::int64_t{}, layout::store_timestamp(flags));
    message.born_host = host_address::read(record.data() + layout::born_host, (flags & sys_flags::born_host_v6) != 0);
    message.store_host =
        host_address::read(record.data() + layout::store_host(flags), (flags & sys_flags::store_host_v6) != 0);
    message.reconsume_times             = number(std::int32_t{}, layout::reconsume_times(flags));
    message.prepared_transaction_offset = number(std::int64_t{}, layout::prepared_transaction_offset(flags));
    message.body_crc                    = number(std::uint32_t{}, layout::body_crc);

    const bool is_v2 = number(std::uint32_t{}, layout::magic) == layout::magic_v2;
    auto at          = layout::body(flags);
    message.body     = record.substr(at, number(std::uint32_t{}, layout::body_size(flags)));
    at += message.body.size();
    const std::size_t topic_size = is_v2 ? number(std::uint16_t{}, at) : number(std::uint8_t{}, at);
    at += is_v2 ? 2 : 1;
    message.topic = record.substr(at, topic_size);
    at += topic_size;
    message.properties = record.substr(at + 2, number(std::uint16_t{}, at));
    return message;
}

} // namespace rocketpush::embedded

#endif

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

/**
 * How messages get into queues: at once, or parked until they are due.
 * @par Source  Java `HookUtils.handleScheduleMessage`, `ScheduleMessageService`.
 */
namespace rocketpush::embedded::answering {

inline std::optional<std::int32_t> to_number(std::string_view text) noexcept {
    std::int32_t number  = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    return ec == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// The message's delay level; 0 when it is to be delivered at once.
inline std::int32_t delay_level_of(std::string_view properties) noexcept {
    const auto level = protocol::find_property(properties, property_names::delay_level);
    return level ? std::max(0, to_number(*level).value_or(0)) : 0;
}

/// Stores a message in the queue that it names, and remembers that pulls may wait for it.
inline stored_place store_now(broker_state& broker, const protocol::stored_message& message) {
    const auto place = broker.store.append(message);
    broker.arrivals.push_back(
        {std::string(message.topic), message.queue_id, message_store::tag_hash(message.properties)});
    return place;
}

/// Whether the properties will still fit when the message is parked.
inline bool properties_fit(std::string_view topic, std::string_view properties) noexcept {
    constexpr std::size_t real_queue_id_size = 24;
    const auto parked =
        delay_level_of(properties) > 0 ? property_names::real_topic.size() + topic.size() + real_queue_id_size : 0;
    return properties.size() + parked <= protocol::most_property_bytes;
}

/// Stores a message, or parks it when it has a delay level. Its topic and queue exist, its properties fit.
inline stored_place store_or_park(broker_state& broker, protocol::stored_message message, const moment& now) {
    message.store_timestamp = now.milliseconds();
    const auto level        = broker.delays.clamp(delay_level_of(message.properties));
    if (level == 0)
        return store_now(broker, message);

    std::string properties(message.properties);
    protocol::set_property(properties, property_names::real_topic, message.topic);
    protocol::set_property(properties, property_names::real_queue_id, std::to_string(message.queue_id));
    const auto queue_id = message.queue_id;
    message.topic       = schedule_topic;
    message.queue_id    = level - 1;
    message.properties  = properties;
    auto place          = broker.store.append(message);
    broker.delays.park(level, now.steady, place.commit_log_offset);
    place.queue_id = queue_id; // producers are told of the queue that they asked for
    return place;
}

/// Moves what is due from its parking place into its topic. What has been dropped from the log meanwhile is lost.
inline void deliver_due(broker_state& broker, const moment& now) {
    while (const auto due = broker.delays.take_due(now.steady)) {
        const std::string record(broker.store.record_at(*due));
        if (record.empty())
            continue;
        auto message       = read_stored(record);
        const auto topic   = protocol::find_property(message.properties, property_names::real_topic);
        const auto queue   = protocol::find_property(message.properties, property_names::real_queue_id);
        const auto* target = topic ? broker.store.find_topic(*topic) : nullptr;
        if (!target || target->queues() == 0)
            continue; // the topic was removed meanwhile
        message.topic           = *topic;
        message.queue_id        = std::clamp(queue ? to_number(*queue).value_or(0) : 0, 0, target->queues() - 1);
        message.store_timestamp = now.milliseconds();
        store_now(broker, message);
    }
}

/// `offsetMsgId` of a message that is stored there.
inline std::string message_id_at(const broker_state& broker, const stored_place& place) {
    return to_string(protocol::offset_message_id{broker.store.store_host(), place.commit_log_offset});
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/offset_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_OFFSET_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_OFFSET_REQUESTS_HPP


#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>

/**
 * Offsets: what a group has committed, and which a queue has.
 * @par Source  Java `ConsumerManageProcessor`, `AdminBrokerProcessor`.
 */
namespace rocketpush::embedded::answering {

inline void reply_offset(broker_state& broker, const incoming_request& request, queue_offset offset) {
    reply(broker, request, response_code::success, {}, protocol::offset_response{offset});
}

/**
 * @brief QUERY_CONSUMER_OFFSET (14)
 *
 * A group that never committed begins at 0 where message 0 is still there, although it asked for "last": real brokers do
 * that while the message is in memory, and here all are. For an empty queue, 4.9 says 0 and 5.x "not found".
 */
inline void answer_query_offset(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::query_offset_request>(broker, request);
    if (!wanted)
        return;
    if (const auto committed = broker.offsets.find(wanted->consumer_group, wanted->topic, wanted->queue_id))
        return reply_offset(broker, request, *committed);

    const bool is_5  = broker.options.is_version_5();
    const bool young = broker.store.min_offset(wanted->topic, wanted->queue_id) <= 0;
    const bool empty = broker.store.max_offset(wanted->topic, wanted->queue_id) <= 0;
    if (is_5 && wanted->set_zero_if_not_found == false)
        return reply(broker, request, response_code::query_not_found,
                     "Not found, do not set to zero, maybe this group boot first");
    if (young && !(is_5 && empty))
        return reply_offset(broker, request, 0);
    reply(broker, request, response_code::query_not_found,
          "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
}

/// UPDATE_CONSUMER_OFFSET (15). 4.9 keeps an offset of whatever it is told.
inline void answer_update_offset(broker_state& broker, const incoming_request& request) {
    const auto update = read_request<protocol::update_offset_request>(broker, request);
    if (!update)
        return;
    if (broker.options.is_version_5()) {
        if (!broker.store.find_topic(update->topic))
            return reply(broker, request, response_code::topic_not_exist, "Topic " + update->topic + " not exist!");
        if (!broker.admit_group(update->consumer_group))
            return reply(broker, request, response_code::subscription_group_not_exist,
                         "Group " + update->consumer_group + " not exist!");
    }
    broker.offsets.commit(update->consumer_group, update->topic, update->queue_id, update->commit_offset);
    reply(broker, request, response_code::success);
}

/// GET_MAX_OFFSET (30). A queue that does not exist has 0.
inline void answer_max_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::max_offset_request>(broker, request))
        reply_offset(broker, request, broker.store.max_offset(wanted->topic, wanted->queue_id));
}

/// GET_MIN_OFFSET (31)
inline void answer_min_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::min_offset_request>(broker, request))
        reply_offset(broker, request, broker.store.min_offset(wanted->topic, wanted->queue_id));
}

/// GET_EARLIEST_MSG_STORETIME (32). -1 where there is no message.
inline void answer_earliest_time(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::earliest_time_request>(broker, request);
    if (!wanted)
        return;
    const auto first  = broker.store.min_offset(wanted->topic, wanted->queue_id);
    const auto oldest = broker.store.find_entry(wanted->topic, wanted->queue_id, first);
    reply(broker, request, response_code::success, {},
          protocol::timestamp_response{oldest ? oldest->store_timestamp : -1});
}

/**
 * @brief SEARCH_OFFSET_BY_TIMESTAMP (29)
 *
 * `lower`, the default, is the first message at the time or later; `upper` the last one at the time or earlier. Later than
 * all messages: 5.x answers the maximum to `lower`, 4.9 the last message's offset.
 */
inline void answer_search_offset(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::search_offset_request>(broker, request);
    if (!wanted)
        return;
    const auto smallest = broker.store.min_offset(wanted->topic, wanted->queue_id);
    const auto largest  = broker.store.max_offset(wanted->topic, wanted->queue_id);
    const auto last     = std::max(smallest, largest - 1);
    const bool is_5     = broker.options.is_version_5();
    const bool upper    = is_5 && std::ranges::equal(wanted->boundary_type, std::string_view("upper"), {}, [](char c) {
                           return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                       });
    auto found =
        broker.store.first_since(wanted->topic, wanted->queue_id,
                                 upper && wanted->timestamp < INT64_MAX ? wanted->timestamp + 1 : wanted->timestamp);
    if (upper)
        found = std::max(smallest, found - 1);
    else if (!is_5)
        found = std::min(found, last);
    reply_offset(broker, request, found);
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/send_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_SEND_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_SEND_REQUESTS_HPP


#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/**
 * Messages in: from producers, and back from consumers.
 * @par Source  Java `SendMessageProcessor`, `AbstractSendMessageProcessor`.
 */
namespace rocketpush::embedded::answering {

/// How a send ended.
struct send_outcome {
    response_code code = response_code::success;
    std::string remark{};
    protocol::send_response fields{};
};

/// Clients from this version on may say how often a message is retried. Java: V3_4_9.
inline constexpr std::int32_t version_with_max_reconsume_times = 121;

/// Where a message really goes. A retry that was retried enough goes to the group's dead letters, and so does one of a
/// group that consumes in order: its retries are over when it sends them.
template <class Request>
std::optional<send_outcome> redirect_retry(broker_state& broker, Request& send, std::int32_t client_version,
                                           const moment& now) {
    if (!is_retry_topic(send.topic))
        return std::nullopt;
    const auto group = send.topic.substr(retry_topic_prefix.size());
    if (!broker.admit_group(group))
        return send_outcome{response_code::subscription_group_not_exist, "subscription group not exist, " + group};
    auto max_times = broker.options.max_reconsume_times;
    if (client_version >= version_with_max_reconsume_times)
        max_times = send.max_reconsume_times.value_or(max_times);
    if (send.reconsume_times <= max_times && !broker.locks.any(group, now.steady)) {
        ensure_group_topic(broker, send.topic, std::max(1, broker.options.retry_queues));
        return std::nullopt;
    }
    send.topic    = dlq_topic(group);
    send.queue_id = 0;
    ensure_group_topic(broker, send.topic, 1);
    protocol::set_property(send.properties, property_names::delay_level, "0");
    return std::nullopt;
}

/// What the broker itself writes into a message's properties.
inline void complete_properties(broker_state& broker, std::string& properties, const moment& now) {
    const auto& options = broker.options;
    if (options.is_version_5()) {
        if (!protocol::find_property(properties, property_names::unique_key))
            protocol::append_property(properties, property_names::unique_key, broker.unique_ids.next(now.system));
        protocol::set_property(properties, property_names::region, "DefaultRegion");
        protocol::set_property(properties, property_names::trace_on, "true");
    } else {
        protocol::remove_property(properties, property_names::wait_store);
    }
    protocol::set_property(properties, property_names::cluster, options.cluster);
    if (!options.is_version_5())
        properties.pop_back(); // 4.9 leaves the last separator out
}

template <class Request>
send_outcome check_send(broker_state& broker, const Request& send, std::string_view body) {
    if (check_topic(send.topic))
        return {invalid_parameter(broker), "The specified topic is not valid: " + send.topic};
    if (is_system_topic(send.topic) && send.topic != auto_create_topic && send.topic != "RMQ_SYS_TRACE_TOPIC")
        return {response_code::no_permission, "Sending message to topic[" + send.topic + "] is forbidden."};
    if ((static_cast<std::uint32_t>(send.sys_flag) & sys_flags::transaction_mask) != 0)
        return {response_code::no_permission, "the broker sending transaction message is forbidden"};
    if (body.size() > broker.options.max_message_body)
        return {response_code::message_illegal, "the message is larger than the broker allows"};
    const auto* topic = find_or_create_topic(broker, send.topic, send.default_topic, send.default_topic_queue_nums);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + send.topic + "] not exist, apply first please!"};
    if (!topic->writable() || topic->write_queues == 0)
        return {response_code::no_permission, "the topic[" + send.topic + "] sending message is forbidden"};
    if (send.queue_id >= topic->queues())
        return {invalid_parameter(broker), "request queueId[" + std::to_string(send.queue_id) + "] is illegal"};
    return {};
}

/// The envelope that all messages of a send have in common.
template <class Request>
protocol::stored_message envelope_of(const Request& send, const host_address& sender) {
    protocol::stored_message message;
    message.topic           = send.topic;
    message.queue_id        = send.queue_id;
    message.flag            = send.flag;
    message.sys_flag        = static_cast<std::uint32_t>(send.sys_flag);
    message.born_timestamp  = send.born_timestamp;
    message.born_host       = sender;
    message.reconsume_times = send.reconsume_times;
    return message;
}

template <class Request>
void store_one(broker_state& broker, Request& send, std::string_view body, const host_address& sender,
               const moment& now, send_outcome& outcome) {
    complete_properties(broker, send.properties, now);
    if (!properties_fit(send.topic, send.properties)) {
        outcome = {response_code::message_illegal, "the message's properties are longer than 32767 bytes"};
        return;
    }
    auto message       = envelope_of(send, sender);
    message.body       = body;
    message.properties = send.properties;
    const auto place   = store_or_park(broker, message, now);
    if (broker.options.is_version_5())
        outcome.fields.transaction_id =
            protocol::find_property(send.properties, property_names::unique_key).value_or(std::string_view());
    outcome.fields.message_id   = message_id_at(broker, place);
    outcome.fields.queue_offset = place.offset;
}

/// Stores a batch's messages one by one; all of them or, if it is damaged, none.
template <class Request>
void store_batch(broker_state& broker, const Request& send, std::string_view body, const host_address& sender,
                 const moment& now, send_outcome& outcome) {
    std::size_t messages = 0;
    bool fits            = true;
    const auto rest      = protocol::visit_batch(body, [&](const protocol::batch_message& one) {
        ++messages;
        fits = fits && properties_fit(send.topic, one.properties);
    });
    if (messages == 0 || !rest.empty() || !fits || is_retry_topic(send.topic)) {
        outcome = {response_code::message_illegal, "the batch is damaged, or goes to a retry topic"};
        return;
    }
    auto message = envelope_of(send, sender);
    bool first   = true;
    protocol::visit_batch(body, [&](const protocol::batch_message& one) {
        message.flag       = one.flag;
        message.body       = one.body;
        message.properties = one.properties;
        const auto place   = store_or_park(broker, message, now);
        if (first)
            outcome.fields.queue_offset = place.offset;
        outcome.fields.message_id += (first ? "" : ",") + message_id_at(broker, place);
        first = false;
    });
}

/// Checks a send and stores what it brings.
template <class Request>
send_outcome take_in(broker_state& broker, Request send, std::string_view body, const host_address& sender,
                     std::int32_t client_version, const moment& now) {
    if (auto refused = redirect_retry(broker, send, client_version, now))
        return std::move(*refused);
    auto outcome = check_send(broker, send, body);
    if (outcome.code != response_code::success)
        return outcome;
    if (send.queue_id < 0)
        send.queue_id = broker.store.next_queue(send.topic);
    if (Request::code == protocol::request_code::send_batch_message || send.batch)
        store_batch(broker, send, body, sender, now, outcome);
    else
        store_one(broker, send, body, sender, now, outcome);
    outcome.fields.queue_id = send.queue_id;
    outcome.fields.region   = "DefaultRegion";
    outcome.fields.trace_on = "true";
    return outcome;
}

/// SEND_MESSAGE_V2 (310), SEND_BATCH_MESSAGE (320), SEND_MESSAGE (10)
template <class Request>
void answer_send(broker_state& broker, const incoming_request& request) {
    auto send = read_request<Request>(broker, request);
    if (!send)
        return;
    const auto sender  = broker.connections.at(request.from).address;
    const auto outcome = take_in(broker, std::move(*send), request.body, sender, request.header.version, request.now);
    if (outcome.code == response_code::success)
        reply(broker, request, outcome.code, outcome.remark, outcome.fields);
    else
        reply(broker, request, outcome.code, outcome.remark);
}

/// CONSUMER_SEND_MSG_BACK (36): the message is stored again for later, or with the dead letters.
inline void answer_send_back(broker_state& broker, const incoming_request& request) {
    const auto back = read_request<protocol::send_back_request>(broker, request);
    if (!back)
        return;
    if (!broker.admit_group(back->group))
        return reply(broker, request, response_code::subscription_group_not_exist,
                     "subscription group not exist, " + back->group);
    if (broker.options.retry_queues <= 0)
        return reply(broker, request, response_code::success); // as in Java: the message is dropped
    const std::string record(broker.store.record_at(back->offset));
    if (record.empty())
        return reply(broker, request, response_code::system_error,
                     "look message by offset failed, " + std::to_string(back->offset));

    auto message = read_stored(record);
    std::string properties(message.properties);
    if (!protocol::find_property(properties, property_names::retry_topic))
        protocol::append_property(properties, property_names::retry_topic, message.topic);
    if (!protocol::find_property(properties, property_names::origin_message_id))
        protocol::append_property(properties, property_names::origin_message_id,
                                  message_id_at(broker, {.commit_log_offset = message.commit_log_offset}));
    protocol::set_property(properties, property_names::wait_store, "false");

    auto max_times = broker.options.max_reconsume_times;
    if (request.header.version >= version_with_max_reconsume_times)
        max_times = back->max_reconsume_times.value_or(max_times);
    const bool dead  = back->delay_level < 0 || message.reconsume_times >= max_times;
    const auto topic = dead ? dlq_topic(back->group) : retry_topic(back->group);
    ensure_group_topic(broker, topic, dead ? 1 : broker.options.retry_queues);
    const auto* target = broker.store.find_topic(topic);
    if (!target->writable())
        return reply(broker, request, response_code::no_permission,
                     "the topic[" + topic + "] sending message is forbidden");

    // Kept small enough to be a number whatever the count is; the schedule knows its last level.
    const auto later = std::min(3 + std::min(message.reconsume_times, 1000), broker.delays.levels());
    const auto level = dead ? 0 : back->delay_level == 0 ? later : back->delay_level;
    protocol::set_property(properties, property_names::delay_level, std::to_string(level));
    if (!properties_fit(topic, properties))
        return reply(broker, request, response_code::message_illegal,
                     "the message's properties are longer than 32767 bytes");
    message.topic           = topic;
    message.queue_id        = broker.store.next_queue(topic);
    message.properties      = properties;
    message.reconsume_times = std::min(message.reconsume_times, INT32_MAX - 1) + 1;
    store_or_park(broker, message, request.now);
    reply(broker, request, response_code::success);
}

} // namespace rocketpush::embedded::answering

#endif

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// What may be said about a message that is sent, all of it optional.
struct send_options {
    std::string tags{};
    std::string keys{}; ///< Separated by spaces.
    std::vector<std::pair<std::string, std::string>> properties{};
    std::optional<std::int32_t> queue{}; ///< Else the topic's queues in turn.
    std::int32_t delay_level = 0;        ///< Of `broker_options::delay_levels`; 0: at once.
};

/// Where a message was stored.
struct sent_message {
    std::string message_id;        ///< As the listener's `message_id()`.
    std::string offset_message_id; ///< As the listener's `offset_message_id()`.
    std::int32_t queue_id = 0;
    queue_offset offset   = 0;

    friend bool operator==(const sent_message&, const sent_message&) = default;
};

/// What the broker has seen so far.
struct broker_statistics {
    std::map<std::int32_t, std::uint64_t> requests; ///< Number of requests by their code.
    std::uint64_t connections_accepted = 0;
    std::size_t connections_open       = 0;
    std::size_t pulls_held             = 0; ///< Waiting for messages now.
    std::size_t messages_parked        = 0; ///< Waiting for their delay now.

    /// Requests with this code; 0 if there was none.
    std::uint64_t requests_of(protocol::request_code code) const {
        const auto found = requests.find(static_cast<std::int32_t>(code));
        return found == requests.end() ? 0 : found->second;
    }
};

/**
 * @brief A RocketMQ name server and broker without I/O: told of connections, frames and time, it writes frames into an
 *        outbox. `basic_broker` puts it on a transport.
 *
 * After each call look at `out()`, and at `next_due()` for when to call `tick`.
 *
 * @par Thread safety  None.
 */
class broker_logic {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /**
     * @param reached_at   Where clients connect to; routes say so.
     * @param own_address  The same as a number, for message ids.
     * @param seed         Random; tells this broker's message ids from another's.
     */
    broker_logic(broker_options options, endpoint reached_at, const host_address& own_address, std::uint64_t seed)
        : state_(std::move(options), std::move(reached_at), own_address, seed) {}

    const broker_options& options() const noexcept { return state_.options; }
    const endpoint& address() const noexcept { return state_.address; }
    outbox& out() noexcept { return state_.out; }

    /// A client has connected.
    connection_id connect(const host_address& client, const moment& now) {
        const auto id = next_connection_++;
        if (state_.connections.empty())
            next_scan_ = now.steady + state_.options.scan_interval;
        state_.connections.emplace(id, client_connection{client, now.steady});
        state_.out.open(id);
        return id;
    }

    /// A client's connection has ended, for whatever reason; its groups are told.
    void disconnect(connection_id connection) {
        state_.out.forget(connection);
        end_client(connection);
    }

    /// Ends all connections, as a crash of the network does.
    void drop_connections() {
        for (const auto connection : state_.out.connections())
            cut(connection);
    }

    /// A whole frame has come from a client.
    void handle(connection_id from, const protocol::header_view& header, std::string_view body, const moment& now) {
        const auto client = state_.connections.find(from);
        if (client == state_.connections.end())
            return; // it was cut while the frame was under way
        client->second.last_active = now.steady;
        if (header.is_response())
            return answering::pass_answer_on(state_, from, header, body);
        ++statistics_.requests[header.code];
        const incoming_request request{from, header, body, now};
        if (const auto failure = take_fault(header.code))
            answering::reply(state_, request, *failure, "fail_next");
        else
            answer(request);
        answering::wake_held_pulls(state_);
    }

    /// Does what is due: ends held pulls, delivers delayed messages, forgets clients that are silent.
    void tick(const moment& now) {
        answering::deliver_due(state_, now);
        answering::wake_held_pulls(state_);
        while (const auto due = state_.held.take_due(now.steady))
            answering::end_held_pull(state_, *due);
        if (!state_.connections.empty() && now.steady >= next_scan_)
            scan_clients(now.steady);
    }

    /// When `tick` has something to do.
    std::optional<time_point> next_due() const {
        std::optional<time_point> earliest;
        const auto consider = [&earliest](const std::optional<time_point>& at) {
            if (at && (!earliest || *at < *earliest))
                earliest = at;
        };
        consider(state_.delays.next_due());
        consider(state_.held.next_due());
        if (!state_.connections.empty())
            consider(next_scan_);
        return earliest;
    }

    /// Makes a topic, or gives it more queues. @return error::invalid_topic, invalid_option (queues) or nothing.
    std::error_code create_topic(std::string_view topic, std::int32_t queues) {
        if (check_topic(topic))
            return error::invalid_topic;
        if (queues < 1 || queues > 65'536)
            return error::invalid_option;
        state_.store.set_topic(topic, {queues, queues, 6});
        return {};
    }

    /// Allows a group, where groups are not made by themselves.
    std::error_code create_group(std::string_view group) {
        if (const auto code = check_group(group))
            return code;
        state_.known_groups.emplace(group);
        return {};
    }

    /// Stores a message as if a producer had sent it. @retval a `response_code`, as the producer would have got.
    result<sent_message> send(std::string_view topic, std::string_view body, const send_options& options,
                              const moment& now) {
        protocol::send_request request{.producer_group = "embedded", .topic = std::string(topic)};
        request.born_timestamp           = now.milliseconds();
        request.queue_id                 = options.queue.value_or(-1);
        request.default_topic_queue_nums = state_.options.auto_queues;
        if (!append_properties(request.properties, options))
            return response_code::message_illegal;
        const auto done = answering::take_in(state_, std::move(request), body, state_.store.store_host(),
                                             protocol::client_version, now);
        if (done.code != response_code::success)
            return done.code;
        answering::wake_held_pulls(state_);
        const auto& unique = done.fields.transaction_id;
        return sent_message{unique.empty() ? done.fields.message_id : unique, done.fields.message_id,
                            done.fields.queue_id, done.fields.queue_offset};
    }

    /// Copies of a topic's messages in the order in which they were stored; none for a topic that does not exist.
    std::vector<message> messages(std::string_view topic) const {
        std::vector<message> copies;
        const auto* settings = state_.store.find_topic(topic);
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id)
            copy_queue(topic, id, copies);
        std::ranges::sort(copies, {}, [](const message& one) { return one->commit_log_offset(); });
        return copies;
    }

    /// Number of messages that a topic holds.
    std::size_t stored(std::string_view topic) const {
        queue_offset sum     = 0;
        const auto* settings = state_.store.find_topic(topic);
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id)
            sum += state_.store.max_offset(topic, id) - state_.store.min_offset(topic, id);
        return static_cast<std::size_t>(sum);
    }

    std::optional<queue_offset> committed_offset(std::string_view group, std::string_view topic,
                                                 std::int32_t queue_id) const {
        return state_.offsets.find(group, topic, queue_id);
    }

    /// Whether a group has committed behind every message that a topic holds.
    bool consumed(std::string_view group, std::string_view topic) const {
        const auto* settings = state_.store.find_topic(topic);
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id) {
            const auto end = state_.store.max_offset(topic, id);
            if (end > state_.store.min_offset(topic, id) && state_.offsets.find(group, topic, id).value_or(0) < end)
                return false;
        }
        return settings != nullptr;
    }

    queue_offset max_offset(std::string_view topic, std::int32_t queue_id) const {
        return state_.store.max_offset(topic, queue_id);
    }
    queue_offset min_offset(std::string_view topic, std::int32_t queue_id) const {
        return state_.store.min_offset(topic, queue_id);
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        std::vector<std::string> ids;
        if (const auto* found = state_.groups.find(group))
            for (const auto& member : found->members)
                ids.push_back(member.client_id);
        return ids;
    }

    /// The next `count` requests with this code are answered with `failure` and not processed.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count) {
        faults_[static_cast<std::int32_t>(code)] = {failure, count};
    }

    /// Forgets a topic with its messages and offsets. @return Whether it existed.
    bool forget_topic(std::string_view topic) { return answering::remove_topic(state_, topic); }

    /// Forgets a queue's messages before an offset.
    void drop_before(std::string_view topic, std::int32_t queue_id, queue_offset offset) {
        state_.store.drop_before(topic, queue_id, offset);
    }

    broker_statistics statistics() const {
        auto now                 = statistics_;
        now.connections_accepted = next_connection_ - 1;
        now.connections_open     = state_.connections.size();
        now.pulls_held           = state_.held.size();
        now.messages_parked      = state_.delays.size();
        return now;
    }

  private:
    struct answering_function {
        protocol::request_code code;
        void (*answer)(broker_state&, const incoming_request&);
    };
    struct fault {
        response_code failure;
        std::size_t left;
    };

    static constexpr auto answering_functions() noexcept {
        using code = protocol::request_code;
        using namespace answering;
        return std::to_array<answering_function>({
            {code::pull_message, answer_pull},
            {code::send_message_v2, answer_send<protocol::send_request>},
            {code::send_batch_message, answer_send<protocol::send_batch_request>},
            {code::send_message, answer_send<protocol::send_v1_request>},
            {code::consumer_send_back, answer_send_back},
            {code::update_consumer_offset, answer_update_offset},
            {code::query_consumer_offset, answer_query_offset},
            {code::get_max_offset, answer_max_offset},
            {code::get_min_offset, answer_min_offset},
            {code::search_offset_by_timestamp, answer_search_offset},
            {code::get_earliest_store_time, answer_earliest_time},
            {code::view_message_by_id, answer_view_message},
            {code::heart_beat, answer_heartbeat},
            {code::unregister_client, answer_unregister},
            {code::get_consumer_list, answer_consumer_list},
            {code::lock_batch, answer_lock},
            {code::unlock_batch, answer_unlock},
            {code::check_client_config, answer_check_client},
            {code::get_route_info, answer_route},
            {code::update_and_create_topic, answer_create_topic},
            {code::get_consumer_running_info, answer_running_info},
            {admin_code::cluster_info, answer_cluster_info},
            {admin_code::topic_list, answer_topic_list},
            {admin_code::topic_stats, answer_topic_stats},
            {admin_code::consume_stats, answer_consume_stats},
            {admin_code::consumer_connection, answer_consumer_connection},
            {admin_code::topic_config, answer_topic_config},
            {admin_code::create_group, answer_create_group},
            {admin_code::delete_topic, answer_delete_topic},
            {admin_code::delete_route, answer_delete_topic},
        });
    }

    void answer(const incoming_request& request) {
        static constexpr auto functions = answering_functions();
        const auto code                 = static_cast<protocol::request_code>(request.header.code);
        const auto found                = std::ranges::find(functions, code, &answering_function::code);
        if (found != functions.end())
            return found->answer(state_, request);
        answering::reply(state_, request, response_code::request_code_not_supported,
                         " request type " + std::to_string(request.header.code) + " not supported");
    }

    std::optional<response_code> take_fault(std::int32_t code) {
        const auto found = faults_.find(code);
        if (found == faults_.end() || found->second.left == 0)
            return std::nullopt;
        --found->second.left;
        return found->second.failure;
    }

    void end_client(connection_id connection) {
        if (state_.connections.erase(connection) == 0)
            return;
        answering::drop_forwarded(state_, connection);
        answering::forget_client(state_, connection);
    }

    void cut(connection_id connection) {
        state_.out.close(connection);
        end_client(connection);
    }

    void scan_clients(time_point now) {
        next_scan_  = now + state_.options.scan_interval;
        auto silent = state_.groups.silent_since(now - state_.options.client_lifetime);
        for (const auto& [id, client] : state_.connections)
            if (client.last_active < now - state_.options.idle_lifetime)
                silent.insert(id);
        for (const auto connection : silent)
            cut(connection);
    }

    static bool append_properties(std::string& raw, const send_options& options) {
        const auto append = [&raw](std::string_view name, std::string_view value) {
            if (!protocol::valid_property_text(name) || !protocol::valid_property_text(value))
                return false;
            protocol::append_property(raw, name, value);
            return true;
        };
        bool valid = options.tags.empty() || append(property_names::tags, options.tags);
        valid      = valid && (options.keys.empty() || append(property_names::keys, options.keys));
        if (options.delay_level > 0)
            append(property_names::delay_level, std::to_string(options.delay_level));
        return std::ranges::all_of(options.properties,
                                   [&](const auto& one) { return append(one.first, one.second); }) &&
               valid;
    }

    void copy_queue(std::string_view topic, std::int32_t queue_id, std::vector<message>& copies) const {
        const message_queue queue{std::string(topic), state_.options.name, queue_id};
        const auto begin = state_.store.min_offset(topic, queue_id);
        const auto end   = state_.store.max_offset(topic, queue_id);
        const rocketpush::detail::message_origin origin{.queue = &queue, .min_offset = begin, .max_offset = end};
        rocketpush::detail::byte_arena arena;
        std::vector<rocketpush::detail::message_fields> found;
        for (auto at = begin; at < end; ++at) {
            const auto entry = state_.store.find_entry(topic, queue_id, at);
            protocol::decode_messages(state_.store.record_at(entry->commit_log_offset), origin, {}, arena, found,
                                      [](std::error_code, std::string_view, std::int64_t) {});
        }
        for (const auto& fields : found)
            copies.emplace_back(message_view(fields));
    }

    broker_state state_;
    connection_id next_connection_ = 1;
    time_point next_scan_{};
    std::map<std::int32_t, fault> faults_;
    broker_statistics statistics_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/broker_server.hpp
#ifndef ROCKETPUSH_EMBEDDED_BROKER_SERVER_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_SERVER_HPP


#include <asio/buffer.hpp>
#include <asio/ip/address.hpp>
#include <asio/write.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A numeric host as stored messages hold it; 127.0.0.1 for a name, as memory transports have.
inline host_address to_host_address(const endpoint& from) {
    std::error_code not_numeric;
    const auto address = asio::ip::make_address(from.host, not_numeric);
    if (not_numeric)
        return {std::array<unsigned char, 4>{127, 0, 0, 1}, from.port};
    if (address.is_v4())
        return {address.to_v4().to_bytes(), from.port};
    return {address.to_v6().to_bytes(), from.port};
}

/**
 * @brief The I/O of an embedded broker: accepts, cuts what comes into frames for the logic, writes what the logic says,
 *        and wakes it when something is due.
 *
 * Shared by its coroutines, so it lives until the last of them has ended. The logic is behind a mutex: calls of tests come
 * from any thread and do not wait for the network's.
 *
 * @par Thread safety  `with_logic`, `pause` and `resume` from any thread; the rest on the runtime's executor.
 */
template <listening_transport Transport, runtime Runtime>
class broker_server : public std::enable_shared_from_this<broker_server<Transport, Runtime>> {
  public:
    using executor_type = typename Runtime::executor_type;

    /// Listens. @throws std::system_error  It cannot, or an option is out of its range.
    broker_server(broker_options options, Transport transport, const Runtime& runtime)
        : runtime_(runtime),
          acceptor_(open_acceptor(transport, options)),
          timer_(runtime_),
          retry_timer_(runtime_),
          resumed_(runtime_.get_executor()) {
        auto reached_at = acceptor_.local_endpoint();
        if (!options.advertised_host.empty())
            reached_at.host = options.advertised_host;
        else if (reached_at.host == "0.0.0.0" || reached_at.host == "::")
            reached_at.host = "127.0.0.1";
        const auto own_address = to_host_address(reached_at);
        logic_.emplace(std::move(options), std::move(reached_at), own_address, runtime_.random());
    }

    void start() {
        spawn(accept_clients(this->shared_from_this()));
        spawn(wake_when_due(this->shared_from_this()));
    }

    /// Closes everything; its coroutines end soon after.
    void stop() {
        stopped_ = true;
        acceptor_.close();
        for (const auto& [id, one] : std::map(clients_))
            end(*one);
        timer_.cancel();
        retry_timer_.cancel();
        resumed_.signal();
    }

    const Runtime& runtime() const noexcept { return runtime_; }
    const endpoint& address() const noexcept { return logic_->address(); }

    /// Calls `function(broker_logic&, const moment& now)`, and has done what follows from it.
    template <class F>
    auto with_logic(F&& function) {
        const flush_later flush{this};
        const std::lock_guard lock(mutex_);
        const auto at = now();
        return function(*logic_, at);
    }

    void pause() {
        const std::lock_guard lock(mutex_);
        paused_ = true;
    }

    void resume() {
        {
            const std::lock_guard lock(mutex_);
            paused_ = false;
        }
        asio::post(runtime_.get_executor(), [self = this->shared_from_this()] {
            self->resumed_.signal();
            self->timer_.cancel();
        });
    }

  private:
    using stream_type   = typename Transport::template stream<executor_type>;
    using acceptor_type = typename Transport::template acceptor<executor_type>;
    using nothing       = detail::awaitable<void, executor_type>;

    static constexpr auto await_tuple = detail::await_tuple<executor_type>;

    /// A client that does not read what it asks for is not read from either, beyond these bytes.
    static constexpr std::size_t most_unsent_bytes = 8 * 1024 * 1024;
    static constexpr std::size_t retained_blocks   = 256 * 1024;

    struct client {
        client(stream_type connected, const executor_type& executor, std::size_t frame_limit)
            : stream(std::move(connected)),
              has_frames(executor),
              has_written(executor),
              pool(retained_blocks),
              reader(pool, frame_limit) {}

        stream_type stream;
        detail::async_event<executor_type> has_frames;
        detail::async_event<executor_type> has_written;
        detail::block_pool pool;
        frame_reader reader;
        std::string writing; ///< Swapped with the outbox's buffer, so both keep their room.
        connection_id id = 0;
        bool ended       = false;
    };
    using client_ptr = std::shared_ptr<client>;
    using self_ptr   = std::shared_ptr<broker_server>;

    /// Runs after the lock was given up, whatever was thrown under it.
    struct flush_later {
        broker_server* server;
        ~flush_later() {
            asio::post(server->runtime_.get_executor(), [self = server->shared_from_this()] { self->flush(); });
        }
    };

    acceptor_type open_acceptor(Transport& transport, const broker_options& options) {
        if (const auto problem = describe_problem(options); !problem.empty())
            throw std::system_error(make_error_code(error::invalid_option), "embedded broker: " + std::string(problem));
        auto opened = transport.listen(runtime_.get_executor(), options.listen);
        if (!opened)
            throw std::system_error(opened.error(), "embedded broker cannot listen on " + to_string(options.listen));
        return std::move(*opened);
    }

    moment now() const { return {runtime_.now(), runtime_.system_now()}; }

    void spawn(nothing coroutine) { asio::co_spawn(runtime_.get_executor(), std::move(coroutine), asio::detached); }

    bool is_paused() {
        const std::lock_guard lock(mutex_);
        return paused_;
    }

    /// Lets writers and the timer know what the logic has done.
    void flush() {
        std::vector<connection_id> fresh, closing;
        std::optional<std::chrono::steady_clock::time_point> due;
        {
            const std::lock_guard lock(mutex_);
            fresh   = logic_->out().take_fresh();
            closing = logic_->out().take_closing();
            due     = paused_ ? std::nullopt : logic_->next_due();
        }
        for (const auto id : fresh)
            if (const auto found = clients_.find(id); found != clients_.end())
                found->second->has_frames.signal();
        for (const auto id : closing)
            if (const auto found = clients_.find(id); found != clients_.end())
                end(*client_ptr(found->second));
        if (due && *due < timer_at_)
            timer_.cancel(); // it sets itself anew
    }

    void end(client& one) {
        if (std::exchange(one.ended, true))
            return;
        one.stream.close();
        one.has_frames.signal();
        one.has_written.signal();
        clients_.erase(one.id);
        {
            const std::lock_guard lock(mutex_);
            logic_->disconnect(one.id);
        }
        if (!stopped_)
            flush();
    }

    static nothing accept_clients(self_ptr self) {
        while (!self->stopped_) {
            auto [failure, stream] = co_await self->acceptor_.async_accept(await_tuple);
            if (self->stopped_ || failure == asio::error::operation_aborted)
                break;
            if (failure) {
                // No file descriptors left, most likely: some will be again.
                self->retry_timer_.expires_at(self->runtime_.now() + std::chrono::milliseconds(100));
                co_await self->retry_timer_.async_wait(await_tuple);
                continue;
            }
            self->begin(std::move(stream));
        }
    }

    void begin(stream_type stream) {
        const auto address = to_host_address(stream.remote_endpoint());
        auto one = std::make_shared<client>(std::move(stream), runtime_.get_executor(), logic_->options().frame_limit);
        {
            const std::lock_guard lock(mutex_);
            one->id = logic_->connect(address, now());
        }
        clients_.emplace(one->id, one);
        spawn(read_from(this->shared_from_this(), one));
        spawn(write_to(this->shared_from_this(), one));
        flush();
    }

    static nothing read_from(self_ptr self, client_ptr from) {
        while (!from->ended) {
            const auto room            = from->reader.prepare();
            const auto buffer          = asio::buffer(room.data(), room.size());
            const auto [failure, size] = co_await from->stream.async_read_some(buffer, await_tuple);
            if (failure)
                break;
            from->reader.commit(size);
            const bool usable = co_await handle_frames(self, from);
            if (!usable)
                break;
        }
        self->end(*from);
    }

    /// @return Whether the connection can be read from further.
    static detail::awaitable<bool, executor_type> handle_frames(self_ptr self, client_ptr from) {
        for (;;) {
            while (self->is_paused() && !from->ended)
                co_await self->resumed_.async_wait(await_tuple);
            while (self->unsent(*from) > most_unsent_bytes && !from->ended)
                co_await from->has_written.async_wait(await_tuple);
            if (from->ended)
                co_return false;
            const auto next = from->reader.next();
            if (!next)
                co_return false; // nothing behind a broken frame can be trusted
            if (!*next)
                co_return true;
            {
                const std::lock_guard lock(self->mutex_);
                self->logic_->handle(from->id, (*next)->header, (*next)->body, self->now());
            }
            self->flush();
        }
    }

    std::size_t unsent(const client& to) {
        const std::lock_guard lock(mutex_);
        return logic_->out().waiting_for(to.id);
    }

    static nothing write_to(self_ptr self, client_ptr to) {
        while (!to->ended) {
            if (self->is_paused()) {
                co_await self->resumed_.async_wait(await_tuple);
                continue;
            }
            if (!self->take_frames(*to)) {
                co_await to->has_frames.async_wait(await_tuple);
                continue;
            }
            to->has_written.signal();
            const auto buffer          = asio::buffer(to->writing);
            const auto [failure, size] = co_await asio::async_write(to->stream, buffer, await_tuple);
            if (failure)
                break;
        }
        self->end(*to);
    }

    bool take_frames(client& to) {
        const std::lock_guard lock(mutex_);
        return logic_->out().take_frames(to.id, to.writing);
    }

    static nothing wake_when_due(self_ptr self) {
        while (!self->stopped_) {
            self->timer_at_ = self->tick_if_due();
            self->timer_.expires_at(self->timer_at_);
            self->flush();
            co_await self->timer_.async_wait(await_tuple);
        }
    }

    /// @return When to come again.
    std::chrono::steady_clock::time_point tick_if_due() {
        const auto never = std::chrono::steady_clock::time_point::max();
        const std::lock_guard lock(mutex_);
        if (paused_)
            return never;
        const auto at = now();
        if (const auto due = logic_->next_due(); due && *due <= at.steady)
            logic_->tick(at);
        return logic_->next_due().value_or(never);
    }

    Runtime runtime_;
    acceptor_type acceptor_;
    typename Runtime::timer timer_;
    typename Runtime::timer retry_timer_;
    detail::async_event<executor_type> resumed_;
    std::map<connection_id, client_ptr> clients_;
    std::chrono::steady_clock::time_point timer_at_{};
    bool stopped_ = false;

    std::mutex mutex_;                  // guards all below
    std::optional<broker_logic> logic_; // there as soon as it is known where it listens
    bool paused_ = false;
};

} // namespace rocketpush::embedded

#endif

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief A RocketMQ name server and broker in this process, in memory, for tests of listeners and for trying things out.
 *
 * Both answer on one port. Every RocketMQ client can talk to it: rocketpush, the Java and the Go client, `mqadmin`.
 * @code
 * rocketpush::embedded::broker broker;
 * broker.create_topic("orders");
 * broker.send("orders", "42 apples", {.tags = "paid"});
 * // a consumer with options{.name_servers = broker.name_server_address(), .group = "billing"} gets it
 * @endcode
 *
 * It does: routes, topics made by themselves, groups and their notices, send (single and batch), pull with long polling and
 * tags, offsets, search by time, send-back with delayed retries and dead letters, delay levels, queue locks, and what admin
 * tools ask about consumers. It does not: transactions, SQL filters, POP, several replicas, anything on disk.
 *
 * It stops with its destructor, which never hangs. A runtime without a thread of its own (the caller's io_context, a
 * virtual one) has to run on for a moment after it: only then are connections closed and the port free.
 *
 * @tparam Transport  `tcp_transport`, or `memory_transport` for no sockets at all.
 * @tparam Runtime    Where it runs, and its clock: with a virtual runtime, delays take no time.
 * @par Thread safety  All from any thread, also from a listener; nothing waits for the network.
 * @par Source         None in Java; its tests start a real broker.
 */
template <listening_transport Transport = tcp_transport, runtime Runtime = asio_runtime>
class basic_broker {
  public:
    /**
     * @brief Listens and serves.
     * @throws std::system_error  The address is in use, or it is none of this machine; `error::invalid_option`.
     */
    basic_broker(broker_options options, Transport transport, Runtime runtime)
        : runtime_(std::move(runtime)),
          server_(
              std::make_shared<broker_server<Transport, Runtime>>(std::move(options), std::move(transport), runtime_)) {
        asio::post(runtime_.get_executor(), [server = server_] { server->start(); });
        runtime_.start();
    }
    basic_broker(broker_options options, Transport transport)
        requires std::default_initializable<Runtime>
        : basic_broker(std::move(options), std::move(transport), Runtime()) {}
    explicit basic_broker(broker_options options = {})
        requires std::default_initializable<Transport> && std::default_initializable<Runtime>
        : basic_broker(std::move(options), Transport(), Runtime()) {}

    basic_broker(const basic_broker&)            = delete;
    basic_broker& operator=(const basic_broker&) = delete;

    ~basic_broker() {
        if (runtime_.running_in_this_thread()) {
            server_->stop();
        } else {
            asio::post(runtime_.get_executor(), [server = server_] { server->stop(); });
            runtime_.join(std::chrono::seconds(2));
        }
    }

    /// `127.0.0.1:40123`: what a client's options want as name server list.
    std::string name_server_address() const { return to_string(server_->address()); }
    /// The same in parts.
    const endpoint& address() const noexcept { return server_->address(); }

    /// Makes a topic, or gives it more queues. @throws std::system_error  error::invalid_topic, error::invalid_option.
    void create_topic(std::string_view topic, std::int32_t queues = 8) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_topic(topic, queues); }), "create_topic", topic);
    }

    /// Allows a group; only needed with `auto_create_groups = false`. @throws std::system_error  error::invalid_group.
    void create_group(std::string_view group) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_group(group); }), "create_group", group);
    }

    /**
     * @brief Stores a message, as a producer would; a topic that is missing is made if that is allowed.
     * @throws std::system_error  With the `response_code` that a producer would get.
     */
    sent_message send(std::string_view topic, std::string_view body, const send_options& options = {}) {
        auto sent = call([&](auto& logic, auto& now) { return logic.send(topic, body, options, now); });
        throw_if(sent.error(), "send", topic);
        return std::move(*sent);
    }

    /// Number of messages that a topic holds now; of `%RETRY%group` and `%DLQ%group` too.
    std::size_t stored(std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.stored(topic); });
    }

    /// Copies of a topic's messages in the order in which they were stored.
    std::vector<message> messages(std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.messages(topic); });
    }

    /// The next offset that a group will consume; nothing if it never committed in this queue.
    std::optional<queue_offset> committed_offset(std::string_view group, std::string_view topic,
                                                 std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.committed_offset(group, topic, queue); });
    }

    /// Whether a group has committed behind every message that a topic holds; false for a topic that does not exist. Of
    /// messages that the group's tags leave out, those at the end of a queue are only passed when more messages come.
    bool consumed(std::string_view group, std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.consumed(group, topic); });
    }

    /// Where a queue's next message will be.
    queue_offset max_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.max_offset(topic, queue); });
    }

    /// Offset of a queue's oldest message.
    queue_offset min_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.min_offset(topic, queue); });
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        return call([&](auto& logic, auto&) { return logic.members(group); });
    }

    broker_statistics statistics() const {
        return call([](auto& logic, auto&) { return logic.statistics(); });
    }

    // Faults, to see what a consumer makes of them.

    /// Cuts all connections; clients may come again at once.
    void drop_connections() {
        call([](auto& logic, auto&) { logic.drop_connections(); });
    }

    /// From now on connections are accepted, but nothing is answered, held or delivered: like a hung process.
    void pause() { server_->pause(); }
    /// Goes on, first with what has come meanwhile.
    void resume() { server_->resume(); }

    /// The next `count` requests with this code are answered with `failure`, and not processed.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count = 1) {
        call([&](auto& logic, auto&) { logic.fail_next(code, failure, count); });
    }

    /// Forgets a topic with its messages and offsets. @return Whether it existed.
    bool forget_topic(std::string_view topic) {
        return call([&](auto& logic, auto&) { return logic.forget_topic(topic); });
    }

    /// Forgets a queue's messages before an offset, as a broker does with old ones.
    void drop_before(std::string_view topic, std::int32_t queue, queue_offset offset) {
        call([&](auto& logic, auto&) { logic.drop_before(topic, queue, offset); });
    }

  private:
    template <class F>
    auto call(F&& function) const {
        return server_->with_logic(std::forward<F>(function));
    }

    static void throw_if(std::error_code failure, std::string_view what, std::string_view about) {
        if (failure)
            throw std::system_error(failure, "embedded broker: " + std::string(what) + ' ' + std::string(about));
    }

    Runtime runtime_;
    std::shared_ptr<broker_server<Transport, Runtime>> server_;
};

/// On TCP, on a thread of its own.
using broker = basic_broker<>;

} // namespace rocketpush::embedded

#endif
// clang-format on

#endif

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

// rocketpush/embedded/account.hpp
#ifndef ROCKETPUSH_EMBEDDED_ACCOUNT_HPP
#define ROCKETPUSH_EMBEDDED_ACCOUNT_HPP

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief Somebody whose requests a broker answers, and what he may do. A consumer needs its group and each topic.
 *
 * @par Source  A user with its ACL of 5.x, an account of `plain_acl.yml` of 4.9; without addresses and kinds of access.
 */
struct account {
    std::string access_key;
    std::string secret_key;
    std::vector<std::string> topics{}; ///< To read and to write; `*`: all.
    std::vector<std::string> groups{}; ///< To consume for, their retry topics and dead letters with them; `*`: all.
    bool admin = false;                ///< May do everything, and what administrators do.

    bool may_use_topic(std::string_view topic) const { return admin || holds(topics, topic); }
    bool may_use_group(std::string_view group) const { return admin || holds(groups, group); }

  private:
    static bool holds(const std::vector<std::string>& names, std::string_view wanted) {
        return std::ranges::any_of(names, [wanted](const auto& name) { return name == "*" || name == wanted; });
    }
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/broker_logic.hpp
#ifndef ROCKETPUSH_EMBEDDED_BROKER_LOGIC_HPP
#define ROCKETPUSH_EMBEDDED_BROKER_LOGIC_HPP

// rocketpush/embedded/access_check.hpp
#ifndef ROCKETPUSH_EMBEDDED_ACCESS_CHECK_HPP
#define ROCKETPUSH_EMBEDDED_ACCESS_CHECK_HPP

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

/// A broker delays no message for longer; the time when it is due is one that clocks have.
inline constexpr std::chrono::milliseconds longest_delay = std::chrono::hours(24 * 3650);

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
// rocketpush/embedded/request_modes.hpp
#ifndef ROCKETPUSH_EMBEDDED_REQUEST_MODES_HPP
#define ROCKETPUSH_EMBEDDED_REQUEST_MODES_HPP


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

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
inline constexpr std::int32_t version_5_1_3 = 439;
inline constexpr std::int32_t version_5_1_4 = 441;
inline constexpr std::int32_t version_5_5_0 = 513;

/**
 * @brief How an embedded broker behaves. The defaults are those of RocketMQ 5.5.0.
 *
 * A broker that is asked to be a 4.9.7 answers as that does where the two differ: also set `encoding` then.
 */
struct broker_options {
    endpoint listen{"127.0.0.1", 0}; ///< Port 0: the system chooses one.
    /// The broker also plays its own slave, broker id 1, if it may listen here; see `lag_slave` and `lose_master`.
    std::optional<endpoint> slave_listen{};
    /// What clients are told to connect to, if not to where it listens: in a container, say.
    std::string advertised_host{};
    std::string name    = "broker-a";
    std::string cluster = "DefaultCluster";

    std::int32_t version     = version_5_5_0;
    answer_encoding encoding = answer_encoding::json;

    bool auto_create_topics  = true;  ///< A producer may send to a topic that does not exist yet.
    std::int32_t auto_queues = 8;     ///< Most queues of a topic made that way; Java producers ask for 4.
    bool property_filter     = false; ///< SQL92 conditions. Java: `enablePropertyFilter`.
    bool auto_create_groups  = true;  ///< A group needs no `create_group` before its first heartbeat.

    /// Who may use the broker; none: everybody. Requests have to be signed with an account's keys then. See `set_accounts`.
    std::vector<account> accounts{};

    /// From 5.0 on: an administrator's reset is told to the next pull; else, to the members, as 4.9 does.
    bool server_side_reset = true;

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

    /// How groups read topics for which nothing was set: see `set_request_mode`.
    reading_mode default_mode{};
    bool pop_retry_v2 = false; ///< Retries of popped messages lie in `%RETRY%group+topic`, not in `%RETRY%group_topic`.
    bool pop_keeps_retry_topic  = false;   ///< A popped retry tells its retry topic, and brings no receipt.
    std::size_t held_pops       = 100'000; ///< Pops beyond this number are not held but answered with 209.
    std::size_t held_pops_alike = 1024;    ///< The same for one group, topic and queue.

    std::chrono::milliseconds lock_lifetime   = std::chrono::seconds(60);  ///< Of a queue's lock that is not renewed.
    std::chrono::milliseconds client_lifetime = std::chrono::seconds(120); ///< Without a heartbeat.
    std::chrono::milliseconds idle_lifetime = std::chrono::seconds(120); ///< Of a connection without a byte either way.
    std::chrono::milliseconds scan_interval = std::chrono::seconds(10);  ///< Between looks for those two.

    /// From 5.0 on.
    bool is_version_5() const noexcept { return version >= version_5_0_0; }
};

/// What is wrong with the options, as the end of a sentence; empty when nothing is.
inline std::string_view describe_problem(const broker_options& options) noexcept {
    const auto valid_level = [](std::chrono::milliseconds level) { return level.count() >= 0 && level <= longest_delay; };
    if (check_topic(options.name) || check_topic(options.cluster))
        return "name and cluster need 1 to 127 characters of a-z A-Z 0-9 _ - % |";
    if (options.version < 0 || options.version > INT16_MAX)
        return "version is from 0 to 32767";
    if (options.auto_queues < 1 || options.auto_queues > 65'536 || options.retry_queues < 0 ||
        options.retry_queues > 65'536)
        return "auto_queues is from 1 to 65536, retry_queues from 0 to 65536";
    if (options.delay_levels.empty() || !std::ranges::all_of(options.delay_levels, valid_level))
        return "delay_levels needs a level, and each is from 0 to 3650 days";
    if (options.pull_messages == 0 || options.max_message_body > options.frame_limit)
        return "pull_messages is at least 1, max_message_body not larger than frame_limit";
    if (options.frame_limit < 1024 || options.frame_limit > 32 * 1024 * 1024)
        return "frame_limit is from 1 KiB to 32 MiB";
    if (!options.accounts.empty() && !ROCKETPUSH_WITH_OPENSSL)
        return "accounts need OpenSSL, which this build left out: signatures cannot be checked";
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
#include <tuple>

namespace rocketpush::embedded {

/**
 * @brief How far each group has come in each queue. The last writer wins, also backwards; but see `reset`.
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

    /// What each group has committed in a queue, which is forgotten here.
    std::map<std::string, queue_offset> take_queue(std::string_view topic, std::int32_t queue_id) {
        std::map<std::string, queue_offset> taken;
        for (auto& [group, topics] : groups_)
            if (const auto queues = topics.find(topic); queues != topics.end())
                if (const auto one = queues->second.extract(queue_id))
                    taken.emplace(group, one.mapped());
        return taken;
    }

    /// The topics in which a group has committed.
    std::set<std::string> topics(std::string_view group) const {
        std::set<std::string> names;
        if (const auto found = groups_.find(group); found != groups_.end())
            for (const auto& [topic, queues] : found->second)
                names.insert(topic);
        return names;
    }

    /// An administrator has moved a group in a queue: until a pull was told, commits do not count.
    void reset(std::string_view group, std::string_view topic, std::int32_t queue_id, queue_offset next) {
        commit(group, topic, queue_id, next);
        resets_.insert_or_assign({std::string(group), std::string(topic), queue_id}, next);
    }

    /// Whether a pull still has to be told of a reset.
    bool has_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) const {
        return !resets_.empty() && resets_.contains({std::string(group), std::string(topic), queue_id});
    }

    /// Where a group was moved to, for the pull that is told now.
    std::optional<queue_offset> take_reset(std::string_view group, std::string_view topic, std::int32_t queue_id) {
        if (resets_.empty())
            return std::nullopt;
        const auto taken = resets_.extract({std::string(group), std::string(topic), queue_id});
        return taken ? std::optional(taken.mapped()) : std::nullopt;
    }

    void forget_topic(std::string_view topic) {
        std::erase_if(resets_, [topic](const auto& one) { return std::get<1>(one.first) == topic; });
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
    std::map<std::tuple<std::string, std::string, std::int32_t>, queue_offset> resets_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/consumer_groups.hpp
#ifndef ROCKETPUSH_EMBEDDED_CONSUMER_GROUPS_HPP
#define ROCKETPUSH_EMBEDDED_CONSUMER_GROUPS_HPP

// rocketpush/embedded/condition.hpp
#ifndef ROCKETPUSH_EMBEDDED_CONDITION_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_HPP

// rocketpush/embedded/condition_value.hpp
#ifndef ROCKETPUSH_EMBEDDED_CONDITION_VALUE_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_VALUE_HPP

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace rocketpush::embedded {

/**
 * @brief What a part of a SQL92 condition comes to. A property is a text or null; a condition true, false or null (unknown).
 *
 * Numbers keep the width that Java gives them, because a text is read in the width of the number that it is compared with.
 */
struct condition_value {
    /// `failed`: Java throws there, and the message is not matched, whatever else the condition says.
    enum class kind : std::uint8_t { failed, null, boolean, int32, int64, real, text };

    kind type = kind::null;
    bool truth{};
    std::int64_t integer{};
    double real{};
    std::string_view text{};

    static constexpr condition_value null() noexcept { return {}; }
    static constexpr condition_value failure() noexcept { return {.type = kind::failed}; }
    static constexpr condition_value of(bool truth) noexcept { return {.type = kind::boolean, .truth = truth}; }
    static constexpr condition_value of(double real) noexcept { return {.type = kind::real, .real = real}; }
    static constexpr condition_value of(std::string_view text) noexcept { return {.type = kind::text, .text = text}; }
    /// An Integer if it fits, else a Long.
    static constexpr condition_value of(std::int64_t integer) noexcept {
        const bool fits = integer >= INT32_MIN && integer <= INT32_MAX;
        return {.type = fits ? kind::int32 : kind::int64, .integer = integer};
    }

    constexpr bool is_null() const noexcept { return type == kind::null; }
    constexpr bool is_failure() const noexcept { return type == kind::failed; }
    constexpr bool is_number() const noexcept {
        return type == kind::int32 || type == kind::int64 || type == kind::real;
    }
    constexpr bool is(bool wanted) const noexcept { return type == kind::boolean && truth == wanted; }

    double to_real() const noexcept { return type == kind::real ? real : static_cast<double>(integer); }
};

/// How Java's `Integer.valueOf` and `Long.valueOf` read a text.
inline std::optional<std::int64_t> read_java_integer(std::string_view text, condition_value::kind width) noexcept {
    if (text.starts_with('+'))
        text.remove_prefix(1);
    if (text.empty() || text.find('+') != text.npos)
        return std::nullopt;
    std::int64_t number  = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    if (width == condition_value::kind::int32 && (number < INT32_MIN || number > INT32_MAX))
        return std::nullopt;
    return number;
}

/// How Java's `Double.valueOf` reads a text, but for its hexadecimal form.
inline std::optional<double> read_java_double(std::string_view text) noexcept {
    const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    const double sign = text.starts_with('-') ? -1 : 1;
    if (text.starts_with('-') || text.starts_with('+'))
        text.remove_prefix(1);
    if (text == "NaN")
        return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity")
        return sign * std::numeric_limits<double>::infinity();
    if (!text.empty() && std::string_view("fFdD").find(text.back()) != std::string_view::npos)
        text.remove_suffix(1);
    if (text.empty() || std::string_view("0123456789.").find(text.front()) == std::string_view::npos)
        return std::nullopt;
    double number        = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end != text.data() + text.size())
        return std::nullopt;
    if (ec == std::errc::result_out_of_range) // too large, or too small to be told from 0
        number =
            text.find("e-") == text.npos && text.find("E-") == text.npos ? std::numeric_limits<double>::infinity() : 0;
    else if (ec != std::errc())
        return std::nullopt;
    return sign * number;
}

/// Java's `Double.compareTo`: NaN is the largest, -0.0 less than 0.0.
inline int compare_like_java(double left, double right) noexcept {
    if (left < right)
        return -1;
    if (left > right)
        return 1;
    if (std::isnan(left) || std::isnan(right))
        return (std::isnan(left) ? 1 : 0) - (std::isnan(right) ? 1 : 0);
    return (std::signbit(right) ? 1 : 0) - (std::signbit(left) ? 1 : 0);
}

/**
 * @brief Compares two values, neither of them null. A text beside a number or a boolean is read as one.
 * @return Less, equal or more than 0; nothing where Java throws.
 * @par Source  Java `ComparisonExpression.__compare`.
 */
inline std::optional<int> compare_like_java(const condition_value& left, const condition_value& right) noexcept {
    using kind         = condition_value::kind;
    const auto compare = [](auto one, auto other) { return one < other ? -1 : one > other ? 1 : 0; };
    if (left.type == kind::text && right.type == kind::text)
        return left.text.compare(right.text);
    if (left.type == kind::boolean || right.type == kind::boolean) {
        if (left.type == right.type)
            return compare(int{left.truth}, int{right.truth});
        if (right.type == kind::text)
            return std::nullopt; // Java casts the wrong one of the two
        if (left.type != kind::text)
            return -1;
        const bool is_true = std::ranges::equal(left.text, std::string_view("true"), {}, [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        });
        return compare(int{is_true}, int{right.truth});
    }
    if (left.type == kind::text || right.type == kind::text) {
        const auto& text   = left.type == kind::text ? left : right;
        const auto& number = left.type == kind::text ? right : left;
        if (number.type == kind::real) {
            const auto read = read_java_double(text.text);
            if (!read)
                return std::nullopt;
            return &text == &left ? compare_like_java(*read, number.real) : compare_like_java(number.real, *read);
        }
        const auto read = read_java_integer(text.text, number.type);
        if (!read)
            return std::nullopt;
        return &text == &left ? compare(*read, number.integer) : compare(number.integer, *read);
    }
    if (left.type == kind::real || right.type == kind::real)
        return compare_like_java(left.to_real(), right.to_real());
    return compare(left.integer, right.integer);
}

} // namespace rocketpush::embedded

#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief A compiled SQL92 condition over a message's properties, as `compile_condition` makes it.
 *
 * `AND`, `OR` and `NOT` know true, false and unknown; a message is matched when the whole is true.
 *
 * @par Source  Java `org.apache.rocketmq.filter.expression`, with what it does where one would not expect it: unequal
 *              to a property that a message does not have is unknown, but `5 <> a` is true then; a text that should be a
 *              number and is none makes the whole fail.
 */
class condition {
  public:
    /// A part. Its operands stand before it.
    struct node {
        enum class kind : std::uint8_t {
            constant,
            property,
            negate,  ///< `-`
            is_true, ///< A property that stands for a truth.
            not_,
            and_,
            or_,
            equal,
            less,
            less_equal,
            greater,
            greater_equal,
            in,
            contains,
            starts_with,
            ends_with,
        };

        kind type         = kind::constant;
        std::size_t left  = 0;
        std::size_t right = 0;
        bool negated      = false;        ///< Of `NOT IN`, `NOT CONTAINS` and the like.
        condition_value constant{};       ///< Its text, if it is one, is in `texts`.
        std::vector<std::string> texts{}; ///< Of a constant, a property's name, what `IN` lists, or is looked for.
    };

    /// @param nodes  Not empty; the last one is the whole.
    explicit condition(std::vector<node> nodes) : nodes_(std::move(nodes)) {}

    /// Whether a message with these properties, as it is stored with them, is wanted.
    bool matches(std::string_view properties) const { return evaluate(nodes_.back(), properties).is(true); }

  private:
    using kind = node::kind;

    condition_value evaluate(const node& part, std::string_view properties) const {
        const auto operand = [&](std::size_t at) { return evaluate(nodes_[at], properties); };
        switch (part.type) {
        case kind::constant:
            return part.texts.empty() ? part.constant : condition_value::of(std::string_view(part.texts.front()));
        case kind::property: {
            const auto value = protocol::find_property(properties, part.texts.front());
            return value ? condition_value::of(*value) : condition_value::null();
        }
        case kind::negate: return negated(operand(part.left));
        case kind::is_true: return truth_of(operand(part.left));
        case kind::not_: return opposite(operand(part.left));
        case kind::and_:
        case kind::or_: return join(part, properties);
        case kind::in: return find_in(part, operand(part.left));
        case kind::contains:
        case kind::starts_with:
        case kind::ends_with: return look_for(part, operand(part.left));
        default: return compare(part, properties);
        }
    }

    static condition_value negated(condition_value value) noexcept {
        if (value.is_failure())
            return value;
        if (!value.is_number())
            return condition_value::null();
        value.integer = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(value.integer));
        value.real    = -value.real;
        return value;
    }

    static condition_value truth_of(const condition_value& value) noexcept {
        if (value.is_failure() || value.is_null())
            return value;
        return condition_value::of(value.is(true));
    }

    static condition_value opposite(const condition_value& value) noexcept {
        return value.type == condition_value::kind::boolean ? condition_value::of(!value.truth) : value;
    }

    /// `AND` and `OR`. What decides ends it, so that a failure on the right may not be met.
    condition_value join(const node& part, std::string_view properties) const {
        const bool decides = part.type == kind::or_;
        const auto left    = evaluate(nodes_[part.left], properties);
        if (left.is_failure() || left.is(decides))
            return left;
        const auto right = evaluate(nodes_[part.right], properties);
        if (right.is_failure() || right.is(decides))
            return right;
        return left.is_null() || right.is_null() ? condition_value::null() : condition_value::of(!decides);
    }

    static condition_value find_in(const node& part, const condition_value& value) {
        if (value.type != condition_value::kind::text)
            return value;
        return condition_value::of((std::ranges::find(part.texts, value.text) != part.texts.end()) != part.negated);
    }

    /// What is no text contains nothing, and also does not "not contain".
    static condition_value look_for(const node& part, const condition_value& value) noexcept {
        const auto& wanted = part.texts.front();
        if (value.is_failure())
            return value;
        if (wanted.empty() || value.type != condition_value::kind::text)
            return condition_value::of(false);
        const bool found = part.type == kind::contains      ? value.text.find(wanted) != std::string_view::npos
                           : part.type == kind::starts_with ? value.text.starts_with(wanted)
                                                            : value.text.ends_with(wanted);
        return condition_value::of(found != part.negated);
    }

    condition_value compare(const node& part, std::string_view properties) const {
        const auto left = evaluate(nodes_[part.left], properties);
        if (left.is_failure() || (left.is_null() && part.type != kind::equal))
            return left;
        const auto right = evaluate(nodes_[part.right], properties);
        if (right.is_failure())
            return right;
        if (part.type == kind::equal && (left.is_null() || right.is_null()))
            return left.is_null() && !right.is_null() ? condition_value::null() : condition_value::of(left.is_null());
        if (right.is_null())
            return right;
        const auto order = part.type == kind::equal ? compare_like_java(left, right) : order_of(left, right);
        return order ? condition_value::of(holds(part.type, *order)) : condition_value::failure();
    }

    /// Two texts are larger or smaller as the numbers that they are, not as texts.
    static std::optional<int> order_of(const condition_value& left, const condition_value& right) noexcept {
        if (left.type != condition_value::kind::text || right.type != condition_value::kind::text)
            return compare_like_java(left, right);
        const auto one = read_java_double(left.text), other = read_java_double(right.text);
        return one && other ? std::optional(compare_like_java(*one, *other)) : std::nullopt;
    }

    static bool holds(kind type, int order) noexcept {
        switch (type) {
        case kind::less: return order < 0;
        case kind::less_equal: return order <= 0;
        case kind::greater: return order > 0;
        case kind::greater_equal: return order >= 0;
        default: return order == 0;
        }
    }

    std::vector<node> nodes_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/condition_parser.hpp
#ifndef ROCKETPUSH_EMBEDDED_CONDITION_PARSER_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_PARSER_HPP

// rocketpush/embedded/condition_lexer.hpp
#ifndef ROCKETPUSH_EMBEDDED_CONDITION_LEXER_HPP
#define ROCKETPUSH_EMBEDDED_CONDITION_LEXER_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush::embedded {

/// A word of a SQL92 condition.
struct condition_token {
    enum class kind : std::uint8_t { end, bad, name, keyword, symbol, decimal, real, text };

    kind type = kind::end;
    std::string text{}; ///< A keyword in capitals, a text without its quotes.

    bool is(kind wanted, std::string_view what) const noexcept { return type == wanted && text == what; }
    bool is_keyword(std::string_view what) const noexcept { return is(kind::keyword, what); }
    bool is_symbol(std::string_view what) const noexcept { return is(kind::symbol, what); }
};

/**
 * @brief Cuts a SQL92 condition into words; keywords in any case, comments passed over.
 * @par Source  Java `SelectorParser.jj`, its tokens.
 */
class condition_lexer {
  public:
    explicit condition_lexer(std::string_view text) noexcept : rest_(text) {}

    condition_token next() {
        using kind = condition_token::kind;
        skip_blanks();
        if (rest_.empty())
            return {};
        const char first = rest_.front();
        if (is_letter(first))
            return word();
        if (is_digit(first) || (first == '.' && rest_.size() > 1 && is_digit(rest_[1])))
            return number();
        if (first == '\'')
            return quoted();
        for (const std::string_view symbol : {"<>", "<=", ">=", "<", ">", "=", "(", ")", ",", "+", "-"})
            if (rest_.starts_with(symbol))
                return {kind::symbol, take(symbol.size())};
        return {kind::bad, take(1)};
    }

  private:
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    static bool is_letter(char c) noexcept {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
    }

    std::string take(std::size_t size) {
        std::string taken(rest_.substr(0, size));
        rest_.remove_prefix(taken.size());
        return taken;
    }

    /// A line's comment is one only if the line ends.
    void skip_blanks() noexcept {
        for (;;) {
            if (const auto at = rest_.find_first_not_of(" \t\n\r\f"); at != 0)
                rest_.remove_prefix(std::min(at, rest_.size()));
            const bool line = rest_.starts_with("--");
            const auto end  = line                      ? rest_.find_first_of("\r\n")
                              : rest_.starts_with("/*") ? rest_.find("*/", 2)
                                                        : std::string_view::npos;
            if (end == std::string_view::npos)
                return;
            rest_.remove_prefix(end + (line ? 1 : 2));
        }
    }

    condition_token word() {
        using kind     = condition_token::kind;
        const auto end = std::ranges::find_if_not(rest_, [](char c) { return is_letter(c) || is_digit(c); });
        auto text      = take(static_cast<std::size_t>(end - rest_.begin()));
        auto capitals  = text;
        for (char& c : capitals)
            c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        static constexpr std::array<std::string_view, 12> keywords{
            "NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL", "IS", "CONTAINS", "STARTSWITH", "ENDSWITH"};
        if (std::ranges::find(keywords, capitals) != keywords.end())
            return {kind::keyword, std::move(capitals)};
        return {kind::name, std::move(text)};
    }

    std::size_t digits_from(std::size_t at) const noexcept {
        while (at < rest_.size() && is_digit(rest_[at]))
            ++at;
        return at;
    }

    condition_token number() {
        using kind = condition_token::kind;
        auto end   = digits_from(0);
        bool real  = false;
        if (end < rest_.size() && rest_[end] == '.') {
            real = true;
            end  = digits_from(end + 1);
        }
        if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E')) {
            const bool sign = end + 1 < rest_.size() && (rest_[end + 1] == '+' || rest_[end + 1] == '-');
            const auto from = end + (sign ? 2 : 1);
            if (const auto behind = digits_from(from); behind > from) {
                real = true;
                end  = behind;
            }
        }
        if (real)
            return {kind::real, take(end)};
        if (rest_.front() == '0')
            return {kind::decimal, take(1)}; // so 007 is three numbers, which no condition has in a row
        auto digits = take(end);
        if (!rest_.empty() && (rest_.front() == 'l' || rest_.front() == 'L'))
            rest_.remove_prefix(1);
        return {kind::decimal, std::move(digits)};
    }

    condition_token quoted() {
        using kind = condition_token::kind;
        std::string text;
        for (std::size_t at = 1; at < rest_.size(); ++at) {
            if (rest_[at] != '\'') {
                text.push_back(rest_[at]);
            } else if (at + 1 < rest_.size() && rest_[at + 1] == '\'') {
                text.push_back('\'');
                ++at;
            } else {
                rest_.remove_prefix(at + 1);
                return {kind::text, std::move(text)};
            }
        }
        return {kind::bad, take(rest_.size())};
    }

    std::string_view rest_;
};

} // namespace rocketpush::embedded

#endif

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A condition, or why there is none.
struct compiled_condition {
    std::optional<condition> made{};
    std::string problem{};
};

/**
 * @brief Reads a SQL92 condition by recursive descent, and refuses what RocketMQ's own parser refuses.
 *
 * It knows `= <> < <= > >=`, `[NOT] BETWEEN`, `[NOT] IN` (of texts), `IS [NOT] NULL`, `AND OR NOT`, `[NOT] CONTAINS`,
 * `STARTSWITH`, `ENDSWITH`, signs, and literals; what follows a whole condition is not looked at. `NOT` binds to the operand
 * next to it, so `NOT a = 1` is `(NOT a) = 1`.
 *
 * @par Source  Java `SelectorParser.jj` and the checks in `ComparisonExpression`.
 */
class condition_parser {
  public:
    explicit condition_parser(std::string_view text) : lexer_(text), now_(lexer_.next()), then_(lexer_.next()) {}

    compiled_condition parse() && {
        const auto whole = as_truth(disjunction());
        if (now_.type == token::bad)
            unexpected();
        if (failed())
            return {.problem = std::move(problem_)};
        if (whole + 1 != nodes_.size())
            nodes_.push_back(nodes_[whole]);
        return {.made = condition(std::move(nodes_))};
    }

  private:
    using node  = condition::node;
    using kind  = condition::node::kind;
    using token = condition_token::kind;
    using index = std::size_t;

    static constexpr std::size_t most_nodes = 4096;
    static constexpr int deepest            = 200;

    bool failed() const noexcept { return !problem_.empty(); }

    index fail(std::string problem) {
        if (!failed())
            problem_ = std::move(problem);
        return 0;
    }

    index unexpected() {
        return fail(now_.type == token::end ? "the condition ends too early" : "\"" + now_.text + "\" is not expected");
    }

    void advance() {
        now_  = std::move(then_);
        then_ = lexer_.next();
    }

    bool take_symbol(std::string_view symbol) {
        const bool is = now_.is_symbol(symbol);
        if (is)
            advance();
        return is;
    }
    bool take_keyword(std::string_view keyword) {
        const bool is = now_.is_keyword(keyword);
        if (is)
            advance();
        return is;
    }

    index add(node made) {
        if (nodes_.size() >= most_nodes)
            return fail("the condition has too many parts");
        if (failed())
            return 0;
        nodes_.push_back(std::move(made));
        return nodes_.size() - 1;
    }

    // What the parts are, for the checks.

    bool is_constant(index at) const { return !failed() && nodes_[at].type == kind::constant; }
    bool is_null(index at) const {
        return is_constant(at) && nodes_[at].texts.empty() && nodes_[at].constant.is_null();
    }
    bool is_number(index at) const {
        return is_constant(at) && nodes_[at].texts.empty() && nodes_[at].constant.is_number();
    }
    /// Whether a part is a condition by itself; null is one, too.
    bool is_truth(index at) const {
        if (failed())
            return true;
        const auto& part = nodes_[at];
        switch (part.type) {
        case kind::property:
        case kind::negate: return false;
        case kind::constant: return part.texts.empty() && !part.constant.is_number();
        default: return true;
        }
    }

    /// A property may stand where a condition is expected.
    index as_truth(index at) {
        if (is_truth(at))
            return at;
        if (nodes_[at].type != kind::property)
            return fail("a value stands where a condition should");
        return add({.type = kind::is_true, .left = at});
    }

    index opposite(index of) { return add({.type = kind::not_, .left = of}); }

    index disjunction() {
        auto left = conjunction();
        while (!failed() && take_keyword("OR"))
            left = join(kind::or_, left, conjunction());
        return left;
    }

    index conjunction() {
        auto left = equality();
        while (!failed() && take_keyword("AND"))
            left = join(kind::and_, left, equality());
        return left;
    }

    index join(kind how, index left, index right) {
        left  = as_truth(left);
        right = as_truth(right);
        return add({.type = how, .left = left, .right = right});
    }

    index equality() {
        auto left = comparison();
        while (!failed()) {
            if (take_symbol("=")) {
                left = equal(left, comparison());
            } else if (take_symbol("<>")) {
                left = opposite(equal(left, comparison()));
            } else if (take_keyword("IS")) {
                const bool negated = take_keyword("NOT");
                if (!take_keyword("NULL"))
                    return unexpected();
                const auto nothing = add({.constant = condition_value::null()});
                const auto is_null = add({.type = kind::equal, .left = left, .right = nothing});
                left               = negated ? opposite(is_null) : is_null;
            } else {
                break;
            }
        }
        return left;
    }

    index equal(index left, index right) {
        if (is_null(left) || is_null(right))
            return fail("NULL cannot be compared");
        if (is_constant(left) && is_constant(right) && is_truth(left) && !is_truth(right))
            return fail("a truth cannot be compared with a value");
        return add({.type = kind::equal, .left = left, .right = right});
    }

    index ordered(kind how, index left, index right) {
        for (const auto side : {left, right})
            if ((is_constant(side) && !is_number(side)) || is_truth(side))
                return fail("only numbers and properties can be larger or smaller");
        return add({.type = how, .left = left, .right = right});
    }

    index comparison() {
        auto left = unary();
        while (!failed()) {
            if (take_symbol(">"))
                left = ordered(kind::greater, left, unary());
            else if (take_symbol(">="))
                left = ordered(kind::greater_equal, left, unary());
            else if (take_symbol("<"))
                left = ordered(kind::less, left, unary());
            else if (take_symbol("<="))
                left = ordered(kind::less_equal, left, unary());
            else if (begins_test(now_.is_keyword("NOT") ? then_ : now_))
                left = test(left, take_keyword("NOT"));
            else
                return now_.is_keyword("NOT") ? unexpected() : left;
        }
        return left;
    }

    static bool begins_test(const condition_token& word) noexcept {
        return word.is_keyword("BETWEEN") || word.is_keyword("IN") || word.is_keyword("CONTAINS") ||
               word.is_keyword("STARTSWITH") || word.is_keyword("ENDSWITH");
    }

    index test(index left, bool negated) {
        if (take_keyword("BETWEEN"))
            return between(left, negated);
        if (take_keyword("IN"))
            return in(left, negated);
        const auto how = now_.is_keyword("CONTAINS")     ? kind::contains
                         : now_.is_keyword("STARTSWITH") ? kind::starts_with
                                                         : kind::ends_with;
        advance();
        node made{.type = how, .left = left, .negated = negated};
        if (!take_text(made))
            return unexpected();
        return add(std::move(made));
    }

    index between(index left, bool negated) {
        const auto low = unary();
        if (!failed() && !take_keyword("AND"))
            return unexpected();
        const auto high = failed() ? 0 : unary();
        if (negated) {
            const auto below = ordered(kind::less, left, low);
            return join(kind::or_, below, ordered(kind::greater, left, high));
        }
        if (is_number(low) && is_number(high) &&
            compare_like_java(nodes_[high].constant, nodes_[low].constant).value_or(-1) < 0)
            return fail("the first value of BETWEEN is larger than the second");
        const auto above = ordered(kind::greater_equal, left, low);
        return join(kind::and_, above, ordered(kind::less_equal, left, high));
    }

    index in(index left, bool negated) {
        if (failed() || nodes_[left].type != kind::property)
            return fail("IN needs a property");
        node made{.type = kind::in, .left = left, .negated = negated};
        if (!take_symbol("("))
            return unexpected();
        do
            if (!take_text(made))
                return unexpected();
        while (take_symbol(","));
        if (!take_symbol(")"))
            return unexpected();
        return add(std::move(made));
    }

    bool take_text(node& into) {
        if (now_.type != token::text)
            return false;
        into.texts.push_back(std::move(now_.text));
        advance();
        return true;
    }

    index unary() {
        if (depth_ >= deepest)
            return fail("the condition is nested too deep");
        ++depth_;
        const auto made = signed_or_primary();
        --depth_;
        return made;
    }

    index signed_or_primary() {
        if (take_symbol("+"))
            return unary();
        if (take_symbol("-"))
            return add({.type = kind::negate, .left = unary()});
        if (take_keyword("NOT"))
            return opposite(as_truth(unary()));
        if (take_symbol("(")) {
            const auto inner = disjunction();
            return failed() || take_symbol(")") ? inner : unexpected();
        }
        return operand();
    }

    index operand() {
        node made;
        switch (now_.type) {
        case token::name: made.type = kind::property; [[fallthrough]];
        case token::text: made.texts.push_back(now_.text); break;
        case token::decimal: {
            const auto number = read_java_integer(now_.text, condition_value::kind::int64);
            if (!number)
                return fail(now_.text + " is too large");
            made.constant = condition_value::of(*number);
            break;
        }
        case token::real: {
            const auto number = read_java_double(now_.text);
            if (!number || std::isinf(*number) || *number <= 0)
                return fail(now_.text + " is too large or too small"); // 0.0, too: Java takes it for that
            made.constant = condition_value::of(*number);
            break;
        }
        case token::keyword:
            if (now_.text == "TRUE" || now_.text == "FALSE")
                made.constant = condition_value::of(now_.text == "TRUE");
            else if (now_.text != "NULL")
                return unexpected();
            break;
        default: return unexpected();
        }
        advance();
        return add(std::move(made));
    }

    condition_lexer lexer_;
    condition_token now_;
    condition_token then_;
    std::vector<node> nodes_;
    std::string problem_;
    int depth_ = 0;
};

/// Compiles a SQL92 condition.
inline compiled_condition compile_condition(std::string_view text) { return condition_parser(text).parse(); }

} // namespace rocketpush::embedded

#endif
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
#include <memory>
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

/// A subscription's condition, and the version of the subscription that it is from.
struct compiled_filter {
    std::shared_ptr<const condition> wanted;
    std::int64_t version = 0;
};

/// A group with members. One set of subscriptions for all of them, as at a real broker: the newest heartbeat wins.
struct consumer_group {
    std::vector<group_member> members; ///< In the order in which they came.
    std::map<std::string, subscription, std::less<>> subscriptions;
    std::map<std::string, compiled_filter, std::less<>> conditions; ///< Of SQL92 subscriptions, by topic.
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

    /// Whether heartbeats on this connection have said that it is this client.
    bool has_client(connection_id connection, std::string_view client_id) const {
        return std::ranges::any_of(groups_, [&](const auto& group) {
            return std::ranges::any_of(group.second.members, [&](const group_member& member) {
                return member.connection == connection && member.client_id == client_id;
            });
        });
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
            const bool is_newer        = each.version > known->second.version;
            if (is_newer)
                known->second = each;
            if (each.type == filter_type::sql92 && (is_new || is_newer))
                compile(group, each);
        }
        std::erase_if(group.conditions, [&wanted](const auto& known) {
            return std::ranges::count(wanted, known.first, &subscription::topic) == 0;
        });
        const auto given_up = std::erase_if(group.subscriptions, [&wanted](const auto& known) {
            return std::ranges::count(wanted, known.first, &subscription::topic) == 0;
        });
        return changed || given_up != 0;
    }

    /// An expression that does not compile leaves the former one's condition: pulls are told that it is not the latest.
    static void compile(consumer_group& group, const subscription& wanted) {
        if (auto made = compile_condition(wanted.expression).made)
            group.conditions.insert_or_assign(
                wanted.topic, compiled_filter{std::make_shared<const condition>(std::move(*made)), wanted.version});
    }

    std::map<std::string, consumer_group, std::less<>> groups_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/fault_injector.hpp
#ifndef ROCKETPUSH_EMBEDDED_FAULT_INJECTOR_HPP
#define ROCKETPUSH_EMBEDDED_FAULT_INJECTOR_HPP

// rocketpush/embedded/fault.hpp
#ifndef ROCKETPUSH_EMBEDDED_FAULT_HPP
#define ROCKETPUSH_EMBEDDED_FAULT_HPP


#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush::embedded {

/// What a fault does to a request that it hits. A oneway request has no answer to be changed, lost or late.
namespace fault_action {

/// It is not processed. This is the answer; with the code `success` and other fields or another body, a wrong one.
struct refuse {
    response_code code = response_code::system_error;
    std::string remark = "a fault that was asked for";
    std::vector<std::pair<std::string, std::string>>
        fields{}; ///< Of the answer's header: `{{"nextBeginOffset", "0"}}`.
    std::string body{};
};

/// It is neither processed nor answered: the client waits as long as it waits.
struct lose_request {};

/// It is processed, and the answer is lost.
struct lose_answer {};

/// It is processed, and the answer says that it was not.
struct deny {
    response_code code = response_code::system_error;
};

/// It is processed at once, and the answer goes out later. A pull that is held first waits for its messages.
struct delay {
    std::chrono::milliseconds time{};
};

/// The client's connection ends, and the request is not processed.
struct close_before {};

/// It is processed, and instead of being answered the client's connection ends.
struct close_after {};

/// The answer comes twice.
struct answer_twice {};

/// The answer is one to a request that the client has not made.
struct wrong_opaque {};

/// One byte in the middle of the answer's body is another than it should be.
struct corrupt_body {};

/// The checksum of one of the stored messages in the answer is wrong: the one in the middle of the body. An answer without messages is
/// as it should be.
struct damage_message {};

/// Instead of the answer come bytes that are no frame, so the client can trust nothing behind them.
struct garble {};

using any = std::variant<refuse, lose_request, lose_answer, deny, delay, close_before, close_after, answer_twice,
                         wrong_opaque, corrupt_body, damage_message, garble>;

} // namespace fault_action

/**
 * @brief A fault that an embedded broker has on request: which requests it hits, what it does to them, and how often.
 *
 * A request is hit when all that is given here fits it; what is left empty fits every request. Of several faults that fit a
 * request, the one that was added first has it.
 * @code
 * broker.add_fault({.codes  = {request_code::update_consumer_offset},
 *                   .group  = "billing",
 *                   .action = fault_action::lose_answer{},
 *                   .rate   = 0.3});
 * @endcode
 */
struct fault {
    /// No limit, for `times`.
    static constexpr std::size_t until_cleared = SIZE_MAX;

    std::vector<protocol::request_code> codes{}; ///< Requests with one of these codes.
    std::string topic{};                         ///< That name this topic; a heartbeat names all that it subscribes.
    std::string group{};                         ///< That name this consumer group (a send: producer group).
    std::string client_id{};                     ///< On a connection whose heartbeats said that it is this client.
    std::optional<std::int32_t> queue{};         ///< That name this queue id.

    fault_action::any action = fault_action::refuse{};

    std::size_t skip  = 0;             ///< So many that fit are spared first.
    std::size_t times = until_cleared; ///< So many are hit.
    double rate       = 1;             ///< The chance of each to be hit, from 0 to 1, drawn from the runtime's random.
};

/// Names a fault that was added; never given twice.
using fault_id = std::uint64_t;

/// What is wrong with a fault, as the end of a sentence; empty when nothing is.
inline std::string_view describe_problem(const fault& wanted) noexcept {
    if (!(wanted.rate >= 0 && wanted.rate <= 1))
        return "a fault's rate is from 0 to 1";
    if (const auto* late = std::get_if<fault_action::delay>(&wanted.action); late && late->time.count() < 0)
        return "a fault's delay is not negative";
    return {};
}

} // namespace rocketpush::embedded

#endif

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
// rocketpush/embedded/faulty_answers.hpp
#ifndef ROCKETPUSH_EMBEDDED_FAULTY_ANSWERS_HPP
#define ROCKETPUSH_EMBEDDED_FAULTY_ANSWERS_HPP


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
// rocketpush/embedded/forwarded_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_FORWARDED_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_FORWARDED_REQUESTS_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush::embedded {

/// Whoever asked, when the question itself is gone.
struct reply_address {
    connection_id to;
    std::int32_t opaque;
    protocol::header_encoding encoding;
};

/// What a member answered to what it was asked for an administrator, or why it did not.
struct client_answer {
    response_code code = response_code::success;
    std::string remark{};
    std::string body{};
};

/// A request that the broker has passed on to a member.
struct forwarded_request {
    std::variant<reply_address, std::promise<client_answer>> asked_by; ///< A client of the broker, or its owner.
    connection_id answered_by;
    std::chrono::steady_clock::time_point due; ///< Then nobody waits any longer.
};

/**
 * @brief Requests that wait for a member's answer, by the opaque that the broker gave them.
 * @par Thread safety  None.
 * @par Source         Java `Broker2Client.callClient`, whose threads wait.
 */
class forwarded_requests {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds patience{10};
    static constexpr std::size_t most = 1000;

    bool full() const noexcept { return waiting_.size() >= most; }

    void add(std::int32_t opaque, forwarded_request request) { waiting_.emplace(opaque, std::move(request)); }

    /// The one that this member was asked with this opaque.
    std::optional<forwarded_request> take(std::int32_t opaque, connection_id answered_by) {
        const auto found = waiting_.find(opaque);
        if (found == waiting_.end() || found->second.answered_by != answered_by)
            return std::nullopt;
        return std::move(waiting_.extract(found).mapped());
    }

    /// Those of a member that has gone; what a client has asked that has gone is forgotten.
    std::vector<forwarded_request> take_all_of(connection_id gone) {
        std::erase_if(waiting_, [gone](const auto& each) {
            const auto* asked_by = std::get_if<reply_address>(&each.second.asked_by);
            return asked_by && asked_by->to == gone;
        });
        return take_if([gone](const forwarded_request& each) { return each.answered_by == gone; });
    }

    std::vector<forwarded_request> take_overdue(time_point now) {
        return take_if([now](const forwarded_request& each) { return each.due <= now; });
    }

    std::optional<time_point> next_due() const {
        const auto first = std::ranges::min_element(waiting_, {}, [](const auto& each) { return each.second.due; });
        return first == waiting_.end() ? std::nullopt : std::optional(first->second.due);
    }

  private:
    template <class Predicate>
    std::vector<forwarded_request> take_if(Predicate wanted) {
        std::vector<forwarded_request> taken;
        for (auto each = waiting_.begin(); each != waiting_.end();)
            if (wanted(each->second)) {
                taken.push_back(std::move(each->second));
                each = waiting_.erase(each);
            } else {
                ++each;
            }
        return taken;
    }

    std::map<std::int32_t, forwarded_request> waiting_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/held_pops.hpp
#ifndef ROCKETPUSH_EMBEDDED_HELD_POPS_HPP
#define ROCKETPUSH_EMBEDDED_HELD_POPS_HPP

// rocketpush/embedded/stored_filter.hpp
#ifndef ROCKETPUSH_EMBEDDED_STORED_FILTER_HPP
#define ROCKETPUSH_EMBEDDED_STORED_FILTER_HPP

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

    /// Of a static topic: how often it was mapped. Its queues are known by logical ids and offsets; 0: it is not one.
    std::int64_t static_epoch = 0;

    /// Batches are stored as one message each. Java: `queue.type=BatchCQ`.
    bool inner_batches = false;

    bool readable() const noexcept { return (permission & 4) != 0; }
    bool writable() const noexcept { return (permission & 2) != 0; }
    std::int32_t queues() const noexcept { return std::max(read_queues, write_queues); }
};

/**
 * @brief Where a queue of a static topic really lies. Only what is in a message's own bytes is of that place.
 * @par Source  Java `LogicQueueMappingItem`.
 */
struct physical_queue {
    std::int32_t id     = 0;
    queue_offset behind = 0; ///< How much smaller its offsets are.
};

/// A queue of a static topic on its way from one broker to another.
struct moved_queue {
    struct message {
        std::string record;      ///< As it was stored; empty for offsets that no message has.
        std::size_t offsets = 1; ///< How many it takes.
    };

    std::int64_t epoch = 0; ///< Of the mapping in which it is gone from the one and at the other.
    queue_offset begin = 0;
    std::vector<message> messages{};
    std::map<std::string, queue_offset> committed{}; ///< By group.
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
    offset_reset, ///< An administrator has moved the group.
};

constexpr std::string_view to_string(read_status status) noexcept {
    switch (status) {
    case read_status::found: return "FOUND";
    case read_status::no_matched_message: return "NO_MATCHED_MESSAGE";
    case read_status::no_message_in_queue: return "NO_MESSAGE_IN_QUEUE";
    case read_status::offset_overflow_one: return "OFFSET_OVERFLOW_ONE";
    case read_status::offset_overflow_badly: return "OFFSET_OVERFLOW_BADLY";
    case read_status::offset_too_small: return "OFFSET_TOO_SMALL";
    case read_status::offset_reset: return "OFFSET_RESET";
    }
    return {};
}

/// Most that one read gives.
struct read_limits {
    std::size_t messages = 32;
    std::size_t bytes    = 256 * 1024; ///< One message is given even if it is larger.
    queue_offset end     = INT64_MAX;  ///< As if the queue ended there.
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

    /// Says where a queue of a static topic lies, which has no messages yet. Its first offset is `place.behind`.
    void place_queue(std::string_view topic, std::int32_t queue_id, const physical_queue& place) {
        if (auto* queue = find_queue(topic, queue_id); queue && queue->entries.empty()) {
            queue->place = place;
            queue->begin = std::max(queue->begin, place.behind);
        }
    }

    /// Where a queue of a static topic lies; nothing for a queue that is not one, or not there.
    std::optional<physical_queue> place_of(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        return queue ? queue->place : std::nullopt;
    }

    /// Whether a queue is one of a static topic that another broker leads.
    bool is_led_elsewhere(std::string_view topic, std::int32_t queue_id) const {
        const auto* settings = find_topic(topic);
        const auto* queue    = settings && settings->static_epoch > 0 ? find_queue(topic, queue_id) : nullptr;
        return queue && !queue->place;
    }

    /// Takes a static topic's queue out, which another broker leads from now on. It is led here.
    moved_queue take_queue(std::string_view topic, std::int32_t queue_id) {
        auto* queue = find_queue(topic, queue_id);
        ROCKETPUSH_ASSERT(queue && queue->place, "a queue that is taken is led here");
        moved_queue taken;
        taken.begin       = queue->begin;
        std::int64_t last = -2;
        for (const auto& each : queue->entries) {
            if (std::exchange(last, each.commit_log_offset) == each.commit_log_offset)
                ++taken.messages.back().offsets;
            else
                taken.messages.push_back({std::string(record_at(each.commit_log_offset))});
        }
        *queue = {};
        return taken;
    }

    /// Puts in what another broker's `take_queue` gave; the next message gets an offset of `next` or more.
    void put_queue(std::string_view topic, std::int32_t queue_id, std::int32_t physical_id, const moved_queue& taken,
                   queue_offset next) {
        auto* queue = find_queue(topic, queue_id);
        ROCKETPUSH_ASSERT(queue && !queue->place, "a queue that is put in is led elsewhere");
        *queue       = {};
        queue->begin = taken.begin;
        queue->place = physical_queue{physical_id, taken.begin};
        for (const auto& each : taken.messages) {
            if (each.record.empty()) {
                queue->entries.insert(queue->entries.end(), each.offsets, no_message);
                continue;
            }
            auto message     = read_stored(each.record);
            message.queue_id = queue_id;
            append(message, each.offsets);
        }
        if (next > queue->end())
            queue->entries.insert(queue->entries.end(), static_cast<std::size_t>(next - queue->end()), no_message);
    }

    /// Messages of a queue; there are offsets that none has.
    std::size_t message_count(std::string_view topic, std::int32_t queue_id) const {
        const auto* queue = find_queue(topic, queue_id);
        if (!queue)
            return 0;
        return queue->entries.size() -
               (queue->place
                    ? static_cast<std::size_t>(std::ranges::count(queue->entries, -1, &entry::commit_log_offset))
                    : 0);
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
        auto& writer = topics_.find(topic)->second;
        for (std::int32_t tried = 0; tried < std::max(1, writer.settings.write_queues); ++tried) {
            writer.turn = (writer.turn + 1) % std::max(1, writer.settings.write_queues);
            if (!is_led_elsewhere(topic, writer.turn))
                break;
        }
        return writer.turn;
    }

    /**
     * @brief Stores a message; its offsets and store host are set here. The topic and the queue exist.
     * @param count  Offsets that it takes: more than 1 for a batch that is stored as one message.
     */
    stored_place append(protocol::stored_message message, std::size_t count = 1) {
        auto* queue = find_queue(message.topic, message.queue_id);
        ROCKETPUSH_ASSERT(queue, "messages are stored in queues that exist");
        const stored_place place{message.queue_id, queue->end(), log_.end_offset()};
        message.queue_offset      = queue->end() - (queue->place ? queue->place->behind : 0);
        message.queue_id          = queue->place ? queue->place->id : message.queue_id;
        message.commit_log_offset = log_.end_offset();
        message.store_host        = store_host_;
        const auto oldest         = log_.begin_offset();
        log_.append(message);
        queue->entries.insert(queue->entries.end(), count,
                              {message.commit_log_offset, message.store_timestamp, tag_hash(message.properties)});
        if (log_.begin_offset() != oldest)
            forget_dropped();
        return place;
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
        return this->at(*queue, at);
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
     * @param wants    `bool(std::int32_t tag_hash)`, or `bool(std::int32_t tag_hash, std::string_view record)`; others are
     *                 passed over.
     * @param records  Gets the messages found, as stored, behind those it has.
     */
    template <class Wants>
        requires std::predicate<Wants, std::int32_t> || std::predicate<Wants, std::int32_t, std::string_view>
    read_result read(std::string_view topic, std::int32_t queue_id, queue_offset from, const read_limits& limits,
                     Wants&& wants, std::vector<std::string_view>& records) const {
        const auto* queue = find_queue(topic, queue_id);
        const auto end    = queue ? std::min(queue->end(), std::max(queue->begin, limits.end)) : 0;
        if (end == 0)
            return {read_status::no_message_in_queue, 0};
        if (from < queue->begin)
            return {read_status::offset_too_small, queue->begin};
        if (from == end)
            return {read_status::offset_overflow_one, from};
        if (from > end)
            return {read_status::offset_overflow_badly, end};

        std::size_t messages = 0, bytes = 0;
        // A tag that nobody uses must not make one read walk through a million messages.
        const auto stop = std::min(end, from + most_looked_at);
        auto next       = from;
        for (; next < stop && messages < limits.messages; ++next) {
            const auto& candidate = at(*queue, next);
            if constexpr (std::predicate<Wants, std::int32_t>)
                if (!wants(candidate.tag_hash))
                    continue;
            const auto record = log_.record_at(candidate.commit_log_offset);
            if constexpr (!std::predicate<Wants, std::int32_t>)
                if (!wants(candidate.tag_hash, record))
                    continue;
            if (record.empty())
                continue;
            if (messages > 0 && bytes + record.size() > limits.bytes)
                break;
            records.push_back(record);
            bytes += record.size();
            ++messages;
            while (next + 1 < queue->end() && at(*queue, next + 1).commit_log_offset == candidate.commit_log_offset)
                ++next; // a batch comes whole, from wherever in it
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
    static constexpr entry no_message{-1, 0, 0};

    struct queue_state {
        std::deque<entry> entries;
        queue_offset begin = 0;
        std::optional<physical_queue> place;

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

    static const entry& at(const queue_state& queue, queue_offset offset) noexcept {
        return queue.entries[static_cast<std::size_t>(offset - queue.begin)];
    }

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

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace rocketpush::embedded {

/**
 * @brief Which stored messages somebody wants: those with one of these tags, or that meet a condition; all, if it names neither.
 * @par Source  Java `ExpressionMessageFilter`.
 */
struct stored_filter {
    std::vector<std::int32_t> tag_codes{};     ///< Java hashes; a message whose tag only shares one is wanted, too.
    std::shared_ptr<const condition> wanted{}; ///< Null: no SQL92 condition.

    bool wants_tag(std::int32_t hash) const noexcept {
        return tag_codes.empty() || std::ranges::find(tag_codes, hash) != tag_codes.end();
    }
    /// @param record  From the commit log. Empty: the message is not kept any more; it may have been wanted.
    bool wants(std::int32_t tag_hash, std::string_view record) const {
        return wants_tag(tag_hash) && (!wanted || record.empty() || wanted->matches(read_stored(record).properties));
    }
};

/// Finds those of a queue's messages that are wanted; see `message_store::read`. Only a condition looks into the messages.
inline read_result read_wanted(const message_store& store, std::string_view topic, std::int32_t queue_id,
                               queue_offset from, const read_limits& limits, const stored_filter& filter,
                               std::vector<std::string_view>& records) {
    const auto read = [&](auto wants) { return store.read(topic, queue_id, from, limits, wants, records); };
    if (!filter.wanted)
        return read([&filter](std::int32_t hash) { return filter.wants_tag(hash); });
    return read([&filter](std::int32_t hash, std::string_view record) { return filter.wants(hash, record); });
}

} // namespace rocketpush::embedded

#endif

#include <chrono>
#include <concepts>
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

/// A pop that found no message and waits.
struct held_pop {
    connection_id connection = 0;
    protocol::header_encoding encoding{};
    std::int32_t opaque = 0;
    protocol::pop_request request{};
    stored_filter filter{};
    std::chrono::steady_clock::time_point deadline{}; ///< Then it is answered without a message.

    /// Whether it looks into this queue.
    bool reads(std::int32_t queue_id) const noexcept { return request.queue_id < 0 || request.queue_id == queue_id; }
};

/**
 * @brief The pops that wait, by topic, group and time.
 * @par Thread safety  None.
 * @par Source         Java `PopLongPollingService`.
 */
class held_pops {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    std::size_t size() const noexcept { return pops_.size(); }

    /// How many wait for the same as this one.
    std::size_t alike(const protocol::pop_request& pop) const {
        const auto found = counts_.find({pop.topic, pop.consumer_group, pop.queue_id});
        return found == counts_.end() ? 0 : found->second;
    }

    void hold(held_pop pop) {
        const auto id = next_id_++;
        deadlines_.emplace(pop.deadline, id);
        groups_.emplace(pop.request.topic, pop.request.consumer_group, id);
        ++counts_[{pop.request.topic, pop.request.consumer_group, pop.request.queue_id}];
        pops_.emplace(id, std::move(pop));
    }

    /// Takes out, of each group that waits for the topic, the one held longest for which `ends(const held_pop&)` is true: a
    /// message goes to one member of a group.
    template <std::predicate<const held_pop&> Ends>
    std::vector<held_pop> take_one_each(std::string_view topic, Ends ends) {
        std::vector<std::uint64_t> ended;
        std::string_view group_done;
        for (auto at = groups_.lower_bound({std::string(topic), {}, 0}); at != groups_.end(); ++at) {
            const auto& [of_topic, group, id] = *at;
            if (of_topic != topic)
                break;
            if ((!ended.empty() && group == group_done) || !ends(pops_.find(id)->second))
                continue;
            group_done = group;
            ended.push_back(id);
        }
        return take(ended);
    }

    /// Takes all of a topic's out.
    std::vector<held_pop> take_topic(std::string_view topic) {
        std::vector<std::uint64_t> ended;
        for (auto at = groups_.lower_bound({std::string(topic), {}, 0});
             at != groups_.end() && std::get<0>(*at) == topic; ++at)
            ended.push_back(std::get<2>(*at));
        return take(ended);
    }

    /// One whose deadline has come.
    std::optional<held_pop> take_due(time_point now) {
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
        for (const auto& [id, pop] : pops_)
            if (pop.connection == connection)
                ended.push_back(id);
        take(ended);
    }

  private:
    std::vector<held_pop> take(const std::vector<std::uint64_t>& ids) {
        std::vector<held_pop> taken;
        taken.reserve(ids.size());
        for (const auto id : ids)
            taken.push_back(take(id));
        return taken;
    }

    held_pop take(std::uint64_t id) {
        auto pop = std::move(pops_.extract(id).mapped());
        deadlines_.erase({pop.deadline, id});
        groups_.erase({pop.request.topic, pop.request.consumer_group, id});
        const auto count = counts_.find({pop.request.topic, pop.request.consumer_group, pop.request.queue_id});
        if (--count->second == 0)
            counts_.erase(count);
        return pop;
    }

    std::uint64_t next_id_ = 0;
    std::map<std::uint64_t, held_pop> pops_;
    std::set<std::pair<time_point, std::uint64_t>> deadlines_;
    std::set<std::tuple<std::string, std::string, std::uint64_t>> groups_; ///< Topic, group, id.
    std::map<std::tuple<std::string, std::string, std::int32_t>, std::size_t> counts_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/held_pulls.hpp
#ifndef ROCKETPUSH_EMBEDDED_HELD_PULLS_HPP
#define ROCKETPUSH_EMBEDDED_HELD_PULLS_HPP


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

/// A pull that found nothing new and waits.
struct held_pull {
    connection_id connection = 0;
    protocol::header_encoding encoding{};
    std::int32_t opaque = 0;
    protocol::pull_request request{};
    stored_filter filter{};
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

    /// Takes those out that a message with this tag hash and record, new in the queue, ends; the longest held first.
    std::vector<held_pull> take_woken(std::string_view topic, std::int32_t queue_id, std::int32_t tag_hash,
                                      std::string_view record) {
        return take_from_queues({std::string(topic), queue_id, 0}, {std::string(topic), queue_id, last_id},
                                [&](const held_pull& pull) { return pull.filter.wants(tag_hash, record); });
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

    static constexpr std::uint64_t last_id = UINT64_MAX;

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
// rocketpush/embedded/pop_checkpoints.hpp
#ifndef ROCKETPUSH_EMBEDDED_POP_CHECKPOINTS_HPP
#define ROCKETPUSH_EMBEDDED_POP_CHECKPOINTS_HPP


#include <algorithm>
#include <chrono>
#include <compare>
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

/// What names a check point; all of it is in the receipts of its messages, and in the request that brings one.
struct checkpoint_key {
    std::string group;
    std::string topic; ///< The one that the messages are stored under.
    std::int32_t queue_id     = 0;
    queue_offset start_offset = 0;
    std::int64_t pop_time     = 0; ///< ms since 1970

    friend auto operator<=>(const checkpoint_key&, const checkpoint_key&) = default;
};

/// Messages of one queue that were popped together and are hidden from others until a deadline.
struct pop_checkpoint {
    checkpoint_key key;
    protocol::pop_topic kind = protocol::pop_topic::normal; ///< Of `key.topic`.
    std::vector<queue_offset> offsets{};                    ///< Not acknowledged yet; rising.
    bool suspended = false;                                 ///< Coming again will not count as consumed in vain.
    std::chrono::steady_clock::time_point deadline{};
};

/**
 * @brief The messages that were popped and wait for their acknowledgements.
 *
 * At their deadline they are to come again; acknowledgements which come later than that find nothing.
 *
 * @par Thread safety  None.
 * @par Source         Java `PopBufferMergeService`, `PopReviveService`, without the revive topic between them: a real broker
 *                     notices a deadline some seconds late.
 */
class pop_checkpoints {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    /// One of the same name gives way.
    void add(pop_checkpoint made) {
        remove(points_.find(made.key));
        messages_ += made.offsets.size();
        const auto deadline = made.deadline;
        auto key            = made.key;
        const auto added    = points_.emplace(std::move(key), kept_point{std::move(made), next_id_++}).first;
        deadlines_.emplace(deadline, added->second.id, &added->first);
    }

    /// Whether there is one of this name.
    bool contains(const checkpoint_key& key) const { return points_.contains(key); }

    /// One message is done with. @return Whether it was waited for.
    bool acknowledge(const checkpoint_key& key, queue_offset offset) {
        const auto found = points_.find(key);
        if (found == points_.end())
            return false;
        auto& offsets   = found->second.point.offsets;
        const auto done = std::ranges::find(offsets, offset);
        if (done == offsets.end())
            return false;
        offsets.erase(done);
        --messages_;
        if (offsets.empty())
            remove(found);
        return true;
    }

    /// One whose deadline has come, with the messages that are to come again.
    std::optional<pop_checkpoint> take_due(time_point now) {
        if (deadlines_.empty() || std::get<0>(*deadlines_.begin()) > now)
            return std::nullopt;
        const auto found = points_.find(*std::get<2>(*deadlines_.begin()));
        auto due         = found->second.point;
        remove(found);
        return due;
    }

    std::optional<time_point> next_due() const {
        return deadlines_.empty() ? std::nullopt : std::optional(std::get<0>(*deadlines_.begin()));
    }

    /// Number of messages that wait for an acknowledgement.
    std::size_t messages() const noexcept { return messages_; }

    /// The same of one group and one topic, by the name that they are stored under.
    std::size_t messages_of(std::string_view group, std::string_view topic) const {
        std::size_t count = 0;
        checkpoint_key first{std::string(group), std::string(topic)};
        first.queue_id = INT32_MIN;
        for (auto at = points_.lower_bound(first);
             at != points_.end() && at->first.group == group && at->first.topic == topic; ++at)
            count += at->second.point.offsets.size();
        return count;
    }

    void forget_topic(std::string_view topic) {
        for (auto at = points_.begin(); at != points_.end();)
            at = at->first.topic == topic ? remove(at) : std::next(at);
    }

  private:
    struct kept_point {
        pop_checkpoint point;
        std::uint64_t id; ///< Rises with each that is added.
    };
    using table = std::map<checkpoint_key, kept_point>;

    table::iterator remove(table::iterator point) {
        if (point == points_.end())
            return point;
        messages_ -= point->second.point.offsets.size();
        deadlines_.erase({point->second.point.deadline, point->second.id, &point->first});
        return points_.erase(point);
    }

    table points_;
    /// With the order in which they were added; keys stay where they are in the table.
    std::set<std::tuple<time_point, std::uint64_t, const checkpoint_key*>> deadlines_;
    std::uint64_t next_id_ = 0;
    std::size_t messages_  = 0;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/pop_orders.hpp
#ifndef ROCKETPUSH_EMBEDDED_POP_ORDERS_HPP
#define ROCKETPUSH_EMBEDDED_POP_ORDERS_HPP


#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// A queue that a group pops in order.
struct ordered_queue {
    std::string group;
    std::string topic;
    std::int32_t queue_id = 0;

    friend auto operator<=>(const ordered_queue&, const ordered_queue&) = default;
};

/**
 * @brief Orderly pops: one batch of a queue at a time is under way, and as its messages are acknowledged the group's offset
 *        follows.
 *
 * @par Thread safety  None.
 * @par Source         Java `ConsumerOrderInfoManager`.
 */
class pop_orders {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    struct message {
        queue_offset offset = 0;
        time_point visible_at{};    ///< When it may come again.
        std::int32_t delivered = 0; ///< Times before this one.
        bool acknowledged      = false;
    };
    struct batch {
        std::string attempt_id;
        std::int64_t pop_time = 0;           ///< ms since 1970
        std::vector<message> messages;       ///< Offsets rise; there is one at least.
        std::optional<time_point> tell_at{}; ///< When to tell those that wait for the queue.

        /// Until when others get nothing of the queue; past, once all that is not acknowledged may come again.
        time_point blocked_until() const noexcept {
            time_point until{};
            for (const auto& each : messages)
                if (!each.acknowledged)
                    until = std::max(until, each.visible_at);
            return until;
        }
        /// Where the group goes on: the first message that is not acknowledged.
        queue_offset next_offset() const noexcept {
            const auto first = std::ranges::find(messages, false, &message::acknowledged);
            return first == messages.end() ? messages.back().offset + 1 : first->offset;
        }
        message* find(queue_offset offset) noexcept {
            const auto found = std::ranges::find(messages, offset, &message::offset);
            return found == messages.end() ? nullptr : &*found;
        }
    };

    /// Whether the queue gives nothing now. The attempt that has the batch under way may have it again.
    bool blocked(const ordered_queue& queue, std::string_view attempt_id, time_point now) const {
        const auto found = batches_.find(queue);
        if (found == batches_.end() || (!attempt_id.empty() && found->second.attempt_id == attempt_id))
            return false;
        return now < found->second.blocked_until();
    }

    /// A batch goes out. @return It, with the times that its messages were delivered before.
    const batch& deliver(const ordered_queue& queue, std::string attempt_id, std::int64_t pop_time,
                         const std::vector<queue_offset>& offsets, time_point visible_at) {
        auto& kept       = batches_[queue];
        const bool again = !attempt_id.empty() && kept.attempt_id == attempt_id;
        batch made{std::move(attempt_id), pop_time, {}, visible_at};
        for (const auto offset : offsets) {
            const auto* before = kept.find(offset);
            made.messages.push_back({offset, visible_at, before ? before->delivered + (again ? 0 : 1) : 0});
        }
        kept = std::move(made);
        return kept;
    }

    /// What came of an acknowledgement.
    struct outcome {
        bool known = false;                   ///< Whether the message is one of the batch.
        std::optional<queue_offset> commit{}; ///< Where the group goes on now.
        bool freed = false;                   ///< Whether the queue gives messages again.
    };

    outcome acknowledge(const ordered_queue& queue, queue_offset offset, std::int64_t pop_time, time_point now) {
        const auto found = batches_.find(queue);
        if (found == batches_.end())
            return {true, offset + 1, true};
        auto& one = found->second;
        if (one.pop_time != pop_time)
            return {true}; // of an earlier batch, whose messages have been given out again
        auto* acknowledged = one.find(offset);
        if (!acknowledged)
            return {};
        acknowledged->acknowledged = true;
        const auto until           = one.blocked_until();
        one.tell_at                = until > now ? std::optional(until) : std::nullopt;
        return {true, one.next_offset(), until <= now};
    }

    /// One message may come again at another time.
    void change(const ordered_queue& queue, queue_offset offset, std::int64_t pop_time, time_point visible_at) {
        const auto found = batches_.find(queue);
        if (found == batches_.end() || found->second.pop_time != pop_time)
            return;
        if (auto* changed = found->second.find(offset))
            changed->visible_at = visible_at;
        found->second.tell_at = found->second.blocked_until();
    }

    /// Queues that give messages again because a time has passed; each is told once.
    std::vector<ordered_queue> take_freed(time_point now) {
        std::vector<ordered_queue> freed;
        for (auto& [queue, one] : batches_)
            if (one.tell_at && *one.tell_at <= now) {
                one.tell_at.reset();
                freed.push_back(queue);
            }
        return freed;
    }

    std::optional<time_point> next_due() const {
        std::optional<time_point> earliest;
        for (const auto& [queue, one] : batches_)
            if (one.tell_at && (!earliest || *one.tell_at < *earliest))
                earliest = one.tell_at;
        return earliest;
    }

    void forget_topic(std::string_view topic) {
        std::erase_if(batches_, [topic](const auto& each) { return each.first.topic == topic; });
    }

  private:
    std::map<ordered_queue, batch> batches_;
};

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/queue_locks.hpp
#ifndef ROCKETPUSH_EMBEDDED_QUEUE_LOCKS_HPP
#define ROCKETPUSH_EMBEDDED_QUEUE_LOCKS_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
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

    /// Client id of who has the lock; empty if nobody has.
    std::string_view owner(std::string_view group, const message_queue& queue, time_point now) const {
        const auto found = groups_.find(group);
        if (found == groups_.end())
            return {};
        const auto held = found->second.find(queue);
        return held != found->second.end() && alive(held->second, now) ? std::string_view(held->second.owner)
                                                                       : std::string_view();
    }

    /// Ends all locks of a group. @return How many were held.
    std::size_t expire(std::string_view group, time_point now) {
        const auto found = groups_.find(group);
        if (found == groups_.end())
            return 0;
        const auto held = std::ranges::count_if(found->second, [&](const auto& one) { return alive(one.second, now); });
        groups_.erase(found);
        return static_cast<std::size_t>(held);
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
// rocketpush/embedded/slave.hpp
#ifndef ROCKETPUSH_EMBEDDED_SLAVE_HPP
#define ROCKETPUSH_EMBEDDED_SLAVE_HPP


#include <optional>

namespace rocketpush::embedded {

/**
 * @brief The slave that an embedded broker plays besides itself, if it does: broker id 1, on an address of its own.
 *
 * It has the master's messages, perhaps not the newest, and members of its own: those who sent their heartbeats to it.
 */
struct slave_state {
    std::optional<endpoint> address{}; ///< What routes tell; nothing: there is no slave.
    queue_offset lag = 0;              ///< Messages of each queue that it has not got yet.
    bool suggested   = false;          ///< Whether pull answers send clients to it.
    bool master_lost = false;          ///< Then it is all that is left of this broker.
    consumer_groups groups{};
};

} // namespace rocketpush::embedded

#endif

#include <chrono>
#include <concepts>
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
    bool to_slave = false; ///< It has connected to the slave's address.
};

/// A message that has just come into a queue; pulls may wait for it.
struct arrival {
    std::string topic;
    std::int32_t queue_id;
    std::int32_t tag_hash;
    std::int64_t commit_log_offset;
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
          faults(seed),
          faulty(options.version),
          modes(options.default_mode),
          unique_ids(own_address, seed >> 32, static_cast<std::uint32_t>(seed)),
          accounts(options.accounts) {
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
    fault_injector faults;
    faulty_answers faulty;
    slave_state slave;
    request_modes modes;
    pop_checkpoints checkpoints;
    pop_orders orders;
    held_pops pops;
    std::uint32_t pop_turn = 0; ///< Counts the looks for messages to pop: whose turn it is of queues and retries.
    protocol::unique_id_generator unique_ids;
    std::vector<account> accounts; ///< None: everybody may do everything.

    std::set<std::string, std::less<>> known_groups; ///< Those that may consume; see auto_create_groups.
    std::map<connection_id, client_connection> connections;
    forwarded_requests forwarded;
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

inline reply_address address_of(const incoming_request& request) noexcept {
    return {request.from, request.header.opaque, request.header.encoding};
}

inline protocol::header_encoding chosen_encoding(const broker_state& broker, protocol::header_encoding asked) noexcept {
    return broker.options.encoding == answer_encoding::as_request ? asked : protocol::header_encoding::json;
}

/// Every answer to a client is written here. @param append  Appends its frame to the text that it is given.
template <std::invocable<std::string&> Append>
void write_answer(broker_state& broker, const reply_address& address, Append&& append) {
    auto& frames     = broker.out.frames_to(address.to);
    const auto begin = frames.size();
    append(frames);
    broker.faulty.finish(frames, begin, address.to, address.opaque);
}

template <class Fields = protocol::no_fields>
void reply(broker_state& broker, const reply_address& address, response_code code, std::string_view remark = {},
           const Fields& fields = {}, std::string_view body = {}) {
    write_answer(broker, address, [&](std::string& frames) {
        protocol::append_response(frames, chosen_encoding(broker, address.encoding), code, address.opaque, remark,
                                  fields, body, broker.options.version);
    });
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

/// Refuses what is asked of a static topic's queue that another broker leads. @return Whether it did.
inline bool refuse_led_elsewhere(broker_state& broker, const reply_address& address, std::string_view topic,
                                 std::int32_t queue_id) {
    if (!broker.store.is_led_elsewhere(topic, queue_id))
        return false;
    reply(broker, address, response_code::not_leader_for_queue,
          std::string(topic) + '-' + std::to_string(queue_id) +
              " cannot find mapping item in request process of current broker " + broker.options.name);
    return true;
}
inline bool refuse_led_elsewhere(broker_state& broker, const incoming_request& request, std::string_view topic,
                                 std::int32_t queue_id) {
    return !request.header.is_oneway() && refuse_led_elsewhere(broker, address_of(request), topic, queue_id);
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
    broker.slave.groups.leave_all(connection);
    broker.pops.forget(connection);
    for (const auto& group : broker.groups.leave_all(connection))
        notify_members(broker, group);
}

} // namespace answering

} // namespace rocketpush::embedded

#endif
// rocketpush/embedded/pull_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_PULL_REQUESTS_HPP

// rocketpush/embedded/slave_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_SLAVE_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_SLAVE_REQUESTS_HPP


#include <algorithm>
#include <cstdint>
#include <string_view>

/**
 * What a slave does otherwise than its master.
 * @par Source  Java `PullMessageProcessor.composeResponseHeader`, `DefaultMessageStore.nextOffsetCorrection`.
 */
namespace rocketpush::embedded::answering {

/// Whether a client has connected to the slave.
inline bool is_at_slave(const broker_state& broker, connection_id connection) {
    if (!broker.slave.address)
        return false;
    const auto found = broker.connections.find(connection);
    return found != broker.connections.end() && found->second.to_slave;
}

/// The members that the broker knows which a client talks to: master and slave each have their own.
inline consumer_groups& groups_at(broker_state& broker, connection_id connection) {
    return is_at_slave(broker, connection) ? broker.slave.groups : broker.groups;
}
inline const consumer_groups& groups_at(const broker_state& broker, connection_id connection) {
    return is_at_slave(broker, connection) ? broker.slave.groups : broker.groups;
}

/// Whether a request is one to the name server, which stays when the master is lost.
inline bool is_for_name_server(std::int32_t code) noexcept {
    constexpr std::int32_t cluster_info = 106, topic_list = 206, delete_route = 216;
    return code == static_cast<std::int32_t>(protocol::request_code::get_route_info) || code == cluster_info ||
           code == topic_list || code == delete_route;
}

/// Answers what a slave refuses. A real one takes a commit, to have it overwritten by its master's soon after; here it is
/// refused, so that a test sees it. @return Whether it was refused.
inline bool refuse_at_slave(broker_state& broker, const incoming_request& request) {
    if (!is_at_slave(broker, request.from))
        return false;
    using code = protocol::request_code;
    switch (static_cast<code>(request.header.code)) {
    case code::send_message:
    case code::send_message_v2:
    case code::send_batch_message:
    case code::consumer_send_back:
        reply(broker, request, response_code::service_not_available, "service not available now: this is a slave");
        return true;
    case code::update_consumer_offset:
    case code::lock_batch:
    case code::unlock_batch:
    case code::update_and_create_topic:
    case code::pop_message:
    case code::ack_message:
    case code::change_invisible_time:
        reply(broker, request, response_code::system_error, "this is a slave");
        return true;
    default: return false;
    }
}

/// Where a queue ends for a client: a slave may not have its newest messages yet.
inline queue_offset visible_end(const broker_state& broker, connection_id connection, std::string_view topic,
                                std::int32_t queue_id) {
    const auto end = broker.store.max_offset(topic, queue_id);
    if (!is_at_slave(broker, connection))
        return end;
    return std::max(broker.store.min_offset(topic, queue_id), end - broker.slave.lag);
}

/// The broker that a pull's answer sends its client to.
inline std::int64_t suggested_broker(const broker_state& broker) noexcept {
    return broker.slave.address && (broker.slave.suggested || broker.slave.master_lost) ? 1 : 0;
}

/// A slave corrects no offset, and does not let clients wait as long as there is a master to go back to.
inline response_code code_at_slave(const broker_state& broker, response_code code) noexcept {
    if (code == response_code::success)
        return code;
    const bool goes_back = suggested_broker(broker) == 0;
    return goes_back || code == response_code::pull_offset_moved ? response_code::pull_retry_immediately : code;
}

} // namespace rocketpush::embedded::answering

#endif

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Messages out.
 * @par Source  Java `PullMessageProcessor`, `PullRequestHoldService`, `QueryMessageProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Why a pull is refused, or nothing and what it wants.
struct pull_check {
    response_code refusal = response_code::success;
    std::string remark{};
    stored_filter filter{};
};

inline pull_check refuse_conditions(std::string_view type) {
    return {response_code::system_error,
            "The broker does not support consumer to filter message by " + std::string(type)};
}

/// A pull's own subscription. A condition that does not compile is no reason to refuse it: then it gets all messages.
inline pull_check own_filter(const broker_state& broker, const protocol::pull_request& pull) {
    if (pull.expression_type.empty() || pull.expression_type == to_string(filter_type::tag)) {
        auto own = make_subscription(pull.topic, tags(pull.subscription), pull.sub_version);
        if (!own)
            return {response_code::subscription_parse_failed, "parse the consumer's subscription failed"};
        return {.filter = {.tag_codes = std::move(own->tag_codes)}};
    }
    if (!broker.options.property_filter)
        return refuse_conditions(pull.expression_type);
    auto made = compile_condition(pull.subscription).made;
    if (!made || pull.expression_type != to_string(filter_type::sql92))
        return {};
    return {.filter = {.wanted = std::make_shared<const condition>(std::move(*made))}};
}

/// The subscription that a pull is filtered by: its own, or the group's from the last heartbeat.
inline pull_check find_filter(const broker_state& broker, connection_id from, const protocol::pull_request& pull) {
    if (pull.sys_flag & protocol::pull_flags::subscription)
        return own_filter(broker, pull);
    const auto* group = groups_at(broker, from).find(pull.consumer_group);
    if (!group)
        return {response_code::subscription_not_exist, "the consumer's group info not exist"};
    const auto known = group->subscriptions.find(pull.topic);
    if (known == group->subscriptions.end())
        return {response_code::subscription_not_exist, "the consumer's subscription not exist"};
    if (known->second.version < pull.sub_version)
        return {response_code::subscription_not_latest, "the consumer's subscription not latest"};
    if (known->second.type == filter_type::tag)
        return {.filter = {.tag_codes = known->second.tag_codes}};

    const auto compiled = group->conditions.find(pull.topic);
    if (compiled == group->conditions.end())
        return {response_code::filter_data_not_exist,
                "The broker's consumer filter data is not exist!Your expression may be wrong!"};
    if (compiled->second.version < pull.sub_version)
        return {response_code::filter_data_not_latest, "the consumer's consumer filter data not latest"};
    if (!broker.options.property_filter)
        return refuse_conditions(to_string(filter_type::sql92));
    return {.filter = {.wanted = compiled->second.wanted}};
}

inline pull_check check_pull(broker_state& broker, connection_id from, const protocol::pull_request& pull) {
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
    return find_filter(broker, from, pull);
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
    case read_status::offset_reset:
    case read_status::offset_too_small: return response_code::pull_offset_moved;
    }
    return response_code::system_error;
}

/// The answer's code, at the master or at the slave.
inline response_code code_at(const broker_state& broker, connection_id to, read_status status, queue_offset asked) {
    const auto code = code_of(status, asked);
    return is_at_slave(broker, to) ? code_at_slave(broker, code) : code;
}

/// Appends the answer of a pull; what it found goes straight from the store into the connection's buffer.
inline void reply_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                       const read_result& read, const std::vector<std::string_view>& records) {
    protocol::pull_response fields{.suggested_broker_id = suggested_broker(broker),
                                   .next_begin_offset   = read.next,
                                   .min_offset          = broker.store.min_offset(pull.topic, pull.queue_id),
                                   .max_offset          = visible_end(broker, address.to, pull.topic, pull.queue_id)};
    if (const auto place = broker.store.place_of(pull.topic, pull.queue_id))
        fields.offset_delta = place->behind;
    if (broker.options.is_version_5()) {
        fields.topic_sys_flag = 0;
        fields.group_sys_flag = 0;
    }
    write_answer(broker, address, [&](std::string& frames) {
        const auto begin = frames.size();
        protocol::append_response(frames, chosen_encoding(broker, address.encoding),
                                  code_at(broker, address.to, read.status, pull.queue_offset), address.opaque,
                                  to_string(read.status), fields, {}, broker.options.version);
        for (const auto record : records)
            frames.append(record);
        // The frame's length was that of a frame without a body.
        rocketpush::detail::store_big(frames.data() + begin, static_cast<std::uint32_t>(frames.size() - begin - 4));
    });
}

/// Reads what the pull asks for. @return Nothing if it shall be held: there is no message yet, and it may wait.
inline bool try_pull(broker_state& broker, const reply_address& address, const protocol::pull_request& pull,
                     const stored_filter& filter, bool may_wait) {
    const read_limits limits{
        std::min(broker.options.pull_messages, static_cast<std::size_t>(std::max(1, pull.max_messages))),
        broker.options.pull_bytes, visible_end(broker, address.to, pull.topic, pull.queue_id)};
    std::vector<std::string_view> records;
    if (const auto reset = broker.offsets.take_reset(pull.consumer_group, pull.topic, pull.queue_id)) {
        reply_pull(broker, address, pull, {read_status::offset_reset, *reset}, records);
        return true;
    }
    records.reserve(limits.messages);
    auto read = read_wanted(broker.store, pull.topic, pull.queue_id, pull.queue_offset, limits, filter, records);
    if (is_at_slave(broker, address.to) && read.status != read_status::found &&
        read.status != read_status::no_matched_message)
        read.next = pull.queue_offset; // the master may know better
    if (may_wait && code_at(broker, address.to, read.status, pull.queue_offset) == response_code::pull_not_found)
        return false;
    reply_pull(broker, address, pull, read, records);
    return true;
}

/// PULL_MESSAGE (11)
inline void answer_pull(broker_state& broker, const incoming_request& request) {
    auto pull = read_request<protocol::pull_request>(broker, request);
    if (!pull)
        return;
    if (refuse_led_elsewhere(broker, request, pull->topic, pull->queue_id))
        return;
    auto check = check_pull(broker, request.from, *pull);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark);

    // A longer wait than this is no wait but a broken client.
    constexpr std::int64_t longest_wait = 3'600'000;
    const auto wait                     = std::clamp<std::int64_t>(pull->suspend_millis, 0, longest_wait);
    const bool may_wait                 = (pull->sys_flag & protocol::pull_flags::suspend) != 0 && wait > 0 &&
                          broker.held.size() < broker.options.held_pulls;
    const auto address  = address_of(request);
    const bool answered = request.header.is_oneway() || try_pull(broker, address, *pull, check.filter, may_wait);
    if ((pull->sys_flag & protocol::pull_flags::commit_offset) && !is_at_slave(broker, request.from)) {
        // Real brokers take it for the place in their own queue.
        const auto place  = broker.store.place_of(pull->topic, pull->queue_id);
        const auto offset = pull->commit_offset + (place ? place->behind : 0);
        broker.offsets.commit(pull->consumer_group, pull->topic, pull->queue_id, offset);
    }
    if (!answered)
        broker.held.hold({request.from, request.header.encoding, request.header.opaque, std::move(*pull),
                          std::move(check.filter), request.now.steady + std::chrono::milliseconds(wait)});
}

/// Answers a pull that has waited, with or without messages.
inline void end_held_pull(broker_state& broker, const held_pull& pull) {
    const reply_address address{pull.connection, pull.opaque, pull.encoding};
    const auto* topic = broker.store.find_topic(pull.request.topic);
    if (!topic)
        return reply(broker, address, response_code::topic_not_exist,
                     "topic[" + pull.request.topic + "] not exist, apply first please!");
    if (!topic->readable())
        return reply(broker, address, response_code::no_permission,
                     "the topic[" + pull.request.topic + "] pulling message is forbidden");
    if (refuse_led_elsewhere(broker, address, pull.request.topic, pull.request.queue_id))
        return;
    try_pull(broker, address, pull.request, pull.filter, false);
}

/// Ends the pulls that waited for messages which have just come. After all of a request's are stored, so that a pull
/// finds them all.
inline void wake_held_pulls(broker_state& broker) {
    for (const auto& each : std::exchange(broker.arrivals, {}))
        for (const auto& pull : broker.held.take_woken(each.topic, each.queue_id, each.tag_hash,
                                                       broker.store.record_at(each.commit_log_offset)))
            end_held_pull(broker, pull);
}

/// Forgets a topic with its messages and what groups have committed in it. Pops that wait for it are refused; a pull is held on
/// until its time is over, or a message comes to a topic of that name, as by a real broker.
inline bool remove_topic(broker_state& broker, std::string_view topic) {
    const bool removed = broker.store.remove_topic(topic);
    broker.offsets.forget_topic(topic);
    broker.checkpoints.forget_topic(topic);
    broker.orders.forget_topic(topic);
    for (const auto& pop : broker.pops.take_topic(topic))
        reply(broker, reply_address{pop.connection, pop.opaque, pop.encoding}, response_code::topic_not_exist,
              "topic[" + pop.request.topic + "] not exist, apply first please!", protocol::pop_response{});
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
inline constexpr auto consumer_connection = protocol::request_code::get_consumer_connections;
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
    protocol::consumer_connections found{.consume_type       = group->consume_type,
                                         .message_model      = group->message_model,
                                         .consume_from_where = group->consume_from_where};
    for (const auto& member : group->members)
        found.members.push_back({broker.connections.at(member.connection).address.to_string(), member.client_id,
                                 "OTHER", member.version});
    for (const auto& [topic, subscribed] : group->subscriptions)
        found.subscriptions.push_back(subscribed);
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(found));
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

} // namespace rocketpush::embedded::answering

#endif

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Who may ask for what. A broker without accounts answers everybody; its name server does so anyway, as real ones do unless told.
 * @par Source  Java `DefaultAuthenticationHandler`, `DefaultAuthorizationContextBuilder`, `AclAuthorizationHandler` (5.x);
 *              `PlainAccessValidator`, `PlainPermissionManager` (4.9).
 */
namespace rocketpush::embedded::answering {

/// What a request has to do with. A retry topic is its group.
struct wanted_access {
    std::vector<std::string> topics{};
    std::vector<std::string> groups{};
    bool admin = false; ///< It is for administrators.

    void add_topic(std::string topic) {
        if (!is_retry_topic(topic) && !is_dlq_topic(topic) && !topic.empty())
            topics.push_back(std::move(topic));
    }
    /// Somebody sends to it; of a retry topic no group is told but by its name.
    void add_target(const std::string& topic) {
        if (is_retry_topic(topic))
            groups.push_back(topic.substr(retry_topic_prefix.size()));
        else
            add_topic(topic);
    }
};

/// Of these requests a 4.9 looks at the signature alone.
inline bool is_open_at_4_9(protocol::request_code code) noexcept {
    using enum protocol::request_code;
    return code == get_max_offset || code == get_min_offset || code == search_offset_by_timestamp ||
           code == query_consumer_offset || code == lock_batch || code == unlock_batch;
}

inline wanted_access access_for(const incoming_request& request) {
    using code       = protocol::request_code;
    const auto field = [&](std::string_view name) {
        const auto value = request.header.field(name);
        return value ? value->to_string() : std::string();
    };
    wanted_access wanted;
    switch (static_cast<code>(request.header.code)) {
    case code::pull_message:
    case code::pop_message:
    case code::ack_message:
    case code::change_invisible_time:
    case code::query_consumer_offset:
    case code::update_consumer_offset:
        wanted.add_topic(field("topic"));
        wanted.groups.push_back(field("consumerGroup"));
        break;
    case code::get_consumer_list:
    case code::unregister_client: wanted.groups.push_back(field("consumerGroup")); break;
    case code::consumer_send_back: wanted.groups.push_back(field("group")); break;
    case code::get_max_offset:
    case code::get_min_offset:
    case code::search_offset_by_timestamp: wanted.add_topic(field("topic")); break;
    case code::send_message: wanted.add_target(field("topic")); break;
    case code::send_message_v2:
    case code::send_batch_message: wanted.add_target(field("b")); break;
    case code::heart_beat:
        if (const auto heartbeat = protocol::decode_heartbeat(request.body))
            for (const auto& consumer : heartbeat->consumers) {
                wanted.groups.push_back(consumer.group_name);
                for (const auto& each : consumer.subscriptions)
                    wanted.add_topic(each.topic);
            }
        break;
    case code::lock_batch:
    case code::unlock_batch:
        if (const auto lock = protocol::decode_lock(request.body)) {
            wanted.groups.push_back(lock->consumer_group);
            for (const auto& queue : lock->queues)
                wanted.add_topic(queue.topic);
        }
        break;
    case code::query_assignment: // real brokers look at the signature alone
    case code::batch_ack_message:
    case code::check_client_config:
    case code::get_earliest_store_time:
    case code::view_message_by_id: break;
    default: wanted.admin = true;
    }
    return wanted;
}

/// Why a request is not answered, in a real broker's words; empty: it is.
inline std::string find_denial(const broker_state& broker, const incoming_request& request) {
    const bool new_words = broker.options.is_version_5();
    const auto key       = request.header.field(protocol::acl_fields::access_key);
    if (!key || key->raw.empty())
        return new_words ? "username cannot be null." : "No accessKey is configured";
    const auto name  = key->to_string();
    const auto asker = std::ranges::find(broker.accounts, name, &account::access_key);
    if (asker == broker.accounts.end())
        return new_words ? "User:" + name + " is not found." : "No acl config for " + name;
#if ROCKETPUSH_WITH_OPENSSL
    const auto signature = request.header.field(protocol::acl_fields::signature);
    if (!signature || signature->to_string() != protocol::signature_of(request.header, request.body, asker->secret_key))
        return new_words ? "check signature failed." : "Check signature failed for accessKey=" + name;
#endif
    const auto refuse = [&](std::string_view kind, std::string_view resource) {
        const auto quoted = std::string(kind).append(":").append(resource);
        const auto from   = broker.connections.at(request.from).address.to_string(); // with a port
        return new_words ? "User:" + name + " has no permission to access " + quoted + " from " +
                               from.substr(0, from.rfind(':')) + ", no matched policies."
                         : "No default permission for " + quoted;
    };
    if (!new_words && is_open_at_4_9(static_cast<protocol::request_code>(request.header.code)))
        return {};
    const auto wanted = access_for(request);
    const auto topic  = request.header.field("topic");
    if (wanted.admin && !asker->admin)
        return new_words ? topic ? refuse("Topic", topic->to_string()) : refuse("Cluster", broker.options.cluster)
                         : "Need admin permission for request code=" + std::to_string(request.header.code) +
                               ", but accessKey=" + name + " is not";
    for (const auto& each : wanted.topics)
        if (!asker->may_use_topic(each))
            return refuse(new_words ? "Topic" : "topic", each);
    for (const auto& each : wanted.groups)
        if (!asker->may_use_group(each))
            return refuse(new_words ? "Group" : "group", each);
    return {};
}

/// Answers a request that its sender may not make. @return Whether it did.
inline bool refuse_access(broker_state& broker, const incoming_request& request) {
    if (broker.accounts.empty() || is_for_name_server(request.header.code)) [[likely]]
        return false;
    const auto words = find_denial(broker, request);
    if (words.empty())
        return false;
    if (broker.options.is_version_5())
        reply(broker, request, response_code::no_permission, words);
    else // an exception that nobody caught
        reply(broker, request, response_code::system_error,
              "org.apache.rocketmq.acl.common.AclException: " + words +
                  ", org.apache.rocketmq.acl.plain.PlainPermissionManager.validate(PlainPermissionManager.java:683)");
    return true;
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/ack_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_ACK_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ACK_REQUESTS_HPP

// rocketpush/embedded/pop_reading.hpp
#ifndef ROCKETPUSH_EMBEDDED_POP_READING_HPP
#define ROCKETPUSH_EMBEDDED_POP_READING_HPP


#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * What a pop finds: the messages of some queues, hidden from now on.
 * @par Source  Java `PopMessageProcessor.popMsgFromTopic`, `popMsgFromQueue`.
 */
namespace rocketpush::embedded::answering {

/// What a pop has found so far.
struct popped_messages {
    std::int32_t revive_queue_id = 0;
    std::size_t messages         = 0;
    std::int64_t rest            = 0; ///< Messages that are left in the queues looked at.
    std::string records{};
    std::string start_offsets{};
    std::string message_offsets{};
    std::string order_counts{};
};

/// How long a popped message is hidden; a longer time is no time but a broken client.
inline std::chrono::milliseconds invisible_time(std::int64_t millis) noexcept {
    constexpr std::int64_t longest = 7 * 24 * 3'600'000;
    return std::chrono::milliseconds(std::clamp<std::int64_t>(millis, 0, longest));
}

/// One topic that a pop reads: that which it names, or one of the group's retries of it.
struct popped_topic {
    std::string name;
    protocol::pop_topic kind = protocol::pop_topic::normal;
};

/// Where a group goes on in a queue; where it has not been yet, that is decided, and kept.
inline queue_offset pop_offset(broker_state& broker, const protocol::pop_request& pop, const popped_topic& topic,
                               std::int32_t queue_id) {
    if (const auto committed = broker.offsets.find(pop.consumer_group, topic.name, queue_id))
        return *committed;
    auto first = broker.store.min_offset(topic.name, queue_id);
    // In a young queue "max" is the beginning: real brokers say so while message 0 is in memory, and here all are.
    if (topic.kind == protocol::pop_topic::normal && pop.init_mode == protocol::pop_init::max && first > 0)
        first = std::max(first, broker.store.max_offset(topic.name, queue_id) - 1);
    broker.offsets.commit(pop.consumer_group, topic.name, queue_id, first);
    return first;
}

inline void append_list_entry(std::string& list, protocol::pop_topic kind, std::string_view place,
                              std::string_view values) {
    if (!list.empty())
        list += ';';
    list.append(std::to_string(static_cast<int>(kind))).append(" ").append(place).append(" ").append(values);
}

/// Appends a retry as if it lay in the topic that was popped, with its receipt: so clients need to know nothing of retries.
inline void append_retry(std::string& records, std::string_view record, std::string_view topic,
                         const protocol::receipt_handle& receipt) {
    auto message = read_stored(record);
    std::string properties(message.properties);
    protocol::set_property(properties, property_names::pop_receipt, to_string(receipt));
    if (properties.size() > protocol::most_property_bytes) {
        records.append(record); // its topic, and the answer's lists, say as much
        return;
    }
    message.topic      = topic;
    message.properties = properties;
    protocol::append_stored_message(records, message);
}

/// Notes an orderly batch, and how often its messages were delivered before.
inline void note_order(broker_state& broker, const protocol::pop_request& pop, const popped_topic& topic,
                       std::int32_t queue_id, const std::vector<queue_offset>& offsets, const moment& now,
                       popped_messages& found) {
    const auto& batch =
        broker.orders.deliver({pop.consumer_group, topic.name, queue_id}, pop.attempt_id, now.milliseconds(), offsets,
                              now.steady + invisible_time(pop.invisible_millis));
    auto least = batch.messages.front().delivered;
    for (const auto& each : batch.messages) {
        least = std::min(least, each.delivered);
        if (each.delivered > 0)
            append_list_entry(found.order_counts, topic.kind,
                              "qo" + std::to_string(queue_id) + '%' + std::to_string(each.offset),
                              std::to_string(each.delivered));
    }
    append_list_entry(found.order_counts, topic.kind, std::to_string(queue_id), std::to_string(least));
}

/// Hides what was read of a queue, and appends it to what was found.
inline void take_records(broker_state& broker, const protocol::pop_request& pop, const popped_topic& topic,
                         std::int32_t queue_id, const std::vector<std::string_view>& records, const moment& now,
                         popped_messages& found) {
    std::vector<queue_offset> offsets;
    std::string list;
    for (const auto record : records) {
        offsets.push_back(read_stored(record).queue_offset);
        list += (list.empty() ? "" : ",") + std::to_string(offsets.back());
    }
    protocol::receipt_handle receipt{.start_offset     = offsets.front(),
                                     .pop_time         = now.milliseconds(),
                                     .invisible_millis = pop.invisible_millis,
                                     .revive_queue_id  = found.revive_queue_id,
                                     .topic            = topic.kind,
                                     .broker_name      = broker.options.name,
                                     .queue_id         = queue_id};
    for (std::size_t i = 0; i < records.size(); ++i) {
        receipt.queue_offset = offsets[i];
        if (topic.kind == protocol::pop_topic::normal || broker.options.pop_keeps_retry_topic)
            found.records.append(records[i]);
        else
            append_retry(found.records, records[i], pop.topic, receipt);
    }
    found.messages += records.size();
    append_list_entry(found.start_offsets, topic.kind, std::to_string(queue_id), std::to_string(offsets.front()));
    append_list_entry(found.message_offsets, topic.kind, std::to_string(queue_id), list);
    if (receipt.is_orderly())
        note_order(broker, pop, topic, queue_id, offsets, now, found);
    else
        broker.checkpoints.add({.key  = {pop.consumer_group, topic.name, queue_id, offsets.front(), now.milliseconds()},
                                .kind = topic.kind,
                                .offsets  = std::move(offsets),
                                .deadline = now.steady + invisible_time(pop.invisible_millis)});
}

inline void pop_queue(broker_state& broker, const protocol::pop_request& pop, const stored_filter& filter,
                      const popped_topic& topic, std::int32_t queue_id, const moment& now, popped_messages& found) {
    const bool orderly = pop.order.value_or(false);
    if (orderly && broker.orders.blocked({pop.consumer_group, topic.name, queue_id}, pop.attempt_id, now.steady))
        return;
    auto from       = pop_offset(broker, pop, topic, queue_id);
    const auto left = [&] { return broker.store.max_offset(topic.name, queue_id) - from; };
    const auto most = static_cast<std::size_t>(std::max(0, pop.max_messages));
    if (found.messages >= most || found.records.size() >= broker.options.pull_bytes) {
        found.rest += left();
        return;
    }
    const read_limits limits{most - found.messages, broker.options.pull_bytes - found.records.size()};
    std::vector<std::string_view> records;
    const auto read = [&] { return read_wanted(broker.store, topic.name, queue_id, from, limits, filter, records); };
    auto done       = read();
    if (done.status == read_status::offset_too_small || done.status == read_status::offset_overflow_badly) {
        from = done.next; // where the group has been is no more
        broker.offsets.commit(pop.consumer_group, topic.name, queue_id, from);
        done = read();
    }
    // What is popped is passed at once, not when it is acknowledged: it comes again by way of the retry topic. Only in order does
    // the offset wait, before messages that have been found.
    if (done.next > from && (!orderly || records.empty()))
        broker.offsets.commit(pop.consumer_group, topic.name, queue_id, done.next);
    from = std::max(from, done.next);
    found.rest += std::max<std::int64_t>(0, left());
    if (!records.empty())
        take_records(broker, pop, topic, queue_id, records, now, found);
}

inline void pop_queues(broker_state& broker, const protocol::pop_request& pop, const stored_filter& filter,
                       const popped_topic& topic, std::int32_t first, const moment& now, popped_messages& found) {
    const auto* settings = broker.store.find_topic(topic.name);
    for (std::int32_t i = 0; settings && i < settings->read_queues; ++i)
        pop_queue(broker, pop, filter, topic, (first + i) % settings->read_queues, now, found);
}

/// The retry topics of a group, in both namings where the broker has the second: messages of the first may be left.
inline std::vector<popped_topic> retry_topics(const broker_state& broker, std::string_view group,
                                              std::string_view topic) {
    using protocol::pop_topic;
    std::vector<popped_topic> topics;
    if (broker.options.pop_retry_v2)
        topics.push_back({protocol::real_topic(pop_topic::retry_v2, group, topic), pop_topic::retry_v2});
    topics.push_back({protocol::real_topic(pop_topic::retry_v1, group, topic), pop_topic::retry_v1});
    return topics;
}

/// Takes what a pop may have, out of the topic and out of its retries; what it gets is hidden from others from now on.
inline popped_messages pop_messages(broker_state& broker, const protocol::pop_request& pop, const stored_filter& filter,
                                    const moment& now) {
    constexpr std::uint32_t revive_queues = 8;
    constexpr std::uint32_t retry_turn = 5; // a real broker looks at the retries first in one case of five, by chance
    const auto turn                    = broker.pop_turn++;
    const bool orderly                 = pop.order.value_or(false);
    popped_messages found;
    found.revive_queue_id  = orderly ? protocol::orderly_revive_queue : static_cast<std::int32_t>(turn % revive_queues);
    const auto pop_retries = [&] {
        for (const auto& topic : retry_topics(broker, pop.consumer_group, pop.topic))
            pop_queues(broker, pop, filter, topic, 0, now, found);
    };
    const bool retries_first = !orderly && turn % retry_turn == retry_turn - 1;
    if (retries_first)
        pop_retries();
    const popped_topic normal{pop.topic};
    if (pop.queue_id >= 0) {
        pop_queue(broker, pop, filter, normal, pop.queue_id, now, found);
    } else {
        const auto* settings = broker.store.find_topic(pop.topic);
        const auto queues    = static_cast<std::uint32_t>(settings ? std::max(1, settings->read_queues) : 1);
        pop_queues(broker, pop, filter, normal, static_cast<std::int32_t>(turn % queues), now, found);
    }
    if (!orderly && !retries_first && found.messages < static_cast<std::size_t>(std::max(0, pop.max_messages)))
        pop_retries();
    return found;
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/pop_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_POP_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_POP_REQUESTS_HPP


#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/**
 * Messages out, each to be acknowledged.
 * @par Source  Java `PopMessageProcessor`, `PopLongPollingService`.
 */
namespace rocketpush::embedded::answering {

/// Why a pop is refused, or nothing and what it wants.
struct pop_check {
    response_code refusal = response_code::success;
    std::string remark{};
    stored_filter filter{};
};

/// What the expression that a pop brings wants; without one, all. A broker whose filter by properties is off evaluates a pop's
/// condition all the same: it refuses only the heartbeat's check.
inline pop_check find_filter(const protocol::pop_request& pop) {
    if (pop.expression.empty())
        return {};
    if (pop.expression_type.empty() || pop.expression_type == to_string(filter_type::tag)) {
        if (auto wanted = make_subscription(pop.topic, tags(pop.expression), 0))
            return {.filter = {.tag_codes = std::move(wanted->tag_codes)}};
    } else if (pop.expression_type == to_string(filter_type::sql92)) {
        if (auto made = compile_condition(pop.expression).made)
            return {.filter = {.wanted = std::make_shared<const condition>(std::move(*made))}};
    }
    return {response_code::subscription_parse_failed, "parse the consumer's subscription failed"};
}

inline pop_check check_pop(broker_state& broker, const protocol::pop_request& pop, const moment& now) {
    // A client whose clock is this far behind gets nothing, ever.
    constexpr std::int64_t most_lateness = 500;
    if (pop.born_time > 0 && pop.born_time < now.milliseconds() &&
        now.milliseconds() - pop.born_time - most_lateness > pop.poll_millis)
        return {response_code::polling_timeout, "the broker pop message is timeout too much"};
    if (pop.max_messages > protocol::most_pop_messages)
        return {invalid_parameter(broker), "the broker pop message's num is greater than 32"};
    const auto* topic = broker.store.find_topic(pop.topic);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + pop.topic + "] not exist, apply first please!"};
    if (!topic->readable())
        return {response_code::no_permission, "the topic[" + pop.topic + "] peeking message is forbidden"};
    if (pop.queue_id >= topic->read_queues)
        return {invalid_parameter(broker),
                "queueId[" + std::to_string(pop.queue_id) + "] is illegal, topic:[" + pop.topic + "]"};
    if (!broker.admit_group(pop.consumer_group))
        return {response_code::subscription_group_not_exist,
                "subscription group [" + pop.consumer_group + "] does not exist"};
    return find_filter(pop);
}

/// Looks for messages. @return Nothing if the pop shall be held: there is no message, and it may wait.
inline bool try_pop(broker_state& broker, const reply_address& address, const protocol::pop_request& pop,
                    const stored_filter& filter, bool may_wait, const moment& now) {
    const auto found = pop_messages(broker, pop, filter, now);
    if (found.messages == 0 && may_wait)
        return false;
    const protocol::pop_response fields{.pop_time         = now.milliseconds(),
                                        .invisible_millis = pop.invisible_millis,
                                        .revive_queue_id  = found.revive_queue_id,
                                        .rest_messages    = found.rest,
                                        .start_offsets    = found.start_offsets,
                                        .message_offsets  = found.message_offsets,
                                        .order_counts     = found.order_counts};
    if (found.messages == 0)
        reply(broker, address, response_code::polling_timeout, "NO_MESSAGE_IN_QUEUE", fields);
    else
        reply(broker, address, response_code::success, "FOUND", fields, found.records);
    return true;
}

/// How long a pop may wait for a message; the client's clock is believed.
inline std::chrono::milliseconds wait_of(const protocol::pop_request& pop, const moment& now) noexcept {
    constexpr std::int64_t longest_wait = 3'600'000;
    const auto poll                     = std::clamp<std::int64_t>(pop.poll_millis, 0, longest_wait);
    const auto age = pop.born_time > 0 ? std::max<std::int64_t>(0, now.milliseconds() - pop.born_time) : 0;
    return std::chrono::milliseconds(std::max<std::int64_t>(0, poll - age));
}

/// POP_MESSAGE (200050)
inline void answer_pop(broker_state& broker, const incoming_request& request) {
    auto pop = read_request<protocol::pop_request>(broker, request);
    if (!pop || request.header.is_oneway())
        return;
    const auto address = address_of(request);
    auto check         = check_pop(broker, *pop, request.now);
    if (check.refusal != response_code::success)
        return reply(broker, address, check.refusal, check.remark, protocol::pop_response{});
    const auto wait = wait_of(*pop, request.now);
    const bool full =
        broker.pops.size() >= broker.options.held_pops || broker.pops.alike(*pop) >= broker.options.held_pops_alike;
    if (try_pop(broker, address, *pop, check.filter, wait.count() > 0, request.now))
        return;
    if (full)
        return reply(
            broker, address, response_code::polling_full, "NO_MESSAGE_IN_QUEUE",
            protocol::pop_response{.pop_time = request.now.milliseconds(), .invisible_millis = pop->invisible_millis});
    broker.pops.hold({request.from, request.header.encoding, request.header.opaque, std::move(*pop),
                      std::move(check.filter), request.now.steady + wait});
}

/// Gives one waiting pop of each group for which `wanted(const held_pop&)` is true what there is; it waits on if that is nothing.
template <class Wanted>
void wake_pops(broker_state& broker, std::string_view topic, const moment& now, Wanted wanted) {
    for (auto& pop : broker.pops.take_one_each(topic, wanted)) {
        const reply_address address{pop.connection, pop.opaque, pop.encoding};
        if (!try_pop(broker, address, pop.request, pop.filter, true, now))
            broker.pops.hold(std::move(pop));
    }
}

/// Messages have come into a queue.
inline void wake_held_pops(broker_state& broker, const arrival& came, const moment& now) {
    const auto record = broker.store.record_at(came.commit_log_offset);
    wake_pops(broker, came.topic, now,
              [&](const held_pop& pop) { return pop.reads(came.queue_id) && pop.filter.wants(came.tag_hash, record); });
}

/// Answers the pops whose time is over.
inline void end_due_pops(broker_state& broker, const moment& now) {
    while (const auto due = broker.pops.take_due(now.steady))
        try_pop(broker, {due->connection, due->opaque, due->encoding}, due->request, due->filter, false, now);
}

/// Tells those that wait for a queue which is popped in order, and was blocked.
inline void wake_freed_orders(broker_state& broker, const ordered_queue& queue, const moment& now) {
    wake_pops(broker, queue.topic, now, [&queue](const held_pop& pop) {
        return pop.request.consumer_group == queue.group && pop.reads(queue.queue_id);
    });
}

} // namespace rocketpush::embedded::answering

#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

/**
 * What becomes of messages that were popped.
 * @par Source  Java `AckMessageProcessor`, `ChangeInvisibleTimeProcessor`.
 */
namespace rocketpush::embedded::answering {

/// Why a receipt is not taken, or nothing and the receipt.
struct receipt_check {
    response_code refusal = response_code::success;
    std::string remark{};
    protocol::receipt_handle receipt{};
};

/// @param request  An `ack_request` or a `change_invisible_time_request`; the receipt is a view of it.
template <class Request>
receipt_check check_receipt(const broker_state& broker, const Request& request) {
    const auto* topic = broker.store.find_topic(request.topic);
    if (!topic)
        return {response_code::topic_not_exist, "topic[" + request.topic + "] not exist, apply first please!"};
    if (request.queue_id < 0 || request.queue_id >= topic->read_queues)
        return {response_code::message_illegal,
                "queueId[" + std::to_string(request.queue_id) + "] is illegal, topic:[" + request.topic + "]"};
    // Real brokers take an acknowledgement one behind the last message, but no change.
    constexpr bool may_be_end = std::is_same_v<Request, protocol::ack_request>;
    const auto end            = broker.store.max_offset(request.topic, request.queue_id) + (may_be_end ? 1 : 0);
    if (request.queue_offset < broker.store.min_offset(request.topic, request.queue_id) || request.queue_offset >= end)
        return {response_code::no_message, "offset is illegal, key:" + request.topic + '@' +
                                               std::to_string(request.queue_id) +
                                               ", commit:" + std::to_string(request.queue_offset)};
    const auto receipt = protocol::parse_receipt(request.receipt);
    if (!receipt)
        return {response_code::system_error, "the receipt is not valid: " + request.receipt};
    return {.receipt = *receipt};
}

inline checkpoint_key key_of(std::string group, std::string topic, const protocol::receipt_handle& receipt,
                             std::int32_t queue_id) {
    return {std::move(group), std::move(topic), queue_id, receipt.start_offset, receipt.pop_time};
}

/// An acknowledgement in order: the group's offset follows. @return Whether the message is one of the batch under way.
inline bool acknowledge_in_order(broker_state& broker, const ordered_queue& queue, queue_offset offset,
                                 std::int64_t pop_time, const moment& now) {
    if (offset < broker.offsets.find(queue.group, queue.topic, queue.queue_id).value_or(0))
        return true; // once more
    const auto done = broker.orders.acknowledge(queue, offset, pop_time, now.steady);
    if (done.commit)
        broker.offsets.commit(queue.group, queue.topic, queue.queue_id, *done.commit);
    if (done.freed)
        wake_freed_orders(broker, queue, now);
    return done.known;
}

/// ACK_MESSAGE (200051). An acknowledgement that finds nothing, being late or the second, succeeds too.
inline void answer_ack(broker_state& broker, const incoming_request& request) {
    const auto ack = read_request<protocol::ack_request>(broker, request);
    if (!ack)
        return;
    const auto check = check_receipt(broker, *ack);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark);
    if (!check.receipt.is_orderly())
        broker.checkpoints.acknowledge(key_of(ack->consumer_group, ack->topic, check.receipt, ack->queue_id),
                                       ack->queue_offset);
    else if (!acknowledge_in_order(broker, {ack->consumer_group, ack->topic, ack->queue_id}, ack->queue_offset,
                                   check.receipt.pop_time, request.now))
        return reply(broker, request, response_code::message_illegal, "offset is illegal");
    reply(broker, request, response_code::success);
}

/// One entry of a batch; what in it is not valid is passed over, as in Java.
inline void acknowledge_entry(broker_state& broker, const protocol::batch_ack_entry& entry, const moment& now) {
    if (entry.start_offset < 0)
        return;
    const auto topic = protocol::real_topic(entry.kind, entry.consumer_group, entry.topic);
    const auto end   = broker.store.max_offset(topic, entry.queue_id) - entry.start_offset; // 0 of a queue that is none
    const auto bits  = std::min<std::int64_t>(static_cast<std::int64_t>(entry.acked.end()), end);
    checkpoint_key key{entry.consumer_group, topic, entry.queue_id, entry.start_offset, entry.pop_time};
    for (std::int64_t i = 0; i < bits; ++i) {
        if (!entry.acked.test(static_cast<std::size_t>(i)))
            continue;
        if (entry.revive_queue_id == protocol::orderly_revive_queue)
            acknowledge_in_order(broker, {entry.consumer_group, topic, entry.queue_id}, entry.start_offset + i,
                                 entry.pop_time, now);
        else
            broker.checkpoints.acknowledge(key, entry.start_offset + i);
    }
}

/// BATCH_ACK_MESSAGE (200151), since 5.1.3
inline void answer_batch_ack(broker_state& broker, const incoming_request& request) {
    const auto acks = protocol::decode_batch_ack(request.body);
    if (!acks)
        return reply(broker, request, response_code::system_error, "the batch is not the JSON it should be");
    if (acks->acks.empty())
        return reply(broker, request, response_code::no_message, "no message to acknowledge");
    for (const auto& entry : acks->acks)
        acknowledge_entry(broker, entry, request.now);
    reply(broker, request, response_code::success);
}

/// In order the batch stays what it is, and only one of its messages may come again at another time.
inline protocol::change_invisible_time_response change_in_order(broker_state& broker,
                                                                const protocol::change_invisible_time_request& change,
                                                                const protocol::receipt_handle& receipt,
                                                                const moment& now) {
    const auto hidden = invisible_time(change.invisible_millis);
    broker.orders.change({change.consumer_group, change.topic, change.queue_id}, change.queue_offset, receipt.pop_time,
                         now.steady + hidden);
    return {receipt.pop_time, now.milliseconds() + hidden.count() - receipt.pop_time, receipt.revive_queue_id};
}

/// A check point for the message alone takes the place of its share in the old one. A message whose old one is gone, being
/// acknowledged or having come again, is hidden a second time, and comes: as at a real broker.
inline protocol::change_invisible_time_response change_checkpoint(broker_state& broker,
                                                                  const protocol::change_invisible_time_request& change,
                                                                  const protocol::receipt_handle& receipt,
                                                                  const moment& now) {
    broker.checkpoints.acknowledge(key_of(change.consumer_group, change.topic, receipt, change.queue_id),
                                   change.queue_offset);
    pop_checkpoint made{
        .key = {change.consumer_group, change.topic, change.queue_id, change.queue_offset, now.milliseconds()}};
    while (broker.checkpoints.contains(made.key)) // that of the pop itself, or of a change in the same millisecond
        ++made.key.pop_time;
    made.kind      = receipt.topic;
    made.offsets   = {change.queue_offset};
    made.suspended = change.suspend.value_or(false);
    made.deadline  = now.steady + invisible_time(change.invisible_millis);
    const protocol::change_invisible_time_response answer{made.key.pop_time, change.invisible_millis,
                                                          receipt.revive_queue_id};
    broker.checkpoints.add(std::move(made));
    return answer;
}

/// CHANGE_MESSAGE_INVISIBLETIME (200053)
inline void answer_change_invisible_time(broker_state& broker, const incoming_request& request) {
    const auto change = read_request<protocol::change_invisible_time_request>(broker, request);
    if (!change)
        return;
    const auto check = check_receipt(broker, *change);
    if (check.refusal != response_code::success)
        return reply(broker, request, check.refusal, check.remark, protocol::change_invisible_time_response{});
    const auto answer = check.receipt.is_orderly() ? change_in_order(broker, *change, check.receipt, request.now)
                                                   : change_checkpoint(broker, *change, check.receipt, request.now);
    reply(broker, request, response_code::success, {}, answer);
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/assignment_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_ASSIGNMENT_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_ASSIGNMENT_REQUESTS_HPP


#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/**
 * Which queues a member reads and how, when it asks the broker instead of sharing them out by itself.
 * @par Source  Java `QueryAssignmentProcessor`.
 */
namespace rocketpush::embedded::answering {

/// The share of one member by a strategy's name; nothing if the broker does not know the strategy.
inline std::optional<std::vector<message_queue>> share_by(std::string_view strategy,
                                                          const allocation_request& request) {
    if (strategy != average_allocation::name() && strategy != circle_allocation::name())
        return std::nullopt;
    auto share = strategy == average_allocation::name() ? average_allocation{}.allocate(request)
                                                        : circle_allocation{}.allocate(request);
    return share ? std::move(*share) : std::vector<message_queue>(); // a stranger gets nothing, as in Java
}

/**
 * @brief The queues that a member pops.
 *
 * All, named by -1, when every member shares with all others; else its own and those of the members behind it, so that a member
 * which hangs does not keep a queue to itself. With more members than queues each pops one.
 *
 * @par Source  Java `QueryAssignmentProcessor.allocate4Pop`.
 */
inline std::optional<std::vector<message_queue>> share_of_pops(std::string_view strategy,
                                                               const allocation_request& request,
                                                               std::int32_t shared_queues) {
    auto own = share_by(strategy, request);
    if (!own)
        return std::nullopt;
    const auto& members = request.members;
    if (shared_queues <= 0 || static_cast<std::size_t>(shared_queues) + 1 >= members.size()) {
        std::vector<message_queue> any;
        for (const auto& queue : request.queues)
            if (any.empty() || any.back().broker_name != queue.broker_name)
                any.push_back({queue.topic, queue.broker_name, protocol::any_queue});
        return any;
    }
    const auto self = std::ranges::find(members, request.self);
    if (self == members.end())
        return own;
    const auto rank = static_cast<std::size_t>(self - members.begin());
    if (members.size() > request.queues.size()) {
        if (request.queues.empty())
            return own;
        return std::vector{request.queues[rank % request.queues.size()]};
    }
    for (std::size_t i = 1; i <= static_cast<std::size_t>(shared_queues); ++i) {
        auto theirs      = request;
        theirs.self      = members[(rank + i) % members.size()];
        const auto share = share_by(strategy, theirs);
        own->insert(own->end(), share->begin(), share->end());
    }
    return own;
}

/// What a member shall read; no queues where the broker cannot say.
inline protocol::assignment_answer assign(const broker_state& broker, const protocol::assignment_query& query) {
    const auto* topic = broker.store.find_topic(query.topic);
    if (!topic || !topic->readable())
        return {};
    std::vector<message_queue> queues;
    for (std::int32_t id = 0; id < topic->read_queues; ++id)
        queues.push_back({query.topic, broker.options.name, id});

    const auto mode = broker.modes.find(query.topic, query.consumer_group);
    std::optional<std::vector<message_queue>> share;
    if (query.message_model == protocol::heartbeat_words::broadcasting) {
        share = std::move(queues);
    } else if (const auto* group = broker.groups.find(query.consumer_group)) {
        std::vector<std::string> members;
        for (const auto& member : group->members)
            members.push_back(member.client_id);
        std::ranges::sort(members, rocketpush::detail::java_less());
        members.erase(std::ranges::unique(members).begin(), members.end());
        const allocation_request request{query.consumer_group, query.client_id, members, queues};
        share = mode.mode == protocol::request_mode::pop
                    ? share_of_pops(query.strategy_name, request, mode.shared_queues)
                    : share_by(query.strategy_name, request);
    }
    if (!share)
        return {};
    protocol::assignment_answer answer;
    auto& given = answer.queues.emplace();
    for (auto& queue : *share)
        given.push_back({std::move(queue), mode.mode});
    return answer;
}

/// QUERY_ASSIGNMENT (400)
inline void answer_query_assignment(broker_state& broker, const incoming_request& request) {
    const auto query = protocol::decode_assignment_query(request.body);
    if (!query)
        return reply(broker, request, response_code::system_error, "the query is not the JSON it should be");
    reply(broker, request, response_code::success, {}, protocol::no_fields{}, protocol::encode(assign(broker, *query)));
}

/// Says how a group reads a topic. @return Success, or the refusal and its reason.
inline std::pair<response_code, std::string> set_request_mode(broker_state& broker, std::string_view topic,
                                                              std::string_view group, reading_mode mode) {
    if (is_retry_topic(topic))
        return {response_code::no_permission, "retry topic is not allowed to set mode"};
    if (!broker.store.find_topic(topic))
        return {response_code::topic_not_exist, "topic[" + std::string(topic) + "] not exist, apply first please!"};
    if (!broker.admit_group(group))
        return {response_code::subscription_group_not_exist,
                "subscription group [" + std::string(group) + "] does not exist"};
    broker.modes.set(std::string(topic), std::string(group), mode);
    return {response_code::success, {}};
}

/// SET_MESSAGE_REQUEST_MODE (401). Members hear of it when they ask again.
inline void answer_set_request_mode(broker_state& broker, const incoming_request& request) {
    const auto setting = protocol::decode_request_mode_setting(request.body);
    if (!setting)
        return reply(broker, request, response_code::system_error, "the mode is not the JSON it should be");
    const auto [code, remark] = set_request_mode(broker, setting->topic, setting->consumer_group,
                                                 {setting->mode, setting->pop_share_queue_num});
    reply(broker, request, code, remark);
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/client_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_CLIENT_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_CLIENT_REQUESTS_HPP


#include <algorithm>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/**
 * What an administrator wants of a member: the broker asks it, and passes its answer on.
 * @par Source  Java `AdminBrokerProcessor.callConsumer`, `Broker2Client`.
 */
namespace rocketpush::embedded::answering {

/// Answers whoever asked for what was passed on.
inline void answer_forwarded(broker_state& broker, forwarded_request& request, client_answer answer) {
    if (auto* promise = std::get_if<std::promise<client_answer>>(&request.asked_by))
        promise->set_value(std::move(answer));
    else
        reply(broker, std::get<reply_address>(request.asked_by), answer.code, answer.remark, protocol::no_fields{},
              answer.body);
}

/// Has a member of a group asked. @param body  Of the request.
template <class Request>
void ask_client(broker_state& broker, forwarded_request forwarded, std::string_view group_name,
                std::string_view client_id, const Request& request, const moment& now, std::string_view body = {}) {
    const auto* group = broker.groups.find(group_name);
    const auto refuse = [&] {
        answer_forwarded(broker, forwarded,
                         {response_code::system_error, "The Consumer <" + std::string(group_name) + "> <" +
                                                           std::string(client_id) + "> not online"});
    };
    if (!group || broker.forwarded.full())
        return refuse();
    const auto member = std::ranges::find(group->members, client_id, &group_member::client_id);
    if (member == group->members.end())
        return refuse();
    const protocol::command_meta meta{.opaque = broker.next_opaque++, .version = broker.options.version};
    forwarded.answered_by = member->connection;
    forwarded.due         = now.steady + forwarded_requests::patience;
    broker.forwarded.add(meta.opaque, std::move(forwarded));
    protocol::append_request(broker.out.frames_to(member->connection), protocol::header_encoding::json, request, meta,
                             body);
}

/// The same with the stored message that an id names, whichever broker the id is of.
inline void ask_to_consume(broker_state& broker, forwarded_request forwarded,
                           protocol::consume_directly_request request, const moment& now) {
    request.broker_name = broker.options.name;
    const auto id       = protocol::parse_offset_message_id(request.message_id);
    const auto record   = id ? broker.store.record_at(id->commit_log_offset) : std::string_view();
    if (record.empty())
        return answer_forwarded(broker, forwarded,
                                {response_code::system_error, "no message has the id " + request.message_id});
    ask_client(broker, std::move(forwarded), request.consumer_group, request.client_id, request, now, record);
}

/// GET_CONSUMER_RUNNING_INFO (307)
inline void answer_running_info(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::running_info_request>(broker, request))
        ask_client(broker, {address_of(request), 0, {}}, wanted->consumer_group, wanted->client_id, *wanted,
                   request.now);
}

/// CONSUME_MESSAGE_DIRECTLY (309)
inline void answer_consume_directly(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::consume_directly_request>(broker, request))
        ask_to_consume(broker, {address_of(request), 0, {}}, *wanted, request.now);
}

/// A client's answer to what was forwarded to it.
inline void pass_answer_on(broker_state& broker, connection_id from, const protocol::header_view& header,
                           std::string_view body) {
    if (auto found = broker.forwarded.take(header.opaque, from))
        answer_forwarded(broker, *found, {static_cast<response_code>(header.code), header.remark(), std::string(body)});
}

/// Clients that were asked and have not answered in time.
inline void end_overdue_forwards(broker_state& broker, const moment& now) {
    for (auto& each : broker.forwarded.take_overdue(now.steady))
        answer_forwarded(broker, each, {response_code::consume_msg_timeout, "the client has not answered in time"});
}

/// A client will not answer any more what was forwarded to it; and what it has asked itself is over.
inline void drop_forwarded(broker_state& broker, connection_id gone) {
    for (auto& each : broker.forwarded.take_all_of(gone))
        answer_forwarded(broker, each, {response_code::consumer_not_online, "the client has gone"});
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/fault_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_FAULT_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_FAULT_REQUESTS_HPP


#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Which request is hit by a fault, and what happens to it.
namespace rocketpush::embedded::answering {

/// What a request names, from its header's fields, or from its body where they are there.
class request_subject {
  public:
    explicit request_subject(const incoming_request& request) : request_(request) {
        using code = protocol::request_code;
        switch (static_cast<code>(request.header.code)) {
        case code::heart_beat: read_heartbeat(); break;
        case code::lock_batch:
        case code::unlock_batch: read_lock(); break;
        case code::check_client_config: read_check(); break;
        case code::query_assignment: read_assignment(); break;
        case code::send_message_v2:
        case code::send_batch_message: read_fields({"a"}, {"b"}, "e"); break;
        default: read_fields({"consumerGroup", "group", "producerGroup"}, {"topic", "originTopic"}, "queueId");
        }
    }

    bool names_group(std::string_view group) const { return std::ranges::find(groups_, group) != groups_.end(); }
    bool names_topic(std::string_view topic) const { return std::ranges::find(topics_, topic) != topics_.end(); }
    bool names_queue(std::int32_t queue) const { return std::ranges::find(queues_, queue) != queues_.end(); }
    bool is_from(std::string_view client_id) const { return client_id_ == client_id; }

  private:
    void read_fields(std::initializer_list<std::string_view> groups, std::initializer_list<std::string_view> topics,
                     std::string_view queue) {
        request_.header.for_each_field([&](std::string_view key, protocol::field_value value) {
            if (std::ranges::find(groups, key) != groups.end())
                groups_.push_back(value.to_string());
            else if (std::ranges::find(topics, key) != topics.end())
                topics_.push_back(value.to_string());
            else if (key == "clientID")
                value.assign_to(client_id_);
            else if (const auto id = key == queue ? value.to_int<std::int32_t>() : std::nullopt)
                queues_.push_back(*id);
        });
    }
    void read_heartbeat() {
        const auto heartbeat = protocol::decode_heartbeat(request_.body);
        if (!heartbeat)
            return;
        client_id_ = heartbeat->client_id;
        for (const auto& consumer : heartbeat->consumers) {
            groups_.push_back(consumer.group_name);
            for (const auto& one : consumer.subscriptions)
                topics_.push_back(one.topic);
        }
    }
    void read_lock() {
        const auto lock = protocol::decode_lock(request_.body);
        if (!lock)
            return;
        client_id_ = lock->client_id;
        groups_.push_back(lock->consumer_group);
        for (const auto& queue : lock->queues) {
            topics_.push_back(queue.topic);
            queues_.push_back(queue.queue_id);
        }
    }
    void read_check() {
        const auto check = protocol::decode_client_check(request_.body);
        if (!check)
            return;
        client_id_ = check->client_id;
        groups_.push_back(check->group);
        topics_.push_back(check->wanted.topic);
    }
    void read_assignment() {
        const auto body = protocol::parse_body(request_.body);
        if (!body)
            return;
        protocol::read_json(*body, "clientId", client_id_);
        protocol::read_json(*body, "consumerGroup", groups_.emplace_back());
        protocol::read_json(*body, "topic", topics_.emplace_back());
    }

    const incoming_request& request_;
    std::string client_id_;
    std::vector<std::string> groups_;
    std::vector<std::string> topics_;
    std::vector<std::int32_t> queues_;
};

/// Whether a fault means a request.
inline bool fits(const broker_state& broker, const fault& wanted, const incoming_request& request,
                 const request_subject& subject) {
    const auto code = static_cast<protocol::request_code>(request.header.code);
    return (wanted.codes.empty() || std::ranges::find(wanted.codes, code) != wanted.codes.end()) &&
           (wanted.group.empty() || subject.names_group(wanted.group)) &&
           (wanted.topic.empty() || subject.names_topic(wanted.topic)) &&
           (!wanted.queue || subject.names_queue(*wanted.queue)) &&
           (wanted.client_id.empty() || subject.is_from(wanted.client_id) ||
            groups_at(broker, request.from).has_client(request.from, wanted.client_id));
}

/// Lets a fault have its way with a request. @return Whether the request must not be processed any more.
inline bool meet_fault(broker_state& broker, const incoming_request& request) {
    if (!broker.faults.active()) [[likely]]
        return false;
    const request_subject subject(request);
    const auto* hit = broker.faults.take([&](const fault& wanted) { return fits(broker, wanted, request, subject); });
    if (!hit)
        return false;
    if (const auto* refuse = std::get_if<fault_action::refuse>(hit)) {
        if (!request.header.is_oneway())
            append_free_answer(broker.out.frames_to(request.from), *refuse, request.header.opaque,
                               broker.options.version);
        return true;
    }
    if (std::holds_alternative<fault_action::lose_request>(*hit))
        return true;
    if (std::holds_alternative<fault_action::close_before>(*hit)) {
        broker.faulty.close(request.from);
        return true;
    }
    if (!request.header.is_oneway())
        broker.faulty.mark(request.from, request.header.opaque, *hit);
    else if (std::holds_alternative<fault_action::close_after>(*hit))
        broker.faulty.close(request.from);
    return false;
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

/// Of a static topic, the queues that this broker leads.
inline protocol::queue_mapping mapping_of(const broker_state& broker, std::string_view name,
                                          const topic_settings& topic) {
    protocol::queue_mapping mapping{
        .broker_name = broker.options.name, .total_queues = topic.read_queues, .epoch = topic.static_epoch};
    for (std::int32_t id = 0; id < topic.read_queues; ++id)
        if (const auto place = broker.store.place_of(name, id))
            mapping.physical_ids.emplace(id, place->id);
    mapping.topic = name;
    return mapping;
}

inline protocol::route_data route_of(const broker_state& broker, std::string_view name, const topic_settings& topic) {
    protocol::route_data route;
    route.queue_datas.push_back({broker.options.name, topic.read_queues, topic.write_queues, topic.permission});
    if (topic.static_epoch > 0) {
        route.mappings.push_back(mapping_of(broker, name, topic));
        const auto led         = static_cast<std::int32_t>(route.mappings.front().physical_ids.size());
        auto& queues           = route.queue_datas.front();
        queues.read_queue_nums = queues.write_queue_nums = led;
    }
    protocol::broker_data self{broker.options.cluster, broker.options.name, {}};
    if (!broker.slave.master_lost)
        self.broker_addrs.emplace(0, to_string(broker.address));
    if (broker.slave.address)
        self.broker_addrs.emplace(1, to_string(*broker.slave.address));
    route.broker_datas.push_back(std::move(self));
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

    auto body = protocol::encode(route_of(broker, wanted->topic, *topic));
    // Who is older and does not ask for standard JSON gets Java's own: integers as keys.
    constexpr std::int32_t version_4_9_4 = 401;
    const auto standard                  = request.header.field("acceptStandardJsonOnly");
    if (request.header.version < version_4_9_4 && !(standard && standard->to_bool() == true)) {
        for (const auto& [key, plain] : {std::pair(R"({"0":)", "{0:"), {R"(,"1":)", ",1:"}, {R"({"1":)", "{1:"}})
            if (const auto at = body.find(key); at != body.npos)
                body.replace(at, 5, plain);
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
    topic_settings settings{wanted->read_queue_nums, wanted->write_queue_nums, wanted->perm};
    settings.inner_batches = wanted->attributes.find("+queue.type=BatchCQ") != std::string::npos;
    broker.store.set_topic(wanted->topic, settings);
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
        auto& groups = groups_at(broker, request.from);
        if (groups.join(request.from, heartbeat->client_id, request.header.version, consumer, request.now.steady) &&
            &groups == &broker.groups)
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
    auto& groups = groups_at(broker, request.from);
    if (!leaving->consumer_group.empty() && groups.leave(request.from, leaving->consumer_group) &&
        &groups == &broker.groups)
        notify_members(broker, leaving->consumer_group);
    reply(broker, request, response_code::success);
}

/// GET_CONSUMER_LIST_BY_GROUP (38)
inline void answer_consumer_list(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::consumer_list_request>(broker, request);
    if (!wanted)
        return;
    const auto* group = groups_at(broker, request.from).find(wanted->consumer_group);
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

/// CHECK_CLIENT_CONFIG (46): whether this broker would filter by a subscription.
inline void answer_check_client(broker_state& broker, const incoming_request& request) {
    const auto check = protocol::decode_client_check(request.body);
    if (!check)
        return reply(broker, request, response_code::system_error, "the check is not the JSON it should be");
    if (check->wanted.type != filter_type::tag) {
        if (!broker.options.property_filter)
            return reply(broker, request, response_code::system_error,
                         "The broker does not support consumer to filter message by SQL92");
        if (const auto compiled = compile_condition(check->wanted.expression); !compiled.made)
            return reply(broker, request, response_code::subscription_parse_failed,
                         "Invalid MessageSelector. " + compiled.problem);
    }
    reply(broker, request, response_code::success);
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/message_intake.hpp
#ifndef ROCKETPUSH_EMBEDDED_MESSAGE_INTAKE_HPP
#define ROCKETPUSH_EMBEDDED_MESSAGE_INTAKE_HPP


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
inline stored_place store_now(broker_state& broker, const protocol::stored_message& message, std::size_t count = 1) {
    const auto place = broker.store.append(message, count);
    broker.arrivals.push_back({std::string(message.topic), message.queue_id,
                               message_store::tag_hash(message.properties), place.commit_log_offset});
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
#include <string_view>

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
    if (!wanted || refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
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
    if (!update || refuse_led_elsewhere(broker, request, update->topic, update->queue_id))
        return;
    if (broker.options.is_version_5()) {
        if (!broker.store.find_topic(update->topic))
            return reply(broker, request, response_code::topic_not_exist, "Topic " + update->topic + " not exist!");
        if (!broker.admit_group(update->consumer_group))
            return reply(broker, request, response_code::subscription_group_not_exist,
                         "Group " + update->consumer_group + " not exist!");
        if (broker.offsets.has_reset(update->consumer_group, update->topic, update->queue_id))
            return reply(broker, request, response_code::success, "Offset has been previously reset");
    }
    broker.offsets.commit(update->consumer_group, update->topic, update->queue_id, update->commit_offset);
    reply(broker, request, response_code::success);
}

/// GET_MAX_OFFSET (30). A queue that does not exist has 0.
inline void answer_max_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::max_offset_request>(broker, request);
        wanted && !refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        reply_offset(broker, request, broker.store.max_offset(wanted->topic, wanted->queue_id));
}

/// GET_MIN_OFFSET (31)
inline void answer_min_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::min_offset_request>(broker, request);
        wanted && !refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        reply_offset(broker, request, broker.store.min_offset(wanted->topic, wanted->queue_id));
}

/// GET_EARLIEST_MSG_STORETIME (32). -1 where there is no message.
inline void answer_earliest_time(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<protocol::earliest_time_request>(broker, request);
    if (!wanted || refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
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
inline queue_offset find_by_time(const broker_state& broker, std::string_view topic, std::int32_t queue_id,
                                 std::int64_t timestamp, std::string_view boundary = {}) {
    const auto smallest = broker.store.min_offset(topic, queue_id);
    const auto largest  = broker.store.max_offset(topic, queue_id);
    const auto last     = std::max(smallest, largest - 1);
    const bool is_5     = broker.options.is_version_5();
    const bool upper    = is_5 && std::ranges::equal(boundary, std::string_view("upper"), {}, [](char c) {
                           return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                       });
    const auto found =
        broker.store.first_since(topic, queue_id, upper && timestamp < INT64_MAX ? timestamp + 1 : timestamp);
    if (upper)
        return std::max(smallest, found - 1);
    return is_5 ? found : std::min(found, last);
}

inline void answer_search_offset(broker_state& broker, const incoming_request& request) {
    if (const auto wanted = read_request<protocol::search_offset_request>(broker, request);
        wanted && !refuse_led_elsewhere(broker, request, wanted->topic, wanted->queue_id))
        reply_offset(broker, request,
                     find_by_time(broker, wanted->topic, wanted->queue_id, wanted->timestamp, wanted->boundary_type));
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/pop_revival.hpp
#ifndef ROCKETPUSH_EMBEDDED_POP_REVIVAL_HPP
#define ROCKETPUSH_EMBEDDED_POP_REVIVAL_HPP


#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

/**
 * Messages that nobody acknowledged in time come again.
 * @par Source  Java `PopReviveService`.
 */
namespace rocketpush::embedded::answering {

/// The topic that was popped, by the name under which its messages are stored for a group.
inline std::string popped_topic_of(const checkpoint_key& key, protocol::pop_topic kind) {
    const auto prefix = kind == protocol::pop_topic::normal ? 0 : retry_topic_prefix.size() + key.group.size() + 1;
    return key.topic.substr(std::min(prefix, key.topic.size()));
}

/// Stores a message again, in the group's retry topic. What has been dropped from the log meanwhile, or does not fit, is lost.
inline void revive(broker_state& broker, const pop_checkpoint& point, queue_offset offset, const std::string& topic,
                   const moment& now) {
    const auto entry = broker.store.find_entry(point.key.topic, point.key.queue_id, offset);
    const std::string record(entry ? broker.store.record_at(entry->commit_log_offset) : std::string_view());
    if (record.empty())
        return;
    auto message = read_stored(record);
    std::string properties(message.properties);
    if (message.reconsume_times == 0 || !protocol::find_property(properties, property_names::first_pop_time))
        protocol::set_property(properties, property_names::first_pop_time, std::to_string(point.key.pop_time));
    protocol::set_property(properties, property_names::origin_group, point.key.group);
    if (properties.size() > protocol::most_property_bytes)
        return;
    ensure_group_topic(broker, topic, 1);
    message.topic           = topic;
    message.queue_id        = 0;
    message.properties      = properties;
    message.born_host       = broker.store.store_host();
    message.store_timestamp = now.milliseconds();
    message.reconsume_times =
        point.suspended ? message.reconsume_times : std::min(message.reconsume_times, INT32_MAX - 1) + 1;
    store_now(broker, message);
}

/// Has come again what is due, and gives it to those who wait for it.
inline void revive_due(broker_state& broker, const moment& now) {
    using protocol::pop_topic;
    while (const auto due = broker.checkpoints.take_due(now.steady)) {
        const auto popped = popped_topic_of(due->key, due->kind);
        const auto kind   = broker.options.pop_retry_v2 ? pop_topic::retry_v2 : pop_topic::retry_v1;
        const auto topic =
            due->kind == pop_topic::normal ? protocol::real_topic(kind, due->key.group, popped) : due->key.topic;
        for (const auto offset : due->offsets)
            revive(broker, *due, offset, topic, now);
        wake_pops(broker, popped, now,
                  [&due](const held_pop& pop) { return pop.request.consumer_group == due->key.group; });
    }
}

/// Queues that are popped in order give messages again that nobody acknowledged in time.
inline void free_due_orders(broker_state& broker, const moment& now) {
    for (const auto& queue : broker.orders.take_freed(now.steady))
        wake_freed_orders(broker, queue, now);
}

} // namespace rocketpush::embedded::answering

#endif
// rocketpush/embedded/reset_requests.hpp
#ifndef ROCKETPUSH_EMBEDDED_RESET_REQUESTS_HPP
#define ROCKETPUSH_EMBEDDED_RESET_REQUESTS_HPP


#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/**
 * An administrator moves a group: brokers since 5.2 tell its next pulls, older ones tell its members, who move themselves.
 * @par Source  Java `AdminBrokerProcessor.resetOffset`, `Broker2Client.resetOffset`, `ConsumerOffsetManager`.
 */
namespace rocketpush::embedded::answering {

/// By queue id, the offset that a group shall go on with.
using reset_table = std::map<std::int32_t, queue_offset>;

/// Asks a broker to move a group: to a time (-1: the end), or in one queue to an offset.
struct reset_question {
    static constexpr auto code = static_cast<protocol::request_code>(222);

    std::string topic;
    std::string group;
    std::int64_t timestamp = -1; ///< ms since 1970
    std::optional<std::int32_t> queue_id{};
    std::optional<std::int64_t> offset{};

    static constexpr auto fields() noexcept {
        using self = reset_question;
        return std::array{
            protocol::required_field<&self::topic>("topic"), protocol::required_field<&self::group>("group"),
            protocol::optional_field<&self::timestamp>("timestamp"),
            protocol::optional_field<&self::queue_id>("queueId"), protocol::optional_field<&self::offset>("offset")};
    }
};

/// Pushed to a client, oneway: it shall move itself. The body is the table.
struct reset_notice {
    static constexpr auto code = protocol::request_code::reset_consumer_offset;

    std::string topic;
    std::string group;
    std::int64_t timestamp = -1; ///< ms since 1970
    bool forced            = false;

    static constexpr auto fields() noexcept {
        using self = reset_notice;
        return std::array{protocol::required_field<&self::topic>("topic"),
                          protocol::required_field<&self::group>("group"),
                          protocol::required_field<&self::timestamp>("timestamp"),
                          protocol::required_field<&self::forced>("isForce")};
    }
};

/// `{"offsetTable":{{"brokerName":"b","queueId":2,"topic":"t"}:2}}`: Java's maps have objects as keys.
inline std::string encode_resets(const broker_state& broker, std::string_view topic, const reset_table& resets) {
    protocol::json_writer body;
    body.open('{').key("offsetTable").open('{');
    for (const auto& [queue_id, offset] : resets) {
        protocol::write_value(body, message_queue{std::string(topic), broker.options.name, queue_id});
        body.colon();
        protocol::write_value(body, offset);
    }
    body.close('}').close('}');
    return std::move(body).text();
}

/// Moves a group, in the way of this broker's version. @return Whether anybody could be told.
inline bool reset_offsets(broker_state& broker, std::string_view group, std::string_view topic,
                          const reset_table& resets, std::int64_t timestamp = -1) {
    if (broker.options.server_side_reset && broker.options.is_version_5()) {
        for (const auto& [queue_id, offset] : resets)
            broker.offsets.reset(group, topic, queue_id, offset);
        return true;
    }
    const auto* found = broker.groups.find(group);
    if (!found)
        return false;
    const reset_notice notice{std::string(topic), std::string(group), timestamp};
    const auto body = encode_resets(broker, topic, resets);
    for (const auto& member : found->members)
        protocol::append_request(
            broker.out.frames_to(member.connection), protocol::header_encoding::json, notice,
            {.opaque = broker.next_opaque++, .flag = protocol::oneway_flag, .version = broker.options.version}, body);
    return true;
}

/// Where the queues of a topic, or one of them, were at a time; -1: where they end.
inline reset_table offsets_at(const broker_state& broker, std::string_view topic, std::int64_t timestamp,
                              std::optional<std::int32_t> only = {}) {
    reset_table resets;
    const auto* settings = broker.store.find_topic(topic);
    for (std::int32_t id = 0; settings && id < settings->read_queues; ++id)
        if (!only || *only < 0 || *only == id)
            resets[id] =
                timestamp < 0 ? broker.store.max_offset(topic, id) : find_by_time(broker, topic, id, timestamp);
    return resets;
}

/// INVOKE_BROKER_TO_RESET_OFFSET (222)
inline void answer_reset(broker_state& broker, const incoming_request& request) {
    const auto wanted = read_request<reset_question>(broker, request);
    if (!wanted)
        return;
    if (!broker.store.find_topic(wanted->topic))
        return reply(broker, request, response_code::topic_not_exist, "Topic " + wanted->topic + " does not exist");
    auto resets = offsets_at(broker, wanted->topic, wanted->timestamp, wanted->queue_id);
    if (wanted->offset && *wanted->offset >= 0 && wanted->queue_id && *wanted->queue_id >= 0)
        resets = {{*wanted->queue_id, *wanted->offset}};
    if (!reset_offsets(broker, wanted->group, wanted->topic, resets, wanted->timestamp))
        return reply(broker, request, response_code::consumer_not_online,
                     "Consumer not online, so can not reset offset, Group: " + wanted->group);
    reply(broker, request, response_code::success, {}, protocol::no_fields{},
          encode_resets(broker, wanted->topic, resets));
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

/// Whether a group consumes in order, for a broker that looks at that, as 5.1.4 and later do.
inline bool consumes_in_order(const broker_state& broker, std::string_view group, const moment& now) {
    return broker.options.version >= version_5_1_4 && broker.locks.any(group, now.steady);
}

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
    if (send.reconsume_times <= max_times && !consumes_in_order(broker, group, now)) {
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
    if (broker.store.is_led_elsewhere(send.topic, send.queue_id))
        return {response_code::not_leader_for_queue, send.topic + '-' + std::to_string(send.queue_id) +
                                                         " does not exit in request process of current broker " +
                                                         broker.options.name};
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

/// Whether a batch is stored as one message: the topic wants that, and the envelope has an id, as 5.x producers give it.
template <class Request>
bool stores_inner_batches(const broker_state& broker, const Request& send) {
    const auto* topic = broker.store.find_topic(send.topic);
    return topic && topic->inner_batches && protocol::find_property(send.properties, property_names::unique_key);
}

template <class Request>
void store_inner_batch(broker_state& broker, const Request& send, std::string_view body, std::size_t count,
                       const host_address& sender, const moment& now, send_outcome& outcome) {
    auto properties = send.properties;
    protocol::set_property(properties, property_names::inner_count, std::to_string(count));
    protocol::set_property(properties, property_names::inner_base,
                           std::to_string(broker.store.max_offset(send.topic, send.queue_id)));
    complete_properties(broker, properties, now);
    if (!properties_fit(send.topic, properties)) {
        outcome = {response_code::message_illegal, "the message's properties are longer than 32767 bytes"};
        return;
    }
    auto message            = envelope_of(send, sender);
    message.sys_flag        = message.sys_flag | sys_flags::needs_unwrap | sys_flags::inner_batch;
    message.body            = body;
    message.properties      = properties;
    message.store_timestamp = now.milliseconds();
    const auto place        = store_now(broker, message, count);

    outcome.fields.transaction_id =
        protocol::find_property(properties, property_names::unique_key).value_or(std::string_view());
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
    if (stores_inner_batches(broker, send))
        return store_inner_batch(broker, send, body, messages, sender, now, outcome);
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
#include <future>
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
    std::map<std::int32_t, std::uint64_t> requests;       ///< Number of requests by their code.
    std::map<std::int32_t, std::uint64_t> slave_requests; ///< Those of them that came to the slave.
    std::uint64_t connections_accepted = 0;
    std::size_t connections_open       = 0;
    std::size_t pulls_held             = 0; ///< Waiting for messages now.
    std::size_t pops_held              = 0; ///< Waiting for messages now.
    std::size_t messages_popped        = 0; ///< Popped, not in order, and not acknowledged yet.
    std::size_t messages_parked        = 0; ///< Waiting for their delay now.

    /// Requests with this code; 0 if there was none.
    std::uint64_t requests_of(protocol::request_code code) const { return count(requests, code); }
    /// Those of them that came to the slave.
    std::uint64_t slave_requests_of(protocol::request_code code) const { return count(slave_requests, code); }

  private:
    static std::uint64_t count(const std::map<std::int32_t, std::uint64_t>& in, protocol::request_code code) {
        const auto found = in.find(static_cast<std::int32_t>(code));
        return found == in.end() ? 0 : found->second;
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
     * @param slave_at     Where clients connect to the slave that it plays; nothing: it plays none.
     */
    broker_logic(broker_options options, endpoint reached_at, const host_address& own_address, std::uint64_t seed,
                 std::optional<endpoint> slave_at = {})
        : state_(std::move(options), std::move(reached_at), own_address, seed) {
        state_.slave.address = std::move(slave_at);
    }

    const broker_options& options() const noexcept { return state_.options; }
    const endpoint& address() const noexcept { return state_.address; }
    outbox& out() noexcept { return state_.out; }

    /// What routes tell of the slave, if there is one.
    const std::optional<endpoint>& slave_address() const noexcept { return state_.slave.address; }

    /// A client has connected. @param to_slave  To the slave's address.
    connection_id connect(const host_address& client, const moment& now, bool to_slave = false) {
        const auto id = next_connection_++;
        if (state_.connections.empty())
            next_scan_ = now.steady + state_.options.scan_interval;
        state_.connections.emplace(id, client_connection{client, now.steady, to_slave});
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
        if (client->second.to_slave)
            ++statistics_.slave_requests[header.code];
        else if (state_.slave.master_lost && !answering::is_for_name_server(header.code))
            return cut(from);
        const incoming_request request{from, header, body, now};
        if (!answering::meet_fault(state_, request) && !answering::refuse_access(state_, request) &&
            !answering::refuse_at_slave(state_, request))
            answer(request);
        wake_waiting(now);
        settle_faults(now);
    }

    /// Does what is due: ends held pulls and pops, delivers delayed messages, has popped ones come again, forgets clients that
    /// are silent.
    void tick(const moment& now) {
        answering::deliver_due(state_, now);
        answering::revive_due(state_, now);
        answering::free_due_orders(state_, now);
        wake_waiting(now);
        while (const auto due = state_.held.take_due(now.steady))
            answering::end_held_pull(state_, *due);
        answering::end_due_pops(state_, now);
        answering::end_overdue_forwards(state_, now);
        if (!state_.connections.empty() && now.steady >= next_scan_)
            scan_clients(now.steady);
        settle_faults(now);
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
        consider(state_.pops.next_due());
        consider(state_.checkpoints.next_due());
        consider(state_.orders.next_due());
        consider(state_.faulty.next_due());
        consider(state_.forwarded.next_due());
        if (state_.faulty.unsettled())
            consider(time_point::min()); // a call that knew no time has answered somebody
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

    /**
     * @brief Makes a static topic, whose queues are logical: their ids and offsets are not those in the messages' bytes.
     *
     * The queue ids in the bytes run backwards, and a queue's first message has offset 0 there and `first_offset` outside.
     * Called again, it has more queues.
     * @param led  Those of the queues that this broker leads; nothing: all.
     * @return error::invalid_topic, invalid_option (queues, first offset) or nothing.
     */
    std::error_code create_static_topic(std::string_view topic, std::int32_t queues, queue_offset first_offset,
                                        const std::optional<std::vector<std::int32_t>>& led = {}) {
        if (first_offset < 0)
            return error::invalid_option;
        const auto* known = state_.store.find_topic(topic);
        const auto before = known ? known->queues() : 0;
        const auto epoch  = known ? known->static_epoch : 0;
        if (const auto code = create_topic(topic, queues))
            return code;
        auto settings         = *state_.store.find_topic(topic);
        settings.static_epoch = epoch + 1;
        state_.store.set_topic(topic, settings);
        for (auto id = before; id < queues; ++id)
            if (!led || std::ranges::find(*led, id) != led->end())
                state_.store.place_queue(topic, id, {queues - 1 - id + before, first_offset});
        return {};
    }

    /// Gives up a queue of a static topic, for another broker. Pulls that wait for it are told when their time is over, as by
    /// real brokers. @retval error::invalid_topic, error::invalid_option (it is not led here)
    result<moved_queue> give_up_queue(std::string_view topic, std::int32_t queue_id) {
        const auto* known = state_.store.find_topic(topic);
        if (!known || known->static_epoch == 0)
            return error::invalid_topic;
        if (!state_.store.place_of(topic, queue_id))
            return error::invalid_option;
        auto settings = *known;
        ++settings.static_epoch;
        state_.store.set_topic(topic, settings);
        auto taken      = state_.store.take_queue(topic, queue_id);
        taken.epoch     = settings.static_epoch;
        taken.committed = state_.offsets.take_queue(topic, queue_id);
        return taken;
    }

    /// Leads a queue from now on that another broker gave up. Its offsets go on at a multiple of 10,000, as when it is moved by
    /// `mqadmin`. @return error::invalid_topic, invalid_option (there is no such queue, or it is led here already) or nothing.
    std::error_code take_over_queue(std::string_view topic, std::int32_t queue_id, const moved_queue& taken) {
        constexpr queue_offset block = 10'000;
        const auto* known            = state_.store.find_topic(topic);
        if (!known || known->static_epoch == 0)
            return error::invalid_topic;
        if (!state_.store.is_led_elsewhere(topic, queue_id))
            return error::invalid_option;
        auto settings         = *known;
        settings.static_epoch = std::max(settings.static_epoch, taken.epoch);
        state_.store.set_topic(topic, settings);
        auto end = taken.begin;
        for (const auto& each : taken.messages)
            end += static_cast<queue_offset>(each.offsets);
        const auto next = (end / block + (end % block < block / 2 ? 1 : 2)) * block;
        state_.store.put_queue(topic, queue_id, settings.queues() - 1 - queue_id, taken, next);
        for (const auto& [group, offset] : taken.committed)
            state_.offsets.commit(group, topic, queue_id, offset);
        return {};
    }

    /// What this broker tells name servers of a topic; nothing for one that it does not have.
    std::optional<protocol::route_data> route(std::string_view topic) const {
        const auto* known = state_.store.find_topic(topic);
        return known ? std::optional(answering::route_of(state_, topic, *known)) : std::nullopt;
    }

    /// Changes what a topic allows: bits 4 read, 2 write. @return error::invalid_topic  It does not exist.
    std::error_code set_permission(std::string_view topic, std::int32_t permission) {
        const auto* known = state_.store.find_topic(topic);
        if (!known)
            return error::invalid_topic;
        auto changed       = *known;
        changed.permission = permission;
        state_.store.set_topic(topic, changed);
        return {};
    }

    /// Moves a group in a queue, as an administrator does. @return Whether anybody could be told.
    bool reset_offset(std::string_view group, std::string_view topic, std::int32_t queue_id, queue_offset offset) {
        return answering::reset_offsets(state_, group, topic, {{queue_id, offset}});
    }
    /// Moves a group in all of a topic's queues to where they were at a time.
    bool reset_offset(std::string_view group, std::string_view topic, std::chrono::system_clock::time_point at) {
        const auto timestamp = moment{.system = at}.milliseconds();
        return answering::reset_offsets(state_, group, topic, answering::offsets_at(state_, topic, timestamp),
                                        timestamp);
    }

    /// Who may use the broker from now on; none: everybody.
    void set_accounts(std::vector<account> accounts) { state_.accounts = std::move(accounts); }

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
        wake_waiting(now);
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
        std::size_t sum      = 0;
        const auto* settings = state_.store.find_topic(topic);
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id)
            sum += state_.store.message_count(topic, id);
        return sum;
    }

    std::optional<queue_offset> committed_offset(std::string_view group, std::string_view topic,
                                                 std::int32_t queue_id) const {
        return state_.offsets.find(group, topic, queue_id);
    }

    /// Whether a group has committed behind every message that a topic holds, and acknowledged what it popped.
    bool consumed(std::string_view group, std::string_view topic) const {
        const auto* settings = state_.store.find_topic(topic);
        if (state_.checkpoints.messages_of(group, topic) != 0)
            return false;
        for (const auto kind : {protocol::pop_topic::retry_v1, protocol::pop_topic::retry_v2})
            if (const auto retries = protocol::real_topic(kind, group, topic);
                state_.store.find_topic(retries) && !consumed(group, retries))
                return false;
        for (std::int32_t id = 0; settings && id < settings->queues(); ++id) {
            const auto end = state_.store.max_offset(topic, id);
            if (end > state_.store.min_offset(topic, id) && state_.offsets.find(group, topic, id).value_or(0) < end)
                return false;
        }
        return settings != nullptr;
    }

    /// Client id of the member that has a queue for itself; empty if none has, or no longer.
    std::string lock_owner(std::string_view group, std::string_view topic, std::int32_t queue_id,
                           const moment& now) const {
        const auto* known = state_.store.find_topic(topic);
        const auto& name = known && known->static_epoch > 0 ? static_topic_broker(protocol::queue_mapping::global_scope)
                                                            : state_.options.name;
        return std::string(state_.locks.owner(group, {std::string(topic), name, queue_id}, now.steady));
    }

    /// Ends a group's locks, as if none had been renewed for too long. @return How many were held.
    std::size_t expire_locks(std::string_view group, const moment& now) {
        return state_.locks.expire(group, now.steady);
    }

    /// Tells a group's members that it has changed.
    void notify_members(std::string_view group) { answering::notify_members(state_, group); }

    queue_offset max_offset(std::string_view topic, std::int32_t queue_id) const {
        return state_.store.max_offset(topic, queue_id);
    }
    queue_offset min_offset(std::string_view topic, std::int32_t queue_id) const {
        return state_.store.min_offset(topic, queue_id);
    }

    /// From now on the slave lacks so many of the newest messages of each queue.
    void lag_slave(queue_offset messages) { state_.slave.lag = std::max<queue_offset>(0, messages); }
    /// Whether pull answers send clients to the slave, as they do when a group is far behind.
    void suggest_slave(bool suggested) { state_.slave.suggested = suggested; }

    /// The master is lost: its connections end, routes do not have it, and what still comes to it is cut off.
    void lose_master() {
        state_.slave.master_lost = true;
        for (const auto connection : state_.out.connections())
            if (!state_.connections.at(connection).to_slave)
                cut(connection);
    }
    /// It is there again.
    void restore_master() { state_.slave.master_lost = false; }

    /// Has a member asked; its answer comes later, or a refusal by the broker at once.
    template <class Request>
    std::future<client_answer> ask_member(const Request& request, std::string_view group, std::string_view client_id,
                                          const moment& now) {
        std::promise<client_answer> asked;
        auto answer = asked.get_future();
        answering::ask_client(state_, {std::move(asked), 0, {}}, group, client_id, request, now);
        return answer;
    }
    std::future<client_answer> consume_directly(const protocol::consume_directly_request& request, const moment& now) {
        std::promise<client_answer> asked;
        auto answer = asked.get_future();
        answering::ask_to_consume(state_, {std::move(asked), 0, {}}, request, now);
        return answer;
    }

    /// Says how a group reads a topic; its members hear of it when they ask again. @return What a client that said so would get.
    response_code set_request_mode(std::string_view topic, std::string_view group, reading_mode mode) {
        return answering::set_request_mode(state_, topic, group, mode).first;
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        std::vector<std::string> ids;
        if (const auto* found = state_.groups.find(group))
            for (const auto& member : found->members)
                ids.push_back(member.client_id);
        return ids;
    }

    /// What a group's members say of it: `CLUSTERING` or `BROADCASTING`; nothing for a group without members.
    std::string message_model(std::string_view group) const {
        const auto* found = state_.groups.find(group);
        return found ? found->message_model : std::string();
    }

    /// The next `count` requests with this code are answered with `failure` and not processed; a former call for the code
    /// is over.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count) {
        auto& id = failing_[code];
        state_.faults.clear(id);
        id = state_.faults.add(
            {.codes = {code}, .action = fault_action::refuse{.code = failure, .remark = "fail_next"}, .times = count});
    }

    /// From now on requests are hit by a fault. @retval error::invalid_option  See `describe_problem`.
    result<fault_id> add_fault(fault wanted) {
        if (!describe_problem(wanted).empty())
            return error::invalid_option;
        return state_.faults.add(std::move(wanted));
    }

    /// Ends a fault; answers that it has delayed are still late. @return Whether it was there.
    bool clear_fault(fault_id id) { return state_.faults.clear(id); }
    /// Ends all, those of `fail_next` too.
    void clear_faults() { state_.faults.clear_all(); }

    /// Requests that a fault has hit; 0 when it was cleared.
    std::size_t fault_hits(fault_id id) const { return state_.faults.hits(id); }

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
        now.pops_held            = state_.pops.size();
        now.messages_popped      = state_.checkpoints.messages();
        now.messages_parked      = state_.delays.size();
        return now;
    }

  private:
    struct answering_function {
        protocol::request_code code;
        void (*answer)(broker_state&, const incoming_request&);
        std::int32_t since = 0; ///< The broker's version.
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
            {code::consume_message_directly, answer_consume_directly},
            {reset_question::code, answer_reset},
            {code::query_assignment, answer_query_assignment, version_5_0_0},
            {code::set_request_mode, answer_set_request_mode, version_5_0_0},
            {code::pop_message, answer_pop, version_5_0_0},
            {code::ack_message, answer_ack, version_5_0_0},
            {code::batch_ack_message, answer_batch_ack, version_5_1_3},
            {code::change_invisible_time, answer_change_invisible_time, version_5_0_0},
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
        if (found != functions.end() && found->since <= state_.options.version)
            return found->answer(state_, request);
        answering::reply(state_, request, response_code::request_code_not_supported,
                         " request type " + std::to_string(request.header.code) + " not supported");
    }

    /// Gives what has come to those who wait for it: first to pulls, which take nothing away.
    void wake_waiting(const moment& now) {
        const auto came = state_.pops.size() != 0 ? state_.arrivals : std::vector<arrival>();
        answering::wake_held_pulls(state_);
        for (const auto& each : came)
            answering::wake_held_pops(state_, each, now);
    }

    void settle_faults(const moment& now) {
        state_.faulty.send_due(state_.out, now.steady);
        if (!state_.faulty.unsettled()) [[likely]]
            return;
        for (const auto connection : state_.faulty.settle(now.steady))
            cut(connection);
    }

    void end_client(connection_id connection) {
        if (state_.connections.erase(connection) == 0)
            return;
        state_.faulty.forget(connection);
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
        silent.merge(state_.slave.groups.silent_since(now - state_.options.client_lifetime));
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
        std::int64_t last = -1;
        for (auto at = begin; at < end; ++at) {
            const auto entry = state_.store.find_entry(topic, queue_id, at);
            if (std::exchange(last, entry->commit_log_offset) == entry->commit_log_offset)
                continue; // of one batch
            protocol::decode_messages(state_.store.record_at(entry->commit_log_offset), origin, {}, arena, found,
                                      [](std::error_code, std::string_view, std::int64_t) {});
        }
        for (const auto& fields : found)
            copies.emplace_back(message_view(fields));
    }

    broker_state state_;
    connection_id next_connection_ = 1;
    time_point next_scan_{};
    std::map<protocol::request_code, fault_id> failing_; ///< What `fail_next` has added.
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
          acceptor_(open_acceptor(transport, options, options.listen)),
          slave_acceptor_(open_slave(transport, options)),
          timer_(runtime_),
          retry_timer_(runtime_),
          slave_retry_timer_(runtime_),
          resumed_(runtime_.get_executor()) {
        auto reached_at        = reached(acceptor_, options);
        auto slave_at          = slave_acceptor_ ? std::optional(reached(*slave_acceptor_, options)) : std::nullopt;
        const auto own_address = to_host_address(reached_at);
        logic_.emplace(std::move(options), std::move(reached_at), own_address, runtime_.random(), std::move(slave_at));
    }

    void start() {
        spawn(accept_clients(this->shared_from_this(), false));
        if (slave_acceptor_)
            spawn(accept_clients(this->shared_from_this(), true));
        spawn(wake_when_due(this->shared_from_this()));
    }

    /// Closes everything; its coroutines end soon after.
    void stop() {
        stopped_ = true;
        acceptor_.close();
        if (slave_acceptor_)
            slave_acceptor_->close();
        for (const auto& [id, one] : std::map(clients_))
            end(*one);
        timer_.cancel();
        retry_timer_.cancel();
        slave_retry_timer_.cancel();
        resumed_.signal();
    }

    const Runtime& runtime() const noexcept { return runtime_; }
    const endpoint& address() const noexcept { return logic_->address(); }
    const std::optional<endpoint>& slave_address() const noexcept { return logic_->slave_address(); }

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

    acceptor_type open_acceptor(Transport& transport, const broker_options& options, const endpoint& at) {
        if (const auto problem = describe_problem(options); !problem.empty())
            throw std::system_error(make_error_code(error::invalid_option), "embedded broker: " + std::string(problem));
        auto opened = transport.listen(runtime_.get_executor(), at);
        if (!opened)
            throw std::system_error(opened.error(), "embedded broker cannot listen on " + to_string(at));
        return std::move(*opened);
    }
    std::optional<acceptor_type> open_slave(Transport& transport, const broker_options& options) {
        if (!options.slave_listen)
            return std::nullopt;
        return open_acceptor(transport, options, *options.slave_listen);
    }

    /// What clients are told to connect to.
    static endpoint reached(const acceptor_type& acceptor, const broker_options& options) {
        auto at = acceptor.local_endpoint();
        if (!options.advertised_host.empty())
            at.host = options.advertised_host;
        else if (at.host == "0.0.0.0" || at.host == "::")
            at.host = "127.0.0.1";
        return at;
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

    static nothing accept_clients(self_ptr self, bool to_slave) {
        auto& acceptor    = to_slave ? *self->slave_acceptor_ : self->acceptor_;
        auto& retry_timer = to_slave ? self->slave_retry_timer_ : self->retry_timer_;
        while (!self->stopped_) {
            auto [failure, stream] = co_await acceptor.async_accept(await_tuple);
            if (self->stopped_ || failure == asio::error::operation_aborted)
                break;
            if (failure) {
                // No file descriptors left, most likely: some will be again.
                retry_timer.expires_at(self->runtime_.now() + std::chrono::milliseconds(100));
                co_await retry_timer.async_wait(await_tuple);
                continue;
            }
            self->begin(std::move(stream), to_slave);
        }
    }

    void begin(stream_type stream, bool to_slave) {
        const auto address = to_host_address(stream.remote_endpoint());
        auto one = std::make_shared<client>(std::move(stream), runtime_.get_executor(), logic_->options().frame_limit);
        {
            const std::lock_guard lock(mutex_);
            one->id = logic_->connect(address, now(), to_slave);
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
    std::optional<acceptor_type> slave_acceptor_;
    typename Runtime::timer timer_;
    typename Runtime::timer retry_timer_;
    typename Runtime::timer slave_retry_timer_;
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
#include <future>
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
 * It does: routes, topics made by themselves, static topics, groups and their notices, send (single and batch), pull with long
 * polling, tags and SQL92 conditions, offsets, resets, search by time, send-back with delayed retries and dead letters, delay
 * levels, queue locks, POP, assignments, a slave, faults on request, and what admin tools ask about consumers. It does not:
 * transactions, anything on disk.
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

    /// Where clients find the slave; nothing without `broker_options::slave_listen`.
    const std::optional<endpoint>& slave_address() const noexcept { return server_->slave_address(); }

    /// Makes a topic, or gives it more queues. @throws std::system_error  error::invalid_topic, error::invalid_option.
    void create_topic(std::string_view topic, std::int32_t queues = 8) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_topic(topic, queues); }), "create_topic", topic);
    }

    /**
     * @brief Makes a static topic (5.x), whose queues are logical: clients see a broker `__syslo__global__`, and ids and
     *        offsets that are not those in the messages' bytes.
     * @param first_offset  Of each queue outside; in the bytes it is 0.
     * @param led           Those of the queues that this broker leads, if others of the cluster lead the rest; nothing: all.
     * @throws std::system_error  error::invalid_topic, error::invalid_option.
     */
    void create_static_topic(std::string_view topic, std::int32_t queues, queue_offset first_offset = 0,
                             const std::optional<std::vector<std::int32_t>>& led = {}) {
        throw_if(call([&](auto& logic, auto&) { return logic.create_static_topic(topic, queues, first_offset, led); }),
                 "create_static_topic", topic);
    }

    /**
     * @brief Has another broker lead a static topic's queue from now on, as an administrator's remapping does. Messages and
     *        committed offsets come along; offsets of new messages go on at the next multiple of 10,000.
     *
     * A name server that knows both has to be told; see `route`.
     * @throws std::system_error  error::invalid_topic (at one of them it is not there, or not static), error::invalid_option.
     */
    void move_queue(std::string_view topic, std::int32_t queue, basic_broker& to) {
        const auto moved = call([&](auto& logic, auto&) { return logic.give_up_queue(topic, queue); });
        throw_if(moved.error(), "move_queue", topic);
        throw_if(to.call([&](auto& logic, auto&) { return logic.take_over_queue(topic, queue, *moved); }), "move_queue",
                 topic);
    }

    /// What this broker would tell a name server of a topic: for one that knows several brokers. Nothing if it has no such topic.
    std::optional<protocol::route_data> route(std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.route(topic); });
    }

    /// Changes what a topic allows: bits 4 read, 2 write. @throws std::system_error  error::invalid_topic: it is not there.
    void set_permission(std::string_view topic, std::int32_t permission) {
        throw_if(call([&](auto& logic, auto&) { return logic.set_permission(topic, permission); }), "set_permission",
                 topic);
    }

    /**
     * @brief Moves a group in a queue, as an administrator does.
     *
     * From 5.0 on the group's next pull of the queue is told, and commits until then do not count; at 4.9, or without
     * `broker_options::server_side_reset`, its members are told, and move themselves.
     *
     * @return Whether anybody could be told: members have to be there for it.
     */
    bool reset_offset(std::string_view group, std::string_view topic, std::int32_t queue, queue_offset offset) {
        return call([&](auto& logic, auto&) { return logic.reset_offset(group, topic, queue, offset); });
    }
    /// The same in all of a topic's queues, to the first message stored at a time or later.
    bool reset_offset(std::string_view group, std::string_view topic, std::chrono::system_clock::time_point at) {
        return call([&](auto& logic, auto&) { return logic.reset_offset(group, topic, at); });
    }

    /// Changes who may use the broker, and for what, as an administrator does; none: everybody may. See `broker_options::accounts`.
    /// @throws std::system_error  error::unsupported_feature: this build left OpenSSL out.
    void set_accounts(std::vector<account> accounts) {
        throw_if(!accounts.empty() && !ROCKETPUSH_WITH_OPENSSL ? make_error_code(error::unsupported_feature)
                                                               : std::error_code(),
                 "set_accounts", "");
        call([&](auto& logic, auto&) { logic.set_accounts(std::move(accounts)); });
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

    /// Whether a group has committed behind every message that a topic holds, and acknowledged all that it popped, retries too;
    /// false for a topic that does not exist. Of messages that the group's tags leave out, those at the end of a queue are only passed when more messages come.
    bool consumed(std::string_view group, std::string_view topic) const {
        return call([&](auto& logic, auto&) { return logic.consumed(group, topic); });
    }

    /// Client id of the member that has locked a queue to consume it in order; empty if none has, or no longer.
    std::string lock_owner(std::string_view group, std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto& now) { return logic.lock_owner(group, topic, queue, now); });
    }

    /// Where a queue's next message will be.
    queue_offset max_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.max_offset(topic, queue); });
    }

    /// Offset of a queue's oldest message.
    queue_offset min_offset(std::string_view topic, std::int32_t queue) const {
        return call([&](auto& logic, auto&) { return logic.min_offset(topic, queue); });
    }

    /**
     * @brief Has a group pop a topic, or pull it (again), as `mqadmin setConsumeMode` does. Members that ask the broker for their
     *        queues hear of it when they ask again.
     * @throws std::system_error  With the `response_code` that the tool would get.
     */
    void set_request_mode(std::string_view topic, std::string_view group, reading_mode mode) {
        const auto code = call([&](auto& logic, auto&) { return logic.set_request_mode(topic, group, mode); });
        throw_if(code == response_code::success ? std::error_code() : code, "set_request_mode", topic);
    }

    /// Client ids of a group's members, in the order in which they came.
    std::vector<std::string> members(std::string_view group) const {
        return call([&](auto& logic, auto&) { return logic.members(group); });
    }

    /// What a group's members say of it: `CLUSTERING` or `BROADCASTING`; nothing for a group without members.
    std::string message_model(std::string_view group) const {
        return call([&](auto& logic, auto&) { return logic.message_model(group); });
    }

    // What an administrator wants of a member. The answer comes when the member has given it, or after 10 s with the
    // `response_code::consume_msg_timeout`; one who is not there is refused at once, with `system_error`.

    /// How a member is: what `mqadmin consumerStatus` asks. The body is for `protocol::decode_running_info`.
    /// @param with_stacks  And what its parts are at, as text.
    std::future<client_answer> running_info(std::string_view group, std::string_view client_id,
                                            bool with_stacks = false) {
        const protocol::running_info_request asked{std::string(group), std::string(client_id), with_stacks};
        return call([&](auto& logic, auto& now) { return logic.ask_member(asked, group, client_id, now); });
    }
    /// Where a member is in a topic's queues, as it knows it. The body is for `protocol::decode_consumer_status`.
    std::future<client_answer> consumer_status(std::string_view group, std::string_view client_id,
                                               std::string_view topic) {
        const protocol::consumer_status_request asked{std::string(topic), std::string(group)};
        return call([&](auto& logic, auto& now) { return logic.ask_member(asked, group, client_id, now); });
    }
    /// Has a member's listener called with a stored message, beside all else. The body is for `protocol::decode_direct_result`.
    /// @param message_id  By its place in the store: `message_view::offset_message_id()`.
    std::future<client_answer> consume_directly(std::string_view group, std::string_view client_id,
                                                std::string_view message_id) {
        const protocol::consume_directly_request asked{std::string(group), std::string(client_id),
                                                       std::string(message_id)};
        return call([&](auto& logic, auto& now) { return logic.consume_directly(asked, now); });
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

    /**
     * @brief From now on requests are hit by a fault; any number of faults may be there at once.
     * @throws std::system_error  error::invalid_option: its rate is not from 0 to 1, or its delay is negative.
     */
    fault_id add_fault(fault wanted) {
        auto added = call([&](auto& logic, auto&) { return logic.add_fault(std::move(wanted)); });
        throw_if(added.error(), "add_fault", "");
        return *added;
    }
    /// Ends a fault; answers that it has delayed are still late. @return Whether it was there.
    bool clear_fault(fault_id id) {
        return call([&](auto& logic, auto&) { return logic.clear_fault(id); });
    }
    /// Ends all faults, those of `fail_next` too.
    void clear_faults() {
        call([](auto& logic, auto&) { logic.clear_faults(); });
    }
    /// Requests that a fault has hit so far; 0 when it was cleared.
    std::size_t fault_hits(fault_id id) const {
        return call([&](auto& logic, auto&) { return logic.fault_hits(id); });
    }

    /// The next `count` requests with this code are answered with `failure`, and not processed.
    void fail_next(protocol::request_code code, response_code failure, std::size_t count = 1) {
        call([&](auto& logic, auto&) { logic.fail_next(code, failure, count); });
    }

    /// From now on the slave lacks so many of the newest messages of each queue.
    void lag_slave(queue_offset messages) {
        call([&](auto& logic, auto&) { logic.lag_slave(messages); });
    }
    /// Whether pull answers send clients to the slave, as they do when a group is far behind.
    void suggest_slave(bool suggested = true) {
        call([&](auto& logic, auto&) { logic.suggest_slave(suggested); });
    }
    /// The master is lost: its connections end, routes have only the slave, and what comes to the master is cut off. The
    /// name server still answers at either address, but a connection to the master ends with all that is under way on it: a
    /// consumer that shall go on as with a name server of its own is given the slave's address as that.
    void lose_master() {
        call([](auto& logic, auto&) { logic.lose_master(); });
    }
    /// The master is there again, with all that it had.
    void restore_master() {
        call([](auto& logic, auto&) { logic.restore_master(); });
    }

    /// Ends a group's locks, as if none had been renewed for too long. @return How many were held.
    std::size_t expire_locks(std::string_view group) {
        return call([&](auto& logic, auto& now) { return logic.expire_locks(group, now); });
    }

    /// Tells a group's members that the group has changed, though it has not: they share the queues out anew.
    void notify_members(std::string_view group) {
        call([&](auto& logic, auto&) { logic.notify_members(group); });
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

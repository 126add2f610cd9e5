#ifndef ROCKETPUSH_PROTOCOL_TRACE_RECORDS_HPP
#define ROCKETPUSH_PROTOCOL_TRACE_RECORDS_HPP

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/**
 * The records of message trace, of which the body of a trace message is made: fields separated by 0x01, each record ended by
 * 0x02.
 * @par Source  Java `TraceDataEncoder`.
 */
namespace rocketpush::protocol {

inline constexpr std::string_view trace_topic = "RMQ_SYS_TRACE_TOPIC";
/// The region of messages that do not tell theirs: brokers before 5.0 do not write it.
inline constexpr std::string_view default_region = "DefaultRegion";

/// A message is given to a listener.
struct sub_before {
    std::int64_t timestamp = 0; ///< ms since 1970
    std::string_view region;
    std::string_view group; ///< Without a namespace.
    std::string_view request_id;
    std::string_view message_id;
    std::int32_t retry_times = 0;
    std::optional<std::string_view> keys{};
};

/// The listener has answered.
struct sub_after {
    std::string_view request_id; ///< As that of the message's `sub_before`.
    std::string_view message_id;
    std::int64_t cost = 0; ///< ms; that of the call, divided by the number of its messages.
    bool success      = true;
    std::optional<std::string_view> keys{};
    int context_code       = 0; ///< Java `ConsumeReturnType`.
    std::int64_t timestamp = 0; ///< ms since 1970
    std::string_view group;
};

/// Writes a record's fields one after the other.
class trace_writer {
  public:
    explicit trace_writer(std::string& out) noexcept : out_(out) {}

    trace_writer& add(std::string_view text) {
        separate();
        out_ += text;
        return *this;
    }
    trace_writer& add(std::optional<std::string_view> text) {
        return add(text ? *text : std::string_view("null")); // as Java prints it; a last field must not be empty
    }
    trace_writer& add(bool value) { return add(value ? std::string_view("true") : std::string_view("false")); }
    template <std::integral Number>
    trace_writer& add(Number number) {
        char digits[24];
        return add(std::string_view(digits, std::to_chars(digits, digits + sizeof digits, number).ptr));
    }
    void end() { out_ += '\x02'; }

  private:
    void separate() {
        if (begun_)
            out_ += '\x01';
        begun_ = true;
    }

    std::string& out_;
    bool begun_ = false;
};

inline void append_record(std::string& out, const sub_before& record) {
    trace_writer(out)
        .add(std::string_view("SubBefore"))
        .add(record.timestamp)
        .add(record.region)
        .add(record.group)
        .add(record.request_id)
        .add(record.message_id)
        .add(record.retry_times)
        .add(record.keys)
        .end();
}

inline void append_record(std::string& out, const sub_after& record) {
    trace_writer(out)
        .add(std::string_view("SubAfter"))
        .add(record.request_id)
        .add(record.message_id)
        .add(record.cost)
        .add(record.success)
        .add(record.keys)
        .add(record.context_code)
        .add(record.timestamp)
        .add(record.group)
        .end();
}

} // namespace rocketpush::protocol

#endif

#ifndef ROCKETPUSH_TESTS_FUZZ_SUPPORT_HOSTILE_SCRIPT_HPP
#define ROCKETPUSH_TESTS_FUZZ_SUPPORT_HOSTILE_SCRIPT_HPP

#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/protocol/compression.hpp>
#include <rocketpush/protocol/message_batch.hpp>
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/requests.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/fuzz/support/fuzz_input.hpp"
#include "tests/fuzz/support/honest_server.hpp"
#include "tests/support/memory_peer.hpp"

namespace rocketpush::test {

/// What a hostile server does to one request. The bytes of the input spell one of these out; see `hostile_script::next`.
struct hostile_deed {
    std::string pushed{};                 ///< Sent before the answer: a request of the server's own.
    std::string bytes{};                  ///< The answer; empty: none.
    std::chrono::milliseconds after{10};  ///< Never at once, or a quick client and a quick liar would stop the clock.
    bool then_close = false;
};

/**
 * @brief The program of a hostile server: a deed for each request until it is over.
 *
 * A deed is a byte that says what is in the answer (`content`), a byte that says how it is sent (`delivery`), and what these two
 * call for. make_corpus writes such programs with the same numbers.
 */
class hostile_script {
  public:
    enum content : std::uint8_t {
        honest,        ///< As the rules want it.
        coded,         ///< Another code, else honest.
        fielded,       ///< Honest, with fields that are made up.
        bodied,        ///< Honest, with a body that is made up.
        messages,      ///< Messages of any kind, to a pull or a pop; else honest.
        popping,       ///< The queues of this broker are to be popped; else honest.
        all_made_up,   ///< Code, fields and body.
        content_count
    };
    enum delivery : std::uint8_t {
        plain,
        late,          ///< After a byte of tenths of seconds, four times as long for the upper half.
        twice,
        wrong_opaque,
        cut_short,     ///< A part of the frame, then the end.
        half,          ///< A part of the frame, then silence.
        flipped,       ///< Up to three bytes are others.
        garbage,       ///< Bytes that are no frame.
        silent,
        closed,        ///< The end in place of an answer.
        binary,        ///< With a binary header, without fields.
        pushing,       ///< A request of the server's own first.
        delivery_count
    };

    static constexpr std::size_t most_deeds = 64;

    explicit hostile_script(fuzz_input& input) : input_(input) {}

    bool over() const { return input_.empty() || deeds_ == most_deeds; }

    /// @param expected  The honest answer. @param now  ms since 1970.
    hostile_deed next(const peer_frame& request, session_answer expected, std::int64_t now) {
        ++deeds_;
        const auto what = static_cast<content>(input_.below(content_count));
        const auto how  = static_cast<delivery>(input_.below(delivery_count));
        compose(what, request, expected, now);
        // No hostile bytes about the healthy queue: a name server or an administrator is trusted with that.
        if (what != honest && what != coded && expected.body.find(session_cluster::quiet_name) != std::string::npos)
            expected.body = "{}";
        return deliver(how, request.header.opaque, expected);
    }

  private:
    void compose(content what, const peer_frame& request, session_answer& answer, std::int64_t now) {
        const auto code    = static_cast<protocol::request_code>(request.header.code);
        const bool pulling = code == protocol::request_code::pull_message;
        const bool popped  = code == protocol::request_code::pop_message;
        switch (what) {
        case coded: answer.code = number_as<std::int16_t>(); break;
        case fielded: answer.fields = fields(); break;
        case bodied: answer.body = input_.long_text(); break;
        case messages:
            if (pulling || popped) {
                answer = {};
                add_messages(request, answer, popped, now);
            }
            break;
        case popping:
            if (code == protocol::request_code::query_assignment)
                answer.body = protocol::encode(protocol::assignment_answer{
                    {{{{session_cluster::topic, session_cluster::loud_name, input_.below(2) == 0 ? -1 : 0},
                       protocol::request_mode::pop}}}});
            break;
        case all_made_up:
            answer.code   = number_as<std::int16_t>();
            answer.fields = fields();
            answer.body   = input_.long_text();
            break;
        default: break;
        }
    }

    hostile_deed deliver(delivery how, std::int32_t opaque, const session_answer& answer) {
        hostile_deed deed{.bytes = frame_of(answer, opaque), .after = answer.after};
        switch (how) {
        case late: {
            const auto tenths = input_.byte();
            deed.after        = std::chrono::milliseconds(100) * (tenths < 128 ? tenths + 1 : 4 * tenths);
            break;
        }
        case twice: deed.bytes += deed.bytes; break;
        case wrong_opaque: deed.bytes = frame_of(answer, opaque ^ (1 << input_.below(31))); break;
        case cut_short:
        case half:
            deed.bytes.resize(deed.bytes.size() * input_.byte() / 256);
            deed.then_close = how == cut_short;
            break;
        case flipped:
            for (std::size_t left = 1 + input_.below(3); left != 0; --left) {
                const auto at = input_.two_bytes() % deed.bytes.size();
                deed.bytes[at] = static_cast<char>(input_.byte());
            }
            break;
        case garbage: deed.bytes = input_.long_text(); break;
        case silent: deed.bytes.clear(); break;
        case closed:
            deed.bytes.clear();
            deed.then_close = true;
            break;
        case binary: deed.bytes = binary_frame_of(answer, opaque); break;
        case pushing: deed.pushed = request_of_its_own(); break;
        default: break;
        }
        return deed;
    }

    /// Numbers that decoders stumble over, or any.
    std::int64_t number() {
        using limits                              = std::numeric_limits<std::int64_t>;
        static constexpr std::array<std::int64_t, 16> odd = {
            0, 1, -1, 2, 39, 40, 41, 127, 32767, 65536, std::numeric_limits<std::int32_t>::max(),
            std::numeric_limits<std::int32_t>::min(), limits::max(), limits::max() - 1, limits::min(), 1'700'000'000'000};
        const auto which = input_.byte();
        if (which < odd.size())
            return odd[which];
        if (which < 128)
            return which;
        std::uint64_t any = 0;
        for (int i = 0; i < which % 8 + 1; ++i)
            any = any << 8 | input_.byte();
        return static_cast<std::int64_t>(any);
    }
    template <class T>
    T number_as() {
        return static_cast<T>(number());
    }

    /// Fields that the library reads somewhere, with values of any kind.
    std::string fields() {
        static constexpr const char* names[] = {
            "nextBeginOffset", "minOffset",       "maxOffset",     "suggestWhichBrokerId", "offsetDelta", "topicSysFlag",
            "groupSysFlag",    "offset",          "popTime",       "invisibleTime",        "reviveQid",   "restNum",
            "startOffsetInfo", "msgOffsetInfo",   "orderCountInfo", "queueId",             "queueOffset", "msgId",
            "consumerGroup",   "IS_SUB_CHANGE",   "timestamp",     "group",                "topic",       "clientId"};
        std::string text;
        for (std::size_t left = input_.below(9); left != 0; --left) {
            text += text.empty() ? "\"" : ",\"";
            text += names[input_.below(std::size(names))];
            text += "\":\"";
            if (input_.below(4) != 0)
                text += std::to_string(number());
            else
                protocol::append_json_escaped(text, input_.short_text());
            text += '"';
        }
        return text;
    }

    /// A stored message of some kind. @param bytes  Gets it. @return Its offset.
    std::int64_t add_message(std::string& bytes, const peer_frame& request, std::int64_t offset) {
        enum kind : std::uint8_t { simple, zlib, lz4, zstd, batch, second_version, raw, retried, far_away, kind_count };
        const auto which = static_cast<kind>(input_.below(kind_count));
        if (which == raw) {
            bytes += input_.long_text();
            return offset;
        }
        if (which == far_away)
            offset = number();
        std::string body(input_.short_text()), properties;
        protocol::stored_message message{.topic             = session_cluster::topic,
                                         .queue_id          = 0,
                                         .queue_offset      = offset,
                                         .commit_log_offset = offset,
                                         .born_timestamp    = 1'700'000'000'000,
                                         .store_timestamp   = 1'700'000'000'000};
        if (which == zlib || which == lz4 || which == zstd) {
            const auto how = which == zlib  ? protocol::compression::zlib
                             : which == lz4 ? protocol::compression::lz4
                                            : protocol::compression::zstd;
            // Of one letter many times: what a small message may inflate to.
            const auto times = std::size_t{1} << input_.below(25);
            body             = *protocol::compress(how, body.empty() ? std::string(times, 'x') : body, 1);
            message.sys_flag = protocol::flags_of(how);
        } else if (which == batch) {
            std::string inner;
            for (std::size_t left = input_.below(8) + 1; left != 0; --left)
                protocol::append_batch_message(inner, {.body = body});
            body             = std::move(inner);
            message.sys_flag = sys_flags::inner_batch | sys_flags::needs_unwrap;
        } else if (which == retried) {
            message.reconsume_times = number_as<std::int32_t>();
            properties              = std::string("RETRY_TOPIC\x01") + session_cluster::topic + '\x02';
            const auto receipt      = input_.short_text();
            if (!receipt.empty() && receipt.find_first_of("\x01\x02") == receipt.npos)
                properties.append("POP_CK\x01").append(receipt).push_back('\x02');
        }
        message.force_v2   = which == second_version;
        message.body       = body;
        message.properties = properties;
        protocol::append_stored_message(bytes, message);
        static_cast<void>(request);
        return offset;
    }

    void add_messages(const peer_frame& request, session_answer& answer, bool popped, std::int64_t now) {
        const auto asked = protocol::read_fields<protocol::pull_request>(request.header);
        const auto first = popped || !asked ? 0 : asked->queue_offset;
        auto offset      = first;
        std::string offsets;
        for (std::size_t left = input_.below(8) + 1; left != 0; --left) {
            offset = add_message(answer.body, request, offset);
            offsets += (offsets.empty() ? "0 0 " : ",") + std::to_string(offset);
            offset += offset < std::numeric_limits<std::int64_t>::max();
        }
        if (popped)
            answer.fields = fields_text(protocol::pop_response{.pop_time         = now,
                                                               .invisible_millis = input_.below(4) != 0 ? 60'000 : number(),
                                                               .start_offsets    = "0 0 0",
                                                               .message_offsets  = offsets});
        else
            answer.fields =
                fields_text(protocol::pull_response{.next_begin_offset = input_.below(4) != 0 ? offset : number(),
                                                    .max_offset        = input_.below(4) != 0 ? 40 : number()});
    }

    std::string request_of_its_own() {
        using enum protocol::request_code;
        static constexpr protocol::request_code codes[] = {
            notify_consumer_ids_changed, reset_consumer_offset,     get_consumer_status,     get_consumer_running_info,
            consume_message_directly,    check_transaction_state,   push_reply_message,      heart_beat};
        const auto code   = codes[input_.below(std::size(codes))];
        const auto oneway = input_.below(2) != 0;
        auto text         = fields();
        std::string body(input_.long_text());
        if (body.find(session_cluster::quiet_name) != std::string::npos)
            body = "{}";
        std::string frame;
        const auto begin = detail::begin_frame(frame);
        frame += R"({"code":)" + std::to_string(static_cast<int>(code)) + R"(,"flag":)" + (oneway ? "2" : "0") +
                 R"(,"language":"JAVA","opaque":7,"version":513,"extFields":{)" + text + "}}";
        detail::end_frame(frame, begin, protocol::header_encoding::json, body);
        return frame;
    }

    fuzz_input& input_;
    std::size_t deeds_ = 0;
};

} // namespace rocketpush::test

#endif

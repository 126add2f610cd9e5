#ifndef ROCKETPUSH_PROTOCOL_MESSAGE_DECODER_HPP
#define ROCKETPUSH_PROTOCOL_MESSAGE_DECODER_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/sys_flags.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/byte_order.hpp>
#include <rocketpush/detail/message_layout.hpp>
#include <rocketpush/protocol/compression.hpp>
#include <rocketpush/protocol/crc32.hpp>
#include <rocketpush/protocol/message_batch.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace rocketpush::protocol {

using detail::byte_arena;
using detail::message_fields;
using detail::message_origin;

struct decode_options {
    bool check_crc            = true; ///< Java leaves it off unless asked; here a broken body never reaches a listener.
    bool decompress           = true; ///< Off: bodies stay as stored, and compressed inner batches stay whole.
    std::size_t max_body_size = 32u * 1024 * 1024; ///< Bytes, of one inflated body.
    /// Bytes of inflated bodies, and of what is kept of inner messages, after which no further message of an answer is read: a
    /// kilobyte may inflate to `max_body_size`, and an answer has thousands of them.
    std::size_t enough_inflated = 64u * 1024 * 1024;
};

/**
 * @brief Is told of what cannot be delivered: `on_bad(code, record, queue_offset)`.
 *
 * `record` is the stored message, or the rest of the body when not even its size can be true (the last call then).
 * `queue_offset` is -1 when it cannot be known. Of an inner batch that is damaged, `record` is the whole batch and
 * `queue_offset` that of the first message lost.
 */
template <class F>
concept bad_record_handler = std::invocable<F&, std::error_code, std::string_view, std::int64_t>;

/**
 * @brief Finds the messages in the body of a PULL, POP, QUERY or VIEW answer.
 *
 * Nothing is copied and, in steady state, nothing allocated: what is found points into the body, inflated bodies
 * lie in the arena. A record that is bad does not harm its neighbours, for each names its own size. (Java ends at
 * the first bad one, and the rest of the answer is lost.)
 *
 * Codes that `on_bad` may get:
 *  - `error::message_malformed`       lengths contradict each other, or no message can have the offset;
 *  - `error::message_magic_unknown`   neither version 1 nor 2;
 *  - `error::message_crc_mismatch`    the stored body is not what the producer's broker received;
 *  - `error::compression_left_out`, `error::decompression_failed`, `error::decompressed_too_large`.
 *
 * @par Thread safety  None.
 * @par Source         Java `MessageDecoder.decodes`, `PullAPIWrapper.processPullResult`.
 */
class message_decoder {
  public:
    explicit message_decoder(const decode_options& options = {}) noexcept : options_(options) {}

    /**
     * @param body    Outlives what is found, as do `origin` and `arena`.
     * @param out     Gets the messages behind those it has; in stored order, so offsets rise.
     * @param on_bad  Called as it goes, before later messages are appended.
     * @return The end of the body that was not looked at, since enough was inflated; nearly always empty.
     */
    template <bad_record_handler OnBad>
    std::string_view decode(std::string_view body, const message_origin& origin, byte_arena& arena,
                std::vector<message_fields>& out, OnBad&& on_bad) {
        const char* at        = body.data();
        const char* const end = at + body.size();
        const auto used_before = used_bytes(arena, out);
        // Messages are filled where they stay, in room that is made for several at once.
        auto* next             = out.data() + out.size();
        auto* last             = next;
        const auto forget_room = [&] { out.resize(static_cast<std::size_t>(next - out.data())); };
        const auto make_room   = [&](std::size_t count) {
            const auto have = out.size();
            out.resize(have + count);
            next = out.data() + have;
            last = out.data() + out.size();
        };
        while (at != end) {
            const std::string_view rest(at, static_cast<std::size_t>(end - at));
            const auto size = record_size(rest);
            if (size == 0) [[unlikely]] {
                forget_room();
                on_bad(make_error_code(error::message_malformed), rest, std::int64_t{-1});
                return {};
            }
            const std::string_view record(at, size);
            at += size;

            if (next == last) [[unlikely]]
                make_room(32);
            next->origin = &origin;
            // Nearly all messages are of the common form.
            const bool common  = is_common(record);
            const auto failure = common ? find_fields<1>(record, std::integral_constant<std::uint32_t, 0>(), *next)
                                        : find_any_fields(record, *next);
            if (common && failure == error{}) [[likely]] {
                ++next;
                continue;
            }
            const auto found = *next;
            forget_room();
            if (failure == error{})
                decode_special(record, found, arena, out, on_bad);
            else
                on_bad(make_error_code(failure), record, offset_of(record));
            make_room(0);
            if (used_bytes(arena, out) - used_before >= options_.enough_inflated) [[unlikely]]
                return {at, static_cast<std::size_t>(end - at)};
        }
        forget_room();
        return {};
    }

  private:
    /// What an answer takes beside its own bytes.
    static std::size_t used_bytes(const byte_arena& arena, const std::vector<message_fields>& out) noexcept {
        return arena.used_bytes() + out.size() * sizeof(message_fields);
    }

    /// The size that the first record names, or 0 when it cannot be true. Smaller than a message may be, though.
    static std::size_t record_size(std::string_view body) noexcept {
        if (body.size() < 8)
            return 0;
        const std::size_t size = detail::load_big<std::uint32_t>(body.data());
        return size < 8 || size > body.size() ? 0 : size;
    }

    static bool has_magic(std::string_view record, std::uint32_t magic) noexcept {
        return detail::load_big<std::uint32_t>(record.data() + detail::message_layout::magic) == magic;
    }
    static std::uint32_t flags_of(std::string_view record) noexcept {
        return detail::load_big<std::uint32_t>(record.data() + detail::message_layout::sys_flag);
    }

    /// Version 1, IPv4 hosts, one message as it was sent.
    static bool is_common(std::string_view record) noexcept {
        namespace layout       = detail::message_layout;
        constexpr auto special = sys_flags::compressed | sys_flags::needs_unwrap | sys_flags::inner_batch |
                                 sys_flags::born_host_v6 | sys_flags::store_host_v6;
        return record.size() >= layout::smallest && has_magic(record, layout::magic_v1) &&
               (flags_of(record) & special) == 0;
    }

    /// For the handler of a bad record, which wants to know where in the queue it is.
    static std::int64_t offset_of(std::string_view record) noexcept {
        namespace layout = detail::message_layout;
        if (record.size() < layout::smallest ||
            !(has_magic(record, layout::magic_v1) || has_magic(record, layout::magic_v2)))
            return -1;
        const auto offset = detail::load_big<std::int64_t>(record.data() + layout::queue_offset);
        return offset < 0 ? -1 : offset;
    }

    /// Any form that there is. `error{}` when all is well.
    [[gnu::noinline]] error find_any_fields(std::string_view record, message_fields& found) const noexcept {
        namespace layout = detail::message_layout;
        const bool v1    = has_magic(record, layout::magic_v1);
        if (!v1 && !has_magic(record, layout::magic_v2))
            return error::message_magic_unknown;
        if (record.size() < layout::smallest)
            return error::message_malformed;
        const auto flags = flags_of(record);
        return v1 ? find_fields<1>(record, flags, found) : find_fields<2>(record, flags, found);
    }

    /**
     * One pass over the lengths; everything else is read when somebody asks.
     * @tparam TopicLength  Bytes of the topic's length.
     * @param record        At least `layout::smallest` bytes.
     * @param host_flags    The sysFlag, or any that says the same of the hosts: a constant makes the places constants.
     */
    template <std::size_t TopicLength, class HostFlags>
    [[gnu::always_inline]] error find_fields(std::string_view record, HostFlags host_flags,
                                             message_fields& found) const noexcept {
        namespace layout   = detail::message_layout;
        const char* start  = record.data();
        const auto body_at = layout::body(host_flags);
        // Later versions may append fields, so what is left over at the end is no error.
        const auto fixed = body_at + TopicLength + 2;
        if (record.size() < fixed) [[unlikely]]
            return error::message_malformed;
        // Places in the record; each is looked at before something is read there, and none overflows 64 bits.
        const std::size_t size      = record.size();
        const std::size_t body_size = detail::load_big<std::uint32_t>(start + body_at - 4);
        const auto topic_at         = body_at + body_size + TopicLength;
        if (topic_at + 2 > size) [[unlikely]]
            return error::message_malformed;

        using topic_length           = std::conditional_t<TopicLength == 1, std::uint8_t, std::uint16_t>;
        const std::size_t topic_size = detail::load_big<topic_length>(start + topic_at - TopicLength);
        const auto properties_at     = topic_at + topic_size + 2;
        if (properties_at > size) [[unlikely]]
            return error::message_malformed;

        const std::size_t properties_size = detail::load_big<std::uint16_t>(start + properties_at - 2);
        if (properties_at + properties_size > size || properties_size > 32767) [[unlikely]]
            return error::message_malformed;

        found.record          = start;
        found.body            = start + body_at;
        found.properties      = start + properties_at;
        found.topic           = start + topic_at;
        found.queue_offset    = detail::load_big<std::int64_t>(start + layout::queue_offset);
        found.body_size       = static_cast<std::uint32_t>(body_size);
        found.properties_size = static_cast<std::uint16_t>(properties_size);
        found.topic_size      = static_cast<std::uint16_t>(topic_size);
        found.reconsume_times = detail::load_big<std::int32_t>(start + layout::reconsume_times(host_flags));
        found.sys_flag        = flags_of(record);
        // There is an offset behind each message's, which nobody has to think of any more.
        if (found.queue_offset < 0 || found.queue_offset == last_offset) [[unlikely]]
            return error::message_malformed;
        if (options_.check_crc &&
            body_crc({found.body, body_size}) != detail::load_big<std::uint32_t>(start + layout::body_crc)) [[unlikely]]
            return error::message_crc_mismatch;
        return error{};
    }

    /// What is not of the common form: compressed bodies, inner batches, IPv6 hosts and version 2.
    template <class OnBad>
    void decode_special(std::string_view record, message_fields found, byte_arena& arena,
                        std::vector<message_fields>& out, OnBad& on_bad) {
        if (found.sys_flag & sys_flags::compressed) {
            if (!options_.decompress) {
                out.push_back(found);
                return;
            }
            const auto inflated = decompressor_.inflate(compression_of(found.sys_flag), {found.body, found.body_size},
                                                        most_bytes(), arena);
            if (!inflated) {
                on_bad(inflated.error(), record, found.queue_offset);
                return;
            }
            found.body      = inflated->data();
            found.body_size = static_cast<std::uint32_t>(inflated->size());
            found.sys_flag &= ~sys_flags::compressed;
        }
        if (!found.is_inner()) {
            out.push_back(found);
            return;
        }
        // What is not the inner message's own is the envelope's; Java `MessageDecoder.decodeMessage`.
        auto inner            = found;
        inner.reconsume_times = 0;
        bool beyond_last      = false;
        const auto lost       = visit_batch({found.body, found.body_size}, [&](const batch_message& one) {
            inner.body            = one.body.data();
            inner.body_size       = static_cast<std::uint32_t>(one.body.size());
            inner.properties      = one.properties.data();
            inner.properties_size = static_cast<std::uint16_t>(one.properties.size());
            beyond_last           = beyond_last || inner.queue_offset == last_offset;
            if (beyond_last)
                return;
            out.push_back(inner);
            ++inner.queue_offset;
        });
        if (!lost.empty() || beyond_last || found.body_size == 0)
            on_bad(make_error_code(error::message_malformed), record, inner.queue_offset);
    }

    /// A size is kept in 32 bits.
    std::size_t most_bytes() const noexcept {
        constexpr std::size_t representable = 0x7FFFFFFF;
        return options_.max_body_size < representable ? options_.max_body_size : representable;
    }

    /// No message can have it.
    static constexpr std::int64_t last_offset = std::numeric_limits<std::int64_t>::max();

    decode_options options_;
    decompressor decompressor_;
};

/// `message_decoder::decode` for once: makes the decompression contexts anew if it needs them.
template <bad_record_handler OnBad>
std::string_view decode_messages(std::string_view body, const message_origin& origin, const decode_options& options,
                                 byte_arena& arena, std::vector<message_fields>& out, OnBad&& on_bad) {
    return message_decoder(options).decode(body, origin, arena, out, on_bad);
}

/// Finds a message that cannot be delivered as it is stored, its body unread: where it lies and which one it is. Appends nothing if
/// not even its parts can be told apart.
inline void decode_unread(std::string_view record, const message_origin& origin, byte_arena& arena,
                          std::vector<message_fields>& out) {
    const auto nothing = [](std::error_code, std::string_view, std::int64_t) {};
    message_decoder({.check_crc = false, .decompress = false}).decode(record, origin, arena, out, nothing);
}

} // namespace rocketpush::protocol

#endif

#ifndef ROCKETPUSH_PROTOCOL_JSON_DIALECT_HPP
#define ROCKETPUSH_PROTOCOL_JSON_DIALECT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <string>
#include <string_view>

namespace rocketpush::detail {

/// Copies JSON from a cursor to a string, and puts quotes around the keys that have none.
class json_standardiser {
  public:
    json_standardiser(std::string_view text, std::string& out) noexcept : cursor_(text), out_(&out) {}

    /// One value and nothing behind it.
    bool run() { return copy_value(protocol::json_cursor::max_depth) && cursor_.at_end(); }

  private:
    bool copy_value(int depth) {
        const char first = cursor_.peek();
        if (first == '{')
            return depth > 0 && copy_object(depth - 1);
        if (first == '[')
            return depth > 0 && copy_array(depth - 1);
        protocol::json_cursor::value value;
        if (!cursor_.read_value(value))
            return false;
        if (first == '"')
            append_quoted(value.raw);
        else
            out_->append(value.raw);
        return true;
    }

    bool copy_object(int depth) {
        const auto take = [this](char expected) { return take_and_copy(expected); };
        if (!take('{'))
            return false;
        if (take('}'))
            return true;
        do {
            if (!copy_key(depth) || !take(':') || !copy_value(depth))
                return false;
        } while (take(','));
        return take('}');
    }

    bool copy_array(int depth) {
        if (!take_and_copy('['))
            return false;
        if (take_and_copy(']'))
            return true;
        do {
            if (!copy_value(depth))
                return false;
        } while (take_and_copy(','));
        return take_and_copy(']');
    }

    bool copy_key(int depth) {
        using kind = protocol::json_cursor::kind;
        protocol::json_cursor::value key;
        // An object as a key becomes a string that holds its text; its reader parses that again.
        if (depth == 0 || !cursor_.read_value(key, depth))
            return false;
        if (key.type == kind::string || key.type == kind::number) {
            append_quoted(key.raw);
        } else if (key.type == kind::object) {
            out_->push_back('"');
            protocol::append_json_escaped(*out_, key.raw);
            out_->push_back('"');
        } else {
            return false;
        }
        return true;
    }

    bool take_and_copy(char expected) {
        if (!cursor_.take(expected))
            return false;
        out_->push_back(expected);
        return true;
    }

    void append_quoted(std::string_view raw) {
        out_->push_back('"');
        out_->append(raw);
        out_->push_back('"');
    }

    protocol::json_cursor cursor_;
    std::string* out_;
};

} // namespace rocketpush::detail

namespace rocketpush::protocol {

/**
 * @brief Makes standard JSON of what RocketMQ writes: `{0:"a"}` becomes `{"0":"a"}`, and `{{"queueId":1}:7}` becomes
 *        `{"{\"queueId\":1}":7}`. Standard JSON stays as it is, but for blanks.
 *
 * Name servers write integer keys without quotes unless asked not to, and before 4.9.4 always; maps keyed by a message
 * queue have an object for a key in every version.
 *
 * @retval error::body_malformed  It is neither, or is nested deeper than `json_cursor::max_depth`.
 * @par Source  fastjson's `JSON.toJSONString` over Java maps, as brokers use it.
 */
inline result<std::string> to_standard_json(std::string_view text) {
    std::string standard;
    standard.reserve(text.size() + 16);
    if (!rocketpush::detail::json_standardiser(text, standard).run())
        return error::body_malformed;
    return standard;
}

} // namespace rocketpush::protocol

#endif

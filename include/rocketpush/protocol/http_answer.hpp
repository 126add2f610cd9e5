#ifndef ROCKETPUSH_PROTOCOL_HTTP_ANSWER_HPP
#define ROCKETPUSH_PROTOCOL_HTTP_ANSWER_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush::protocol {

/// What an HTTP answer may have at most, bytes.
struct http_limits {
    std::size_t head = 8 * 1024; ///< All that is not the body: status, fields, sizes of chunks.
    std::size_t body = 8 * 1024;
};

/**
 * @brief Reads the answer to an HTTP GET as its bytes come, however they are cut. Only one of status 200 is of interest.
 *
 * Strict where a lenient reader could be made to take one answer for another: a length that is said twice, or beside chunks, or an
 * encoding that is not `chunked`, is malformed. It never holds more than the limits, whatever lengths the answer names.
 *
 * @par Source  RFC 9112; Java leaves it to `HttpURLConnection`. Differs: redirections are not followed.
 */
class http_answer {
  public:
    explicit http_answer(http_limits limits = {}) noexcept : limits_(limits) {}

    /**
     * @brief Takes in the next bytes; those behind the end are passed over.
     * @return A false code while nothing is wrong; error::http_malformed, error::http_too_large, or the status in
     *         `http_category()` if it is not 200. Nothing may be taken in afterwards.
     */
    std::error_code take(std::string_view bytes) {
        while (!bytes.empty() && at_ != part::done) {
            const bool in_body = at_ == part::body || at_ == part::chunk || at_ == part::body_until_end;
            const auto failure = in_body ? take_body(bytes) : take_line(bytes);
            if (failure)
                return failure;
        }
        return {};
    }

    /// The peer has closed, which ends a body that did not tell its length.
    /// @retval error::connection_closed  Before the answer's end.
    std::error_code end() noexcept {
        if (at_ == part::body_until_end)
            at_ = part::done;
        return at_ == part::done ? std::error_code() : make_error_code(error::connection_closed);
    }

    bool complete() const noexcept { return at_ == part::done; }
    const std::string& body() const noexcept { return body_; }

  private:
    enum class part : std::uint8_t { status, fields, body, body_until_end, chunk_size, chunk, chunk_end, trailer, done };

    std::error_code take_line(std::string_view& bytes) {
        const auto end   = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        const auto taken = piece.size() + (end != std::string_view::npos);
        if (taken > limits_.head - head_size_)
            return error::http_too_large;
        head_size_ += taken;
        line_ += piece;
        bytes.remove_prefix(taken);
        if (end == std::string_view::npos)
            return {};
        if (line_.ends_with('\r'))
            line_.pop_back();
        const auto failure = take_in(line_);
        line_.clear();
        return failure;
    }

    std::error_code take_body(std::string_view& bytes) {
        const auto room = at_ == part::body_until_end ? limits_.body - body_.size() : left_;
        if (at_ == part::body_until_end && bytes.size() > room)
            return error::http_too_large;
        const auto piece = bytes.substr(0, room);
        body_ += piece;
        bytes.remove_prefix(piece.size());
        if (at_ == part::body_until_end)
            return {};
        left_ -= piece.size();
        if (left_ == 0)
            at_ = at_ == part::chunk ? part::chunk_end : part::done;
        return {};
    }

    std::error_code take_in(std::string_view line) {
        switch (at_) {
        case part::status: return take_status(line);
        case part::fields: return line.empty() ? begin_body() : take_field(line);
        case part::chunk_size: return take_chunk_size(line);
        case part::chunk_end: at_ = part::chunk_size; return line.empty() ? std::error_code() : error::http_malformed;
        case part::trailer:
            if (line.empty())
                at_ = part::done;
            return {};
        default: return error::http_malformed; // the others are not read by lines
        }
    }

    /// `HTTP/1.1 200 OK`.
    std::error_code take_status(std::string_view line) {
        constexpr std::size_t digits = 9, end = 12;
        const auto is_digit = [&](std::size_t at) { return line[at] >= '0' && line[at] <= '9'; };
        if (!line.starts_with("HTTP/1.") || line.size() < end || !is_digit(7) || line[8] != ' ' || !is_digit(digits) ||
            !is_digit(digits + 1) || !is_digit(digits + 2) || (line.size() > end && line[end] != ' '))
            return error::http_malformed;
        const int status = (line[digits] - '0') * 100 + (line[digits + 1] - '0') * 10 + (line[digits + 2] - '0');
        interim_         = status / 100 == 1 && status != 101; // the answer itself follows; 101 would be another protocol
        if (status != 200 && !interim_)
            return {status, http_category()};
        at_ = part::fields;
        return {};
    }

    /// `Content-Length: 29`.
    std::error_code take_field(std::string_view line) {
        const auto colon = line.find(':');
        const auto name  = line.substr(0, colon);
        // A blank in the name: the line goes on with the one before, or hides a field from others. Neither is of today.
        if (colon == std::string_view::npos || name.empty() ||
            std::ranges::any_of(name, [](char c) { return c <= ' ' || c >= '\x7f'; }))
            return error::http_malformed;
        const auto value = detail::trim(line.substr(colon + 1));
        if (interim_)
            return {};
        if (is(name, "content-length")) {
            std::uint64_t length = 0;
            if (const auto failure = read_number(value, 10, length))
                return failure;
            if (length_ && *length_ != length)
                return error::http_malformed;
            length_ = length;
        } else if (is(name, "transfer-encoding")) {
            if (chunked_ || !is(value, "chunked"))
                return error::http_malformed;
            chunked_ = true;
        }
        return {};
    }

    std::error_code begin_body() {
        if (interim_) {
            at_ = part::status;
            return {};
        }
        if (chunked_ && length_)
            return error::http_malformed;
        if (length_ && *length_ > limits_.body)
            return error::http_too_large;
        left_ = static_cast<std::size_t>(length_.value_or(0));
        at_   = chunked_     ? part::chunk_size
                : !length_   ? part::body_until_end
                : left_ != 0 ? part::body
                             : part::done;
        return {};
    }

    /// `1a` or `1a;name=value`, hexadecimal.
    std::error_code take_chunk_size(std::string_view line) {
        std::uint64_t size = 0;
        if (const auto failure = read_number(detail::trim(line.substr(0, line.find(';'))), 16, size))
            return failure;
        if (size > limits_.body - body_.size())
            return error::http_too_large;
        left_ = static_cast<std::size_t>(size);
        at_   = size == 0 ? part::trailer : part::chunk;
        return {};
    }

    /// Digits and nothing else: no sign, no blanks.
    static std::error_code read_number(std::string_view text, int base, std::uint64_t& number) {
        const auto end            = text.data() + text.size();
        const auto [stop, failed] = std::from_chars(text.data(), end, number, base);
        if (failed == std::errc::result_out_of_range)
            return error::http_too_large;
        return failed == std::errc() && stop == end ? std::error_code() : error::http_malformed;
    }

    /// @param lower  In lower case.
    static bool is(std::string_view text, std::string_view lower) noexcept {
        return std::ranges::equal(text, lower,
                                  [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
    }

    http_limits limits_;
    part at_               = part::status;
    bool interim_          = false; ///< `100 Continue` and the like: no answer yet.
    bool chunked_          = false;
    std::size_t head_size_ = 0;
    std::size_t left_      = 0; ///< Of the body or the chunk.
    std::optional<std::uint64_t> length_;
    std::string line_; ///< The part of a line that has come.
    std::string body_;
};

} // namespace rocketpush::protocol

#endif

#ifndef ROCKETCAT_JSON_LINES_HPP
#define ROCKETCAT_JSON_LINES_HPP

#include <rocketpush/core/message.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

namespace rocketcat {

bool is_utf8(std::string_view text) noexcept;

void append_base64(std::string& out, std::string_view bytes);

/// Appends a JSON string with its quotes. A byte that is not part of UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// A message body as a JSON string: the text, or `base64:` and base64 where it is no UTF-8.
void append_json_body(std::string& out, std::string_view body);

/// The line of one message, line end included. `thread` tells apart the threads of the listener.
void append_message_line(std::string& out, const rocketpush::message_view& message, std::string_view thread);

/**
 * @brief Standard output, by whole lines that are written at once.
 * @par Thread safety  All from any thread; lines do not mix.
 */
class line_output {
  public:
    /// Writes `lines` through to the file. @return False when the reader is gone; then it stays false.
    bool write(std::string_view lines) noexcept;
    bool is_lost() const noexcept { return lost_.load(); }

  private:
    std::mutex mutex_;
    std::atomic<bool> lost_{false};
};

} // namespace rocketcat

#endif

#ifndef ROCKETCAT_TERMINAL_HPP
#define ROCKETCAT_TERMINAL_HPP

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace rocketcat {

inline bool is_terminal(std::FILE* file) noexcept { return ::isatty(::fileno(file)) == 1; }

/// Characters of a line; 80 where the terminal does not say.
inline std::size_t terminal_width(std::FILE* terminal) noexcept {
    winsize size{};
    return ::ioctl(::fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// 1234567 as `1,234,567`.
inline std::string with_commas(std::uint64_t number) {
    auto digits = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    return digits;
}

/// A line to standard error; where nobody reads that any more it is lost, and nothing else happens.
template <class... Arguments>
void tell(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    const auto line = "rocketcat: " + fmt::format(text, std::forward<Arguments>(arguments)...) + '\n';
    std::fputs(line.c_str(), stderr);
}

/**
 * @brief One line of standard error that is written over itself; nothing where that is no terminal.
 *
 * The cursor is left at the line's begin, so that a log line simply replaces it.
 */
class live_line {
  public:
    bool is_on() const noexcept { return on_; }

    void show(std::string_view text) const {
        if (on_)
            std::fputs(fmt::format("\r\033[K{}\r", text.substr(0, terminal_width(stderr) - 1)).c_str(), stderr);
    }
    void clear() const {
        if (on_)
            std::fputs("\r\033[K", stderr);
    }

  private:
    bool on_ = is_terminal(stderr);
};

} // namespace rocketcat

#endif

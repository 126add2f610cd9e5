#include "text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace rocketcat {
namespace {

constexpr std::size_t least_width = 8; ///< Words are not made shorter than that.

/// Bytes at which a UTF-8 character begins.
std::size_t length(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// At most `width` characters of it; where some are left out, a tilde stands last.
std::string shortened(std::string_view text, std::size_t width) {
    if (length(text) <= width)
        return std::string(text);
    std::size_t end = 0;
    for (std::size_t kept = 0; kept + 1 < width; ++kept)
        do
            ++end;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    return std::string(text.substr(0, end)) + '~';
}

} // namespace

std::string text_table::text(std::size_t width) const {
    std::vector<std::size_t> widths;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        widths.push_back(length(columns_[at].head));
        for (const auto& row : rows_)
            widths.back() = std::max(widths.back(), length(row[at]));
    }
    std::size_t sum = 2 * (columns_.size() - 1);
    for (const auto each : widths)
        sum += each;
    for (; width != 0 && sum > width; --sum) {
        std::size_t widest = columns_.size();
        for (std::size_t at = 0; at < columns_.size(); ++at)
            if (columns_[at].side == align::left && widths[at] > least_width &&
                (widest == columns_.size() || widths[at] > widths[widest]))
                widest = at;
        if (widest == columns_.size())
            break;
        --widths[widest];
    }
    std::string lines;
    const auto add_line = [&](const auto& cell) {
        std::string line;
        for (std::size_t at = 0; at < columns_.size(); ++at) {
            const auto content = shortened(cell(at), widths[at]);
            const std::string fill(widths[at] - length(content), ' ');
            line += at == 0 ? "" : "  ";
            line += columns_[at].side == align::left ? content + fill : fill + content;
        }
        lines += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    };
    add_line([&](std::size_t at) -> std::string_view { return columns_[at].head; });
    for (const auto& row : rows_)
        add_line([&](std::size_t at) -> std::string_view { return row[at]; });
    return lines;
}

std::string brief_time(std::int64_t milliseconds) {
    const auto seconds = milliseconds / 1000;
    if (milliseconds < 1000)
        return fmt::format("{}ms", std::max<std::int64_t>(0, milliseconds));
    if (seconds < 60)
        return fmt::format("{}s", seconds);
    if (seconds < 3600)
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86'400)
        return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

} // namespace rocketcat

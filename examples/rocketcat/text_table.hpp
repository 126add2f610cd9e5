#ifndef ROCKETCAT_TEXT_TABLE_HPP
#define ROCKETCAT_TEXT_TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rocketcat {

/**
 * @brief Columns of text under their heads: words to the left, numbers to the right.
 *
 * Where a line would be wider than it may be, the longest words are shortened, at their end; numbers never are.
 */
class text_table {
  public:
    enum class align { left, right };
    struct column {
        std::string head;
        align side = align::left;
    };

    explicit text_table(std::vector<column> columns) : columns_(std::move(columns)) {}

    /// @param cells  As many as there are columns; UTF-8.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    /// Lines, each with its end. @param width  Characters of a line at most; 0: as many as it takes.
    std::string text(std::size_t width = 0) const;

  private:
    std::vector<column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// `850ms`, `12s`, `3m05s`, `2h07m`, `3d04h`.
std::string brief_time(std::int64_t milliseconds);

} // namespace rocketcat

#endif

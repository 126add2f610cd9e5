#ifndef ROCKETCAT_INSPECTION_HPP
#define ROCKETCAT_INSPECTION_HPP

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "access_flags.hpp"
#include "cluster_view.hpp"
#include "tls_flags.hpp"

namespace rocketcat {

// What `lag` and `topic` have in common.

/// The flags of both, as they were typed.
struct inspection_flags {
    std::string name_servers, name_space;
    std::string output = "table";
    double watch_s     = 0; ///< Seconds between two looks; 0: one look.
    access_flags access{};
    tls_flags tls{};
};

/// @param name_space_help  What a namespace changes.
void add_inspection_flags(CLI::App& command, inspection_flags& flags, const std::string& name_space_help);

/// @throw usage_error
cluster_access read_inspection_flags(const inspection_flags& flags);

/// Milliseconds since 1970 as a date of the local time zone; a dash for 0 or less.
std::string local_date(std::int64_t milliseconds);
std::int64_t now_in_milliseconds();

/// A line of JSON: `json_line("queue").add("topic", name).add("lag", 7).text()`.
class json_line {
  public:
    explicit json_line(std::string_view event);
    json_line& add(std::string_view name, std::string_view text);
    json_line& add(std::string_view name, std::int64_t value);
    json_line& add_null(std::string_view name);
    std::string text() const;

  private:
    std::string text_;
};

/// Tells of brokers that did not answer, each once.
class problem_lines {
  public:
    void tell(const std::vector<std::string>& problems);

  private:
    std::vector<std::string> told_;
};

/**
 * @brief Shows what `look()` answers, a text; again every `interval_s`, until it is interrupted, or once.
 *
 * On a terminal a look replaces the last one; elsewhere it follows. While they are repeated a look that fails is told of and the
 * next one may do better.
 *
 * @return The program's exit code. @throw What the only look throws.
 */
int show(double interval_s, const std::function<std::string()>& look);

} // namespace rocketcat

#endif

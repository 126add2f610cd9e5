#ifndef ROCKETCAT_INSPECTION_HPP
#define ROCKETCAT_INSPECTION_HPP

#include <rocketpush/core/endpoint.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rocketcat {

// What `lag` and `topic` have in common.

/// @throw usage_error
std::vector<rocketpush::endpoint> read_name_servers(const std::string& list);

/// With its namespace, if there is one. @throw usage_error
std::string read_topic(const std::string& name_space, const std::string& topic);
std::string read_group(const std::string& name_space, const std::string& group);

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

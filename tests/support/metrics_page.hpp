#ifndef ROCKETPUSH_TESTS_SUPPORT_METRICS_PAGE_HPP
#define ROCKETPUSH_TESTS_SUPPORT_METRICS_PAGE_HPP

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rocketpush::test {

/**
 * @brief A page in Prometheus' text exposition format, read more strictly than Prometheus does: HELP and TYPE before each family's
 *        samples, a family in one piece, no series twice, counters that end in `_total`, escapes that are known, a line end last.
 */
class metrics_page {
  public:
    using labels = std::map<std::string, std::string>;
    struct sample {
        std::string name;
        labels with;
        double value = 0;
    };
    struct family {
        std::string type, help;
        std::set<std::string> label_names; ///< In any of its samples.
    };

    /// @throw std::runtime_error  The line that is wrong, and why.
    explicit metrics_page(std::string_view text) {
        if (!text.empty() && !text.ends_with('\n'))
            throw std::runtime_error("the last line has no end");
        while (!text.empty()) {
            const auto end = text.find('\n');
            line_          = text.substr(0, end);
            text.remove_prefix(end + 1);
            read_line();
        }
    }

    const std::map<std::string, family>& families() const noexcept { return families_; }
    const std::vector<sample>& samples() const noexcept { return samples_; }

    /// The value of the one sample that has all of these labels, and perhaps more; nothing: there is none, or several.
    std::optional<double> find(std::string_view name, const labels& with) const {
        std::optional<double> found;
        for (const auto& each : samples_) {
            bool fits = each.name == name;
            for (const auto& [label, value] : with) {
                const auto at = each.with.find(label);
                fits          = fits && at != each.with.end() && at->second == value;
            }
            if (fits && found)
                return std::nullopt;
            if (fits)
                found = each.value;
        }
        return found;
    }

  private:
    [[noreturn]] void refuse(const std::string& why) const {
        throw std::runtime_error(why + ": " + std::string(line_));
    }

    static bool is_name(std::string_view text) {
        const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
        if (text.empty() || !letter(text.front()))
            return false;
        for (const char c : text)
            if (!letter(c) && !(c >= '0' && c <= '9'))
                return false;
        return true;
    }

    void read_line() {
        if (line_.starts_with("# HELP "))
            return read_help(line_.substr(7));
        if (line_.starts_with("# TYPE "))
            return read_type(line_.substr(7));
        if (line_.empty() || line_.front() == '#')
            refuse("neither a sample nor HELP nor TYPE");
        read_sample();
    }

    void read_help(std::string_view rest) {
        const auto space = rest.find(' ');
        const std::string name(rest.substr(0, space));
        if (!is_name(name) || space == rest.npos || rest.size() == space + 1)
            refuse("no name or no help");
        if (!families_.emplace(name, family{{}, std::string(rest.substr(space + 1)), {}}).second)
            refuse("a family that was told of before");
        current_ = name;
    }

    void read_type(std::string_view rest) {
        const auto space = rest.find(' ');
        const std::string name(rest.substr(0, space));
        const std::string type(space == rest.npos ? "" : rest.substr(space + 1));
        if (name != current_ || !families_[name].type.empty())
            refuse("TYPE does not follow its HELP");
        if (type != "counter" && type != "gauge")
            refuse("no type that we have");
        if ((type == "counter") != name.ends_with("_total"))
            refuse("counters, and only they, end in _total");
        families_[name].type = type;
    }

    void read_sample() {
        sample read;
        auto rest      = line_;
        const auto end = rest.find_first_of("{ ");
        read.name      = rest.substr(0, end);
        if (!is_name(read.name) || end == rest.npos)
            refuse("no name");
        if (read.name != current_ || families_[current_].type.empty())
            refuse("a sample outside of its family");
        rest.remove_prefix(end);
        if (rest.front() == '{')
            read_labels(rest, read.with);
        if (rest.empty() || rest.front() != ' ')
            refuse("no blank before the value");
        const std::string number(rest.substr(1));
        char* stopped = nullptr;
        read.value    = std::strtod(number.c_str(), &stopped);
        if (number.empty() || *stopped != '\0' || number.front() == ' ')
            refuse("no number");
        if (!series_.emplace(read.name, read.with).second)
            refuse("a series twice");
        if (families_[current_].type == "counter" && read.value < 0)
            refuse("a counter below zero");
        for (const auto& [label, value] : read.with)
            families_[current_].label_names.insert(label);
        samples_.push_back(std::move(read));
    }

    void read_labels(std::string_view& rest, labels& to) {
        do {
            rest.remove_prefix(1);
            const auto equals = rest.find("=\"");
            const std::string name(rest.substr(0, equals));
            if (!is_name(name) || name.starts_with("__") || equals == rest.npos)
                refuse("no label");
            rest.remove_prefix(equals + 2);
            std::string value;
            for (; !rest.empty() && rest.front() != '"'; rest.remove_prefix(1)) {
                if (rest.front() != '\\') {
                    value += rest.front();
                    continue;
                }
                rest.remove_prefix(1);
                const char kind = rest.empty() ? ' ' : rest.front();
                if (kind != 'n' && kind != '"' && kind != '\\')
                    refuse("an escape that is none");
                value += kind == 'n' ? '\n' : kind;
            }
            if (rest.empty() || !to.emplace(name, value).second)
                refuse("no end of the label, or a label twice");
            rest.remove_prefix(1);
        } while (rest.starts_with(','));
        if (!rest.starts_with('}'))
            refuse("no end of the labels");
        rest.remove_prefix(1);
    }

    std::string_view line_;
    std::string current_;
    std::map<std::string, family> families_;
    std::vector<sample> samples_;
    std::set<std::pair<std::string, labels>> series_;
};

} // namespace rocketpush::test

#endif

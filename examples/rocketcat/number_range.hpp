#ifndef ROCKETCAT_NUMBER_RANGE_HPP
#define ROCKETCAT_NUMBER_RANGE_HPP

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <string>

namespace rocketcat {

/// A number from `least` to `most`. (Neither CLI::Range nor CLI::PositiveNumber refuses nan, which is not less or more than any.)
inline CLI::Validator number_in(double least, double most) {
    const auto check = [least, most](std::string& text) {
        double number = 0;
        if (CLI::detail::lexical_cast(text, number) && number >= least && number <= most)
            return std::string();
        return fmt::format("{} is not a number from {} to {}", text, least, most);
    };
    return {check, fmt::format("FLOAT in [{} - {}]", least, most)};
}

} // namespace rocketcat

#endif

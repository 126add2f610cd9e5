#ifndef ROCKETCAT_MESSAGE_SOURCE_HPP
#define ROCKETCAT_MESSAGE_SOURCE_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "produce.hpp"
#include "producer.hpp"

namespace rocketcat {

/// Standard input, line by line, without ever waiting longer than it is told to.
class line_reader {
  public:
    /// @return A line without its end; none when no whole one came in time, or never will (see at_end()).
    std::optional<std::string> next(std::chrono::milliseconds limit);
    bool at_end() const noexcept { return ended_ && buffer_.size() == begin_; }

  private:
    std::string buffer_;
    std::size_t begin_ = 0; ///< Of what is not yet taken.
    bool ended_        = false;
};

/// Makes the messages that `rocketcat produce` sends: their bodies from standard input or a generator, the rest from the flags.
class message_source {
  public:
    /// @throw usage_error  A flag's value makes no sense.
    explicit message_source(const produce_flags& flags);

    /// @return The next message; none when there is none yet, or none any more (see at_end()).
    std::optional<outgoing_message> next(std::chrono::milliseconds limit);
    bool at_end() const noexcept;

  private:
    std::string generated_body() const;
    std::string properties() const;

    const produce_flags& flags_;
    std::vector<std::string> tags_; ///< In turn.
    std::string fixed_properties_;
    line_reader lines_;
    std::uint64_t made_ = 0;
};

} // namespace rocketcat

#endif

#include "message_source.hpp"

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/property_names.hpp>
#include <rocketpush/protocol/properties.hpp>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

#include "exit_codes.hpp"

namespace rocketcat {

namespace names    = rocketpush::property_names;
namespace protocol = rocketpush::protocol;

namespace {

constexpr std::size_t stamp_size = 8; ///< Bytes.

/// What stands for the number of a message in `--keys`.
constexpr std::string_view number_mark = "{}";

void check_text(std::string_view flag, std::string_view text) {
    if (!protocol::valid_property_text(text))
        throw usage_error(
            fmt::format("{} \"{}\": it has at least one character, and neither \\x01 nor \\x02", flag, text));
}

} // namespace

std::optional<std::string> line_reader::next(std::chrono::milliseconds limit) {
    while (true) {
        if (const auto end = buffer_.find('\n', begin_); end != std::string::npos) {
            auto line = buffer_.substr(begin_, end - begin_);
            begin_    = end + 1;
            return line;
        }
        buffer_.erase(0, std::exchange(begin_, 0));
        if (ended_) {
            if (buffer_.empty())
                return std::nullopt;
            return std::exchange(buffer_, {}); // the last line may lack its end
        }
        pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        if (::poll(&input, 1, static_cast<int>(limit.count())) <= 0)
            return std::nullopt;
        char bytes[64 * 1024];
        const auto got = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (got > 0)
            buffer_.append(bytes, static_cast<std::size_t>(got));
        else
            ended_ = true;
    }
}

message_source::message_source(const produce_flags& flags) : flags_(flags) {
    rocketpush::detail::for_each_part(flags.tags, ",", [this](std::string_view tag) {
        check_text("--tags", tag);
        tags_.emplace_back(tag);
    });
    if (!flags.keys.empty())
        check_text("--keys", flags.keys);
    for (const auto& each : flags.properties) {
        const auto split = each.find('=');
        if (split == std::string::npos)
            throw usage_error(fmt::format("--property \"{}\": it is NAME=VALUE", each));
        check_text("--property", std::string_view(each).substr(0, split));
        check_text("--property", std::string_view(each).substr(split + 1));
        protocol::append_property(fixed_properties_, std::string_view(each).substr(0, split),
                                  std::string_view(each).substr(split + 1));
    }
    if (flags.delay_level != 0)
        protocol::append_property(fixed_properties_, names::delay_level, std::to_string(flags.delay_level));
    if (fixed_properties_.size() + flags.keys.size() + flags.tags.size() + 200 > protocol::most_property_bytes)
        throw usage_error("the properties together are longer than a message can have (32767 bytes)");
}

std::optional<outgoing_message> message_source::next(std::chrono::milliseconds limit) {
    std::optional<outgoing_message> made;
    if (flags_.count != 0) {
        if (made_ < flags_.count)
            made = {generated_body(), properties()};
    } else if (auto line = lines_.next(limit)) {
        if (flags_.stamp)
            line->insert(0, stamp_size, '\0'); // the text stays whole, behind the stamp
        made = {std::move(*line), properties()};
    }
    made_ += made ? 1 : 0;
    return made;
}

bool message_source::at_end() const noexcept { return flags_.count != 0 ? made_ == flags_.count : lines_.at_end(); }

/// `17 abcdef...`: its number, then letters up to the size. A stamp comes over the first bytes, and the number behind it.
std::string message_source::generated_body() const {
    auto body = std::string(flags_.stamp ? stamp_size : 0, '\0') + std::to_string(made_);
    if (body.size() < flags_.size)
        body += ' ';
    for (std::size_t letter = 0; body.size() < flags_.size; ++letter)
        body += static_cast<char>('a' + letter % 26);
    return body;
}

std::string message_source::properties() const {
    auto all = fixed_properties_;
    if (!tags_.empty())
        protocol::append_property(all, names::tags, tags_[made_ % tags_.size()]);
    if (!flags_.keys.empty()) {
        auto keys = flags_.keys;
        if (const auto mark = keys.find(number_mark); mark != std::string::npos)
            keys.replace(mark, number_mark.size(), std::to_string(made_));
        protocol::append_property(all, names::keys, keys);
    }
    return all;
}

} // namespace rocketcat

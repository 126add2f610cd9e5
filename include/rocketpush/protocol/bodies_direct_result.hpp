#ifndef ROCKETPUSH_PROTOCOL_BODIES_DIRECT_RESULT_HPP
#define ROCKETPUSH_PROTOCOL_BODIES_DIRECT_RESULT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/protocol/json_body.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush::protocol {

/// What a listener made of a message that an administrator had it consume. @par Source  Java `CMResult`.
enum class direct_verdict : std::uint8_t { success, later, rollback, commit, threw, returned_nothing };

/// The word for a verdict on the wire.
constexpr std::string_view to_string(direct_verdict verdict) noexcept {
    constexpr std::string_view words[] = {"CR_SUCCESS", "CR_LATER",           "CR_ROLLBACK",
                                          "CR_COMMIT",  "CR_THROW_EXCEPTION", "CR_RETURN_NULL"};
    return words[static_cast<std::size_t>(verdict)];
}

/// @par Source  Java `ConsumeMessageDirectlyResult`.
struct direct_result {
    bool in_order          = false; ///< An orderly listener.
    bool auto_commit       = true;  ///< Not of one that commits itself.
    direct_verdict verdict = direct_verdict::success;
    std::string remark{}; ///< The text of what was thrown.
    std::chrono::milliseconds spent{0};

    friend bool operator==(const direct_result&, const direct_result&) = default;
};

inline std::string encode(const direct_result& result) {
    json_writer body;
    body.open('{')
        .member("autoCommit", result.auto_commit)
        .member("consumeResult", to_string(result.verdict))
        .member("order", result.in_order);
    if (!result.remark.empty())
        body.member("remark", result.remark);
    body.member("spentTimeMills", result.spent.count()).close('}');
    return std::move(body).text();
}

/// @retval error::body_malformed  Not JSON, a member of another type, or an unknown word for the verdict.
inline result<direct_result> decode_direct_result(std::string_view text) {
    const auto body = parse_body(text);
    direct_result found;
    std::string word;
    std::int64_t spent = 0;
    if (!body || !read_json(*body, "autoCommit", found.auto_commit) || !read_json(*body, "consumeResult", word) ||
        !read_json(*body, "order", found.in_order) || !read_json(*body, "remark", found.remark) ||
        !read_json(*body, "spentTimeMills", spent))
        return error::body_malformed;
    using enum direct_verdict;
    constexpr direct_verdict all[] = {success, later, rollback, commit, threw, returned_nothing};
    const auto* verdict            = std::ranges::find(all, word, [](direct_verdict each) { return to_string(each); });
    if (verdict == std::end(all))
        return error::body_malformed;
    found.verdict = *verdict;
    found.spent   = std::chrono::milliseconds(spent);
    return found;
}

} // namespace rocketpush::protocol

#endif

#ifndef ROCKETPUSH_REMOTING_ACCESS_CONTROL_HPP
#define ROCKETPUSH_REMOTING_ACCESS_CONTROL_HPP

#include <rocketpush/core/credentials.hpp>
#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/protocol/acl_signature.hpp>
#include <rocketpush/protocol/header.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush {

/// A server's refusal of a request for lack of permission: wrong keys, none, or keys that may not do this.
struct access_denial {
    endpoint server{};
    std::string words{}; ///< The server's own.
};

/// What is to be told of it. @param subject  What was asked for: `topic orders`, `group billing`.
inline std::string describe(const access_denial& denial, std::string_view subject) {
    auto sentence = to_string(denial.server) + " denies access to ";
    sentence += subject;
    if (!denial.words.empty())
        (sentence += ": ") += denial.words;
    return sentence;
}

/**
 * @brief What the connections of a client have in common: keys to sign their requests with, and an ear for refusals.
 *
 * 5.x refuses with code 16; 4.9.x with 1 and the text of a Java exception, which means the same and is made the same here, so that
 * nobody else needs to know.
 *
 * @par Thread safety  None; used on the runtime's executor.
 * @par Source         Java `AclClientRPCHook`; `AclException`, `AuthenticationException` and `AuthorizationException` of servers.
 */
class access_control {
  public:
    explicit access_control(credentials keys = {}) : signer_(std::move(keys)) {}

    /// Null: requests are not signed.
    protocol::request_signer* signer() noexcept { return signer_.signs() ? &signer_ : nullptr; }

    /// Looks at an answer before the one who waits for it.
    void hear(const endpoint& server, protocol::header_view& answer) {
        const auto code = static_cast<response_code>(answer.code);
        if (code != response_code::no_permission && code != response_code::system_error) [[likely]]
            return;
        if (code == response_code::system_error) {
            if (answer.raw_remark.find(exception_4_9) == std::string_view::npos)
                return;
            answer.code = static_cast<std::int32_t>(response_code::no_permission);
        }
        last_ = {server, words_of(answer.remark())};
    }

    /// The refusal that came last; who handles one is called right after it was heard.
    const access_denial& last_denial() const noexcept { return last_; }

  private:
    static constexpr std::string_view exception_4_9 = "AclException";

    /// `org.apache.rocketmq.acl.common.AclException: WORDS, org.apache.rocketmq.acl.plain...` is no text for people.
    static std::string words_of(std::string_view remark) {
        if (const auto name = remark.find(exception_4_9); name != std::string_view::npos) {
            remark.remove_prefix(name + exception_4_9.size());
            remark.remove_prefix(std::min(remark.find_first_not_of(": "), remark.size()));
            remark = remark.substr(0, remark.find(", org.apache."));
        }
        return std::string(remark);
    }

    protocol::request_signer signer_;
    access_denial last_;
};

} // namespace rocketpush

#endif

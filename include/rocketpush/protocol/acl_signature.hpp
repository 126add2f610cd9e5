#ifndef ROCKETPUSH_PROTOCOL_ACL_SIGNATURE_HPP
#define ROCKETPUSH_PROTOCOL_ACL_SIGNATURE_HPP

#include <rocketpush/core/credentials.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/base64.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/detail/hmac_sha1.hpp>
#include <rocketpush/protocol/header.hpp>
#include <rocketpush/protocol/json_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

/**
 * @file
 * The signature by which a server knows who asks: Base64 of the HMAC-SHA1, with the secret key, of the values of all fields of the
 * request's header in the order of their names, and of its body. The same for the access control lists of 4.x and for the
 * authentication of 5.3 and later.
 *
 * @par Source  Java `AclClientRPCHook`, `AclUtils.combineRequestContent`, `AclSigner`.
 */
namespace rocketpush::protocol::acl_fields {

inline constexpr std::string_view access_key     = "AccessKey";
inline constexpr std::string_view security_token = "SecurityToken";
inline constexpr std::string_view signature      = "Signature";

} // namespace rocketpush::protocol::acl_fields

namespace rocketpush::detail {

inline constexpr std::size_t signature_size = base64_size(std::tuple_size_v<sha1_digest>);

/// What of a request is signed. Kept by who does so again and again: its memory stays.
class signed_content {
  public:
    /// Valid until the next call.
    std::string_view of(const protocol::header_view& header, std::string_view body) {
        fields_.clear();
        text_.clear();
        header.for_each_field([this](std::string_view name, const protocol::field_value& value) {
            if (name != protocol::acl_fields::signature)
                fields_.emplace_back(name, value);
        });
        std::ranges::sort(fields_, {}, &field::first);
        for (const auto& [name, value] : fields_) {
            if (value.encoding == protocol::header_encoding::json)
                protocol::append_json_unescaped(text_, value.raw);
            else
                text_.append(value.raw);
        }
        return text_.append(body);
    }

  private:
    using field = std::pair<std::string_view, protocol::field_value>;

    std::vector<field> fields_;
    std::string text_;
};

} // namespace rocketpush::detail

namespace rocketpush::protocol {

#if ROCKETPUSH_WITH_OPENSSL
/// The signature that a request must have; empty if OpenSSL cannot compute it. @param header  Its `Signature` does not count.
inline std::string signature_of(const header_view& header, std::string_view body, std::string_view secret_key) {
    detail::signed_content content;
    detail::sha1_digest digest;
    if (!detail::hmac_sha1(secret_key, content.of(header, body), digest))
        return {};
    return detail::to_base64({digest.data(), digest.size()});
}
#endif

/**
 * @brief Signs requests with what credentials hold at the moment. Keeps its buffers, so that a signature allocates nothing but what
 *        OpenSSL does.
 *
 * It signs what is written: whatever the fields of a request are, the signature is of what the server will read.
 *
 * @par Thread safety  None; but the credentials may be replaced meanwhile.
 */
class request_signer {
  public:
    explicit request_signer(credentials keys) : keys_(std::move(keys)) {}

    /// Whether there are keys to sign with.
    bool signs() const noexcept { return ROCKETPUSH_WITH_OPENSSL && keys_; }

    /// Adds our fields to the JSON header that ends `out`. @param body  What will come behind it.
    void sign(std::string& out, std::size_t header_at, std::string_view body) {
        follow_credentials();
        auto header = parse_header(header_encoding::json, std::string_view(out).substr(header_at));
        ROCKETPUSH_ASSERT(header && !header->raw_fields.empty(), "the header was written a moment ago, with fields");
        const auto fields_at = static_cast<std::size_t>(header->raw_fields.data() - out.data());
        const auto end       = fields_at + header->raw_fields.size() - 1; // its closing brace
        const bool first     = header->raw_fields.size() == 2;
        const auto added     = std::string_view(fields_).substr(first ? 1 : 0); // without the comma
        out.insert(end, added);
        header->raw_fields = std::string_view(out).substr(fields_at, end + added.size() + 1 - fields_at);

        detail::sha1_digest digest;
        if (now_.hmac(now_.secret_key.reveal(), content_.of(*header, body), digest))
            detail::write_base64(out.data() + end + added.size() - 1 - detail::signature_size,
                                 {digest.data(), digest.size()});
        // else the server says that it does not know us, which is what we can tell
    }

  private:
    void follow_credentials() {
        if (detail::credentials_reader::version(keys_) == version_) [[likely]]
            return;
        version_ = detail::credentials_reader::read(keys_, [this](const detail::access_keys& now) { now_ = now; });
        fields_.clear();
        append_field(acl_fields::access_key, now_.access_key);
        if (!now_.security_token.empty())
            append_field(acl_fields::security_token, now_.security_token.reveal());
        append_field(acl_fields::signature, std::string(detail::signature_size, '='));
    }

    void append_field(std::string_view name, std::string_view value) {
        fields_.append(",\"").append(name).append("\":\"");
        append_json_escaped(fields_, value);
        fields_.push_back('"');
    }

    credentials keys_;
    std::uint64_t version_ = 0; ///< Of the credentials that the rest is of.
    detail::access_keys now_;
    detail::signed_content content_;
    std::string fields_; ///< `,"AccessKey":"...",...,"Signature":"====...="`
};

} // namespace rocketpush::protocol

#endif

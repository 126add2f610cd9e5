#ifndef ROCKETPUSH_CORE_CREDENTIALS_HPP
#define ROCKETPUSH_CORE_CREDENTIALS_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/assert.hpp>
#include <rocketpush/detail/hmac_sha1.hpp>
#include <rocketpush/detail/secret_text.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace rocketpush {

namespace detail {

/// What requests are signed with. Only the access key may be shown.
struct access_keys {
    std::string access_key{};
    secret_text secret_key{};
    secret_text security_token{};  ///< Empty: none.
    hmac_function* hmac = nullptr; ///< Here, so that only a program that has credentials links OpenSSL.
};

struct credentials_reader;

} // namespace detail

/**
 * @brief The keys with which requests are signed: a handle that is cheap to copy, all copies of which mean the same keys.
 *
 * @code
 * rocketpush::credentials keys{"billing-service", read_secret()};
 * rocketpush::push_consumer consumer{{.name_servers = "10.0.0.1:9876", .group = "billing", .credentials = keys}, on_order};
 * keys.replace("billing-service", read_secret()); // later, while it runs: requests from now on are signed with these
 * @endcode
 *
 * The secret key is wiped when it is replaced, and when the last handle and consumer are gone. It cannot be printed or read back,
 * and no text of this library has it. Two handles are equal if they are copies of one, whatever the keys are.
 *
 * @par Thread safety  All from any thread, also while consumers run.
 * @par Source         Java `SessionCredentials`, `AclClientRPCHook`. Differs: Java's are those of the start for ever.
 */
class credentials {
  public:
    /// None: requests are not signed.
    credentials() = default;

    /**
     * @param access_key      The name of the account: what brokers look the secret up by. It travels with each request.
     * @param secret_key      It never travels.
     * @param security_token  Of keys that are lent for some time (STS); travels. Empty: none.
     * @throw std::system_error  error::invalid_option: a key is empty, or has control characters. The text never has a secret.
     */
    credentials(std::string_view access_key, std::string_view secret_key, std::string_view security_token = {})
        : shared_(std::make_shared<shared>(checked(access_key, secret_key, security_token))) {}

    /**
     * @brief Other keys from now on, for every consumer that has a copy of this handle. Requests under way keep the signatures they have.
     *
     * A handle without keys stays one: `*this` has some.
     * @throw std::system_error  As the constructor; the keys are the former ones then.
     */
    void replace(std::string_view access_key, std::string_view secret_key, std::string_view security_token = {}) {
        ROCKETPUSH_ASSERT(shared_, "there are keys to replace");
        auto fresh = checked(access_key, secret_key, security_token);
        const std::lock_guard lock(shared_->mutex);
        std::swap(shared_->keys, fresh);
        shared_->version.fetch_add(1, std::memory_order_release);
    }

    /// Whether there are keys at all.
    explicit operator bool() const noexcept { return shared_ != nullptr; }

    /// The access key; empty if there are no keys.
    std::string access_key() const {
        if (!shared_)
            return {};
        const std::lock_guard lock(shared_->mutex);
        return shared_->keys.access_key;
    }

    /// Whether both are copies of one handle.
    friend bool operator==(const credentials&, const credentials&) = default;

  private:
    friend struct detail::credentials_reader;

    struct shared {
        explicit shared(detail::access_keys with) : keys(std::move(with)) {}

        std::atomic<std::uint64_t> version{1};
        std::mutex mutex; ///< Guards the keys.
        detail::access_keys keys;
    };

    static detail::access_keys checked(std::string_view access_key, std::string_view secret_key,
                                       std::string_view security_token) {
        const auto refuse_if = [](bool wrong, const char* text) {
            if (wrong)
                throw std::system_error(error::invalid_option, text);
        };
        const auto has_control = [](std::string_view text) {
            return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
        };
        refuse_if(access_key.empty(), "credentials: the access key is empty");
        refuse_if(secret_key.empty(), "credentials: the secret key is empty");
        refuse_if(has_control(access_key), "credentials: the access key has a control character, a line's end perhaps");
        refuse_if(has_control(secret_key), "credentials: the secret key has a control character, a line's end perhaps");
        refuse_if(has_control(security_token),
                  "credentials: the security token has a control character, a line's end perhaps");
        detail::access_keys keys{std::string(access_key), detail::secret_text(secret_key),
                                 detail::secret_text(security_token)};
#if ROCKETPUSH_WITH_OPENSSL
        keys.hmac = &detail::hmac_sha1;
#endif
        return keys;
    }

    std::shared_ptr<shared> shared_;
};

namespace detail {

/// The way to the keys for what signs.
struct credentials_reader {
    /// Grows with each replacement; 0: there are no keys.
    static std::uint64_t version(const credentials& of) noexcept {
        return of.shared_ ? of.shared_->version.load(std::memory_order_acquire) : 0;
    }

    /// Calls `look(const access_keys&)` while nobody replaces them. @return Their version.
    template <class F>
    static std::uint64_t read(const credentials& of, F&& look) {
        const std::lock_guard lock(of.shared_->mutex);
        look(std::as_const(of.shared_->keys));
        return of.shared_->version.load(std::memory_order_relaxed);
    }
};

} // namespace detail

} // namespace rocketpush

#endif

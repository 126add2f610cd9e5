#ifndef ROCKETPUSH_TRANSPORT_TLS_CONTEXT_HPP
#define ROCKETPUSH_TRANSPORT_TLS_CONTEXT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/transport/tls_options.hpp>

#if !ROCKETPUSH_WITH_OPENSSL
#error "TLS needs OpenSSL, which this build left out (ROCKETPUSH_WITH_OPENSSL)"
#endif

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

namespace detail {

template <auto Free>
struct frees {
    template <class T>
    void operator()(T* what) const noexcept {
        Free(what);
    }
};
using bio_ptr  = std::unique_ptr<BIO, frees<&::BIO_free>>;
using x509_ptr = std::unique_ptr<X509, frees<&::X509_free>>;
using key_ptr  = std::unique_ptr<EVP_PKEY, frees<&::EVP_PKEY_free>>;
using ssl_ptr  = std::unique_ptr<SSL, frees<&::SSL_free>>;

/// tls_options, read and understood: what connections are made with.
struct tls_material {
    std::shared_ptr<SSL_CTX> context;
    std::string server_name;
    bool verify_chain               = true;
    bool verify_host                = true;
    bool has_certificate            = false;
    bool require_client_certificate = false;
};

/// Reads tls_options; at the first that is wrong it ends, with an error and a text that names the option.
class tls_loader {
  public:
    explicit tls_loader(const tls_options& from) : from_(from) {}
    tls_loader(const tls_loader&)            = delete;
    tls_loader& operator=(const tls_loader&) = delete;
    ~tls_loader() { ::ERR_clear_error(); } // the queue is the thread's, and others read it

    /// @return Null: see `failure` and `problem`.
    std::shared_ptr<const tls_material> load() {
        auto made     = std::make_shared<tls_material>();
        made->context = std::shared_ptr<SSL_CTX>(::SSL_CTX_new(::TLS_method()), ::SSL_CTX_free);
        context_      = made->context.get();
        if (!context_) {
            fail(std::make_error_code(std::errc::not_enough_memory), "TLS");
            return nullptr;
        }
        ::SSL_CTX_set_min_proto_version(context_,
                                        from_.oldest_version == tls_version::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
        ::SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
        // Nobody resumes sessions here. A ticket that a client has not read when it closes would cost it, by a reset of the
        // connection, what it has written.
        ::SSL_CTX_set_num_tickets(context_, 0);
        ::SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
        if (!trust() || !identify())
            return nullptr;
        made->server_name                = from_.server_name;
        made->verify_chain               = from_.verify_chain;
        made->verify_host                = from_.verify_host;
        made->has_certificate            = !no_certificate();
        made->require_client_certificate = from_.require_client_certificate;
        return made;
    }

    std::error_code failure;
    std::string problem; ///< Such as `TLS ca_file "ca.pem"`.

  private:
    /// More is no file of certificates.
    static constexpr std::size_t largest_file = 1024 * 1024;

    bool no_certificate() const { return from_.certificate_file.empty() && from_.certificate_pem.empty(); }
    bool no_key() const { return from_.private_key_file.empty() && from_.private_key_pem.empty(); }

    bool fail(std::error_code code, std::string text) {
        failure = code;
        problem = std::move(text);
        return false;
    }

    /// One of a pair of settings as text, with how a person calls it.
    struct pem {
        std::string name;
        std::string text;
    };

    bool read(const char* file_option, const std::string& file, const char* pem_option, const std::string& text,
              pem& into) {
        if (!file.empty() && !text.empty())
            return fail(error::invalid_option,
                        std::string("TLS: both ") + file_option + " and " + pem_option + " are set");
        if (file.empty()) {
            into = {std::string("TLS ") + pem_option, text};
            return true;
        }
        into.name = std::string("TLS ") + file_option + " \"" + file + '"';
        errno     = 0;
        std::ifstream from(file, std::ios::binary);
        std::string bytes(largest_file + 1, '\0');
        from.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        const auto size = static_cast<std::size_t>(std::max<std::streamsize>(from.gcount(), 0));
        if (from.bad() || (size == 0 && errno != 0))
            return fail(error::tls_file_unreadable, into.name + " (" + std::generic_category().message(errno) + ')');
        if (size > largest_file)
            return fail(error::tls_pem_malformed, into.name + " (larger than 1 MiB)");
        bytes.resize(size);
        into.text = std::move(bytes);
        return true;
    }

    bool read_certificates(const pem& from, std::vector<x509_ptr>& into) {
        const bio_ptr bio(::BIO_new_mem_buf(from.text.data(), static_cast<int>(from.text.size())));
        ::ERR_clear_error();
        while (X509* const one = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
            into.emplace_back(one);
        const auto last    = ::ERR_peek_last_error(); // behind the last one there is no beginning of another
        const bool the_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
        ::ERR_clear_error();
        return (the_end && !into.empty()) || fail(error::tls_pem_malformed, from.name);
    }

    bool trust() {
        pem from;
        if (!read("ca_file", from_.ca_file, "ca_pem", from_.ca_pem, from))
            return false;
        if (from_.ca_file.empty() && from_.ca_pem.empty()) {
            ::SSL_CTX_set_default_verify_paths(context_); // a system without any trusts nobody
            return true;
        }
        std::vector<x509_ptr> authorities;
        if (!read_certificates(from, authorities))
            return false;
        for (const auto& each : authorities) {
            ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context_), each.get());
            ::SSL_CTX_add_client_CA(context_, each.get()); // clients choose their certificate by it
        }
        return true;
    }

    bool identify() {
        if (no_certificate())
            return no_key() || fail(error::tls_certificate_missing, "TLS private_key_file");
        pem from;
        if (!read("certificate_file", from_.certificate_file, "certificate_pem", from_.certificate_pem, from))
            return false;
        std::vector<x509_ptr> chain;
        if (!read_certificates(from, chain))
            return false;
        if (::SSL_CTX_use_certificate(context_, chain.front().get()) != 1)
            return fail(error::tls_certificate_unfit, from.name + because());
        for (std::size_t above = 1; above < chain.size(); ++above)
            ::SSL_CTX_add1_chain_cert(context_, chain[above].get());
        return use_key(from);
    }

    bool use_key(const pem& certificate) {
        pem from = certificate;
        if (!no_key() &&
            !read("private_key_file", from_.private_key_file, "private_key_pem", from_.private_key_pem, from))
            return false;
        const bio_ptr bio(::BIO_new_mem_buf(from.text.data(), static_cast<int>(from.text.size())));
        asked_for_password_ = false;
        const key_ptr key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, &give_password, this));
        if (!key)
            return fail(asked_for_password_ ? error::tls_key_locked : error::tls_pem_malformed,
                        from.name + (no_key() ? " (private key)" : ""));
        if (::SSL_CTX_use_PrivateKey(context_, key.get()) != 1 || ::SSL_CTX_check_private_key(context_) != 1)
            return fail(error::tls_key_mismatch, from.name);
        return true;
    }

    /// OpenSSL's pem_password_cb. Without one OpenSSL would ask at the terminal.
    static int give_password(char* into, int room, int, void* self) {
        auto& here               = *static_cast<tls_loader*>(self);
        here.asked_for_password_ = true;
        const auto& password     = here.from_.private_key_password;
        if (password.empty() || password.size() > static_cast<std::size_t>(room))
            return -1;
        std::memcpy(into, password.data(), password.size());
        return static_cast<int>(password.size());
    }

    static std::string because() {
        const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
        return reason ? std::string(" (") + reason + ')' : std::string();
    }

    const tls_options& from_;
    SSL_CTX* context_        = nullptr;
    bool asked_for_password_ = false;
};

} // namespace detail

/**
 * @brief A handle on certificates and keys, shared by all its copies: transports hold one, the program keeps one to reload.
 *
 * Everything is read and checked when it is made and when it is reloaded, blocking; connections then do not touch files.
 * @code
 * rocketpush::tls_context tls({.ca_file = "/etc/rocketmq/ca.pem"});
 * rocketpush::push_consumer consumer{options, listener, rocketpush::tls_transport{tls}};
 * tls.reload(); // the files were renewed
 * @endcode
 *
 * @par Thread safety  All from any thread.
 */
class tls_context {
  public:
    /// The system's CAs, no certificate of our own.
    tls_context() : tls_context(tls_options()) {}

    /// @throws std::system_error  error::tls_file_unreadable, error::tls_pem_malformed, error::tls_key_locked,
    ///         error::tls_key_mismatch, error::tls_certificate_missing, error::invalid_option; the text names the setting.
    explicit tls_context(tls_options from) : shared_(std::make_shared<shared>()) { reload(std::move(from)); }

    /**
     * @brief Reads the same files anew. New connections take what they hold now, open ones stay as they are.
     * @throws std::system_error  As the constructor; all stays as it was then.
     */
    void reload() { reload(options()); }
    /// Changes all settings, in the same way.
    void reload(tls_options from) {
        detail::tls_loader loader(from);
        auto fresh = loader.load();
        if (!fresh)
            throw std::system_error(loader.failure, loader.problem);
        const std::lock_guard lock(shared_->mutex);
        shared_->options  = std::move(from);
        shared_->material = std::move(fresh);
    }
    /// @param failure  What would have been thrown.
    void reload(std::error_code& failure) {
        try {
            reload();
            failure = {};
        } catch (const std::system_error& refused) {
            failure = refused.code();
        }
    }

    /// For transports: what a new connection is made with.
    std::shared_ptr<const detail::tls_material> current() const {
        const std::lock_guard lock(shared_->mutex);
        return shared_->material;
    }

  private:
    struct shared {
        std::mutex mutex;
        tls_options options;
        std::shared_ptr<const detail::tls_material> material;
    };

    tls_options options() const {
        const std::lock_guard lock(shared_->mutex);
        return shared_->options;
    }

    std::shared_ptr<shared> shared_;
};

} // namespace rocketpush

#endif

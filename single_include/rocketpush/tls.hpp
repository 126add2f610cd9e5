// rocketpush 0.1.0: its connections over TLS; rocketpush.hpp lies beside it.
// Written by scripts/single-header from include/; change that, not this.
// SPDX-License-Identifier: Apache-2.0

#ifndef ROCKETPUSH_TLS_HPP
#define ROCKETPUSH_TLS_HPP

// Consuming over TLS. It stands apart because a program without TLS should not pay for compiling OpenSSL's headers.

// clang-format off: in one file, the transport's text follows the consumer's.
#include <rocketpush/rocketpush.hpp>
// rocketpush/transport/tls_transport.hpp
#ifndef ROCKETPUSH_TRANSPORT_TLS_TRANSPORT_HPP
#define ROCKETPUSH_TRANSPORT_TLS_TRANSPORT_HPP

// rocketpush/transport/tls_context.hpp
#ifndef ROCKETPUSH_TRANSPORT_TLS_CONTEXT_HPP
#define ROCKETPUSH_TRANSPORT_TLS_CONTEXT_HPP

// rocketpush/transport/tls_options.hpp
#ifndef ROCKETPUSH_TRANSPORT_TLS_OPTIONS_HPP
#define ROCKETPUSH_TRANSPORT_TLS_OPTIONS_HPP

#include <string>

namespace rocketpush {

enum class tls_version { tls_1_2, tls_1_3 };

/**
 * @brief Who is trusted and who we are, for a tls_context. As it is, it checks everything against the system's CAs.
 *
 * Certificates and keys are PEM, in a file or as text: of two such settings one may be given.
 *
 * @par Source  Java's `tls.properties` (`tls.client.trustCertPath`, `tls.client.certPath`, `tls.client.keyPath`,
 *              `tls.client.keyPassword`). Differs: Java trusts everybody by default (`tls.client.authServer=false`) and never
 *              looks at the host.
 */
struct tls_options {
    // Whom we trust.
    std::string ca_file{};     ///< CA certificates; these alone are trusted then. Neither: the system's.
    std::string ca_pem{};      ///< The same as text.
    bool verify_chain = true;  ///< False: a certificate of anybody will do.
    bool verify_host  = true;  ///< False: a certificate of any host will do.
    std::string server_name{}; ///< The name or IP address to check and to ask for, if not that of the address.
    tls_version oldest_version = tls_version::tls_1_2;

    // Who we are, for servers that ask; as a server, for everybody.
    std::string certificate_file{};     ///< Our certificate, then those between it and its CA.
    std::string certificate_pem{};      ///< The same as text.
    std::string private_key_file{};     ///< Neither: it is where the certificate is.
    std::string private_key_pem{};      ///< The same as text.
    std::string private_key_password{}; ///< Of an encrypted key.

    // As a server.
    bool require_client_certificate = false; ///< Of one of the CAs above.
};

} // namespace rocketpush

#endif

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
// rocketpush/transport/tls_handshake.hpp
#ifndef ROCKETPUSH_TRANSPORT_TLS_HANDSHAKE_HPP
#define ROCKETPUSH_TRANSPORT_TLS_HANDSHAKE_HPP


#include <asio/ip/address.hpp>
#include <asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <string>
#include <system_error>

/// How a connection begins in TLS, and what its failures mean.
namespace rocketpush::detail {

/// What a client learns in its handshake that OpenSSL does not keep.
struct tls_encounter {
    bool certificate_asked = false; ///< The server wants to know who we are.
    bool certificate_ours  = false; ///< And we have something to show.
};

/// OpenSSL's verify callback where the chain does not count: all is well but a wrong host.
inline int forgive_the_chain(int well, X509_STORE_CTX* store) noexcept {
    const auto found = ::X509_STORE_CTX_get_error(store);
    return well || (found != X509_V_ERR_HOSTNAME_MISMATCH && found != X509_V_ERR_IP_ADDRESS_MISMATCH) ? 1 : 0;
}

/// Has `ssl` check that the certificate is `host`'s, a name's or an address's, and ask for a name (SNI).
inline void expect_host(SSL* ssl, const std::string& host, bool check) {
    std::error_code not_numeric;
    const auto address = asio::ip::make_address(host.substr(0, host.find('%')), not_numeric);
    if (not_numeric)
        SSL_set_tlsext_host_name(ssl, host.c_str());
    if (!check)
        return;
    auto* const param = ::SSL_get0_param(ssl);
    // As browsers do: the common name counts no more, a wildcard stands for one whole label.
    ::X509_VERIFY_PARAM_set_hostflags(param,
                                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (not_numeric)
        ::X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
    else
        ::X509_VERIFY_PARAM_set1_ip_asc(param, address.to_string().c_str());
}

/// @param encounter  Lives as long as what is made. @return Null: there is no memory.
inline ssl_ptr make_tls_client(const tls_material& with, const std::string& host, tls_encounter& encounter) {
    ssl_ptr made(::SSL_new(with.context.get()));
    if (!made)
        return made;
    expect_host(made.get(), with.server_name.empty() ? host : with.server_name, with.verify_host);
    ::SSL_set_verify(made.get(), with.verify_chain || with.verify_host ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     with.verify_chain ? nullptr : &forgive_the_chain);
    encounter = {false, with.has_certificate};
    ::SSL_set_cert_cb(
        made.get(),
        [](SSL*, void* here) {
            static_cast<tls_encounter*>(here)->certificate_asked = true;
            return 1;
        },
        &encounter);
    return made;
}

/// @return Null: there is no memory.
inline ssl_ptr make_tls_server(const tls_material& with) {
    ssl_ptr made(::SSL_new(with.context.get()));
    if (made)
        ::SSL_set_verify(made.get(),
                         with.require_client_certificate ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                                         : SSL_VERIFY_NONE,
                         nullptr);
    return made;
}

/// The error for what OpenSSL found wrong with a server's certificate.
inline error certificate_failure(long verify_result) noexcept {
    switch (verify_result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return error::tls_wrong_host;
    case X509_V_ERR_CERT_HAS_EXPIRED: return error::tls_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return error::tls_not_yet_valid;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED: return error::tls_untrusted;
    default: return error::tls_certificate_unfit;
    }
}

inline bool is_openssl_failure(std::error_code code) noexcept {
    return code && code.category() == asio::error::get_ssl_category();
}

/// Whether the peer itself said what it does not like.
inline bool is_tls_alert(std::error_code code) noexcept {
    if (!is_openssl_failure(code))
        return false;
    const auto packed = static_cast<unsigned long>(static_cast<unsigned>(code.value()));
    const auto alert  = ERR_GET_REASON(packed) - SSL_AD_REASON_OFFSET;
    return ERR_GET_LIB(packed) == ERR_LIB_SSL && alert >= 0 && alert < 256;
}

/**
 * @brief What a failure of a read or a write means.
 *
 * A connection that ends without TLS's own goodbye has ended: a frame knows its length, so nobody can cut one short unseen. And
 * it is only here that a client of TLS 1.3 hears that its certificate was refused.
 */
inline std::error_code tls_failure(std::error_code code, const tls_encounter& encounter) noexcept {
    if (code == asio::ssl::error::stream_truncated)
        return asio::error::eof;
    if (is_tls_alert(code) && encounter.certificate_asked)
        return encounter.certificate_ours ? error::tls_client_certificate_refused
                                          : error::tls_client_certificate_missing;
    return code;
}

/// What a failure of a client's handshake means.
inline std::error_code tls_handshake_failure(std::error_code code, const SSL* ssl,
                                             const tls_encounter& encounter) noexcept {
    const auto verdict = ::SSL_get_verify_result(ssl);
    const bool judged  = (::SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 && verdict != X509_V_OK;
    // OpenSSL's own failure; its code need not be the one of verification, but that of what was wrong below.
    if (judged && is_openssl_failure(code) && !is_tls_alert(code))
        return certificate_failure(verdict);
    const bool heard_nothing = ::SSL_get_state(ssl) == TLS_ST_CW_CLNT_HELLO; // of TLS, that is
    const bool ended         = code == asio::ssl::error::stream_truncated || code == asio::error::eof ||
                       code == asio::error::connection_reset || code == asio::error::broken_pipe;
    if (heard_nothing && (ended || (is_openssl_failure(code) && !is_tls_alert(code))))
        return error::tls_not_spoken;
    return tls_failure(code, encounter);
}

} // namespace rocketpush::detail

#endif

#include <asio/buffer.hpp>
#include <asio/ssl/stream.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace rocketpush {

namespace detail {

/// A stream as asio::ssl wants one below it.
template <class Inner>
class tls_wire {
  public:
    using executor_type     = typename Inner::executor_type;
    using lowest_layer_type = tls_wire;

    explicit tls_wire(Inner inner) : stream(std::move(inner)) {}

    executor_type get_executor() { return stream.get_executor(); }
    lowest_layer_type& lowest_layer() noexcept { return *this; }
    const lowest_layer_type& lowest_layer() const noexcept { return *this; }

    /// Of no bytes: asio::ssl's way to finish later what it has done already. Not on a closed stream, whatever was decrypted.
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (asio::buffer_size(buffers) != 0)
            return stream.async_read_some(buffers, std::forward<Handler>(handler));
        const auto where = asio::get_associated_executor(handler, stream.get_executor());
        asio::post(where, [handler = std::forward<Handler>(handler), closed = closed]() mutable {
            const std::error_code failure = closed ? std::error_code(asio::error::bad_descriptor) : std::error_code();
            std::move(handler)(failure, std::size_t(0));
        });
    }

    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        stream.async_write_some(buffers, std::forward<Handler>(handler));
    }

    Inner stream;
    bool closed = false;
};

/// What a TLS stream and its operations share, so that either may go first.
template <class Inner>
class tls_session : public std::enable_shared_from_this<tls_session<Inner>> {
  public:
    explicit tls_session(Inner inner) : wire(std::move(inner)), greeted(wire.get_executor()) {}

    /// @return Whether there was memory for it.
    bool begin(ssl_ptr made) {
        if (made)
            engine.emplace(wire, made.release());
        return engine.has_value();
    }

    /// Does a server's handshake; reads and writes wait for it, who accepts the next client does not.
    void serve(const tls_material& with) {
        if (!begin(make_tls_server(with)))
            return close();
        greeting = true;
        engine->async_handshake(asio::ssl::stream_base::server,
                                [self = this->shared_from_this()](std::error_code failure) {
                                    if (failure)
                                        self->close();
                                    self->greeting = false;
                                    self->greeted.signal();
                                });
    }

    void cancel() noexcept {
        if (greeting)
            close(); // half a greeting is of no use
        else
            wire.stream.cancel();
    }
    void close() noexcept {
        wire.closed = true;
        wire.stream.close();
    }

    tls_wire<Inner> wire;
    async_event<typename Inner::executor_type> greeted;
    bool greeting = false;                                     ///< asio::ssl does nothing else meanwhile.
    tls_encounter encounter;                                   ///< OpenSSL writes to it: it outlives `engine`.
    std::optional<asio::ssl::stream<tls_wire<Inner>&>> engine; ///< Of one connection; there once it is connected below.
};

/// Reads or writes, and says what a failure means.
template <class Inner, class Buffers, bool Reads>
struct tls_transfer {
    std::shared_ptr<tls_session<Inner>> of;
    Buffers buffers;
    bool began_open = false;

    template <class Self>
    void operator()(Self& self) {
        auto& session    = *of;
        const auto bytes = buffers; // both are moved away
        began_open |= !session.wire.closed;
        if (session.greeting)
            return session.greeted.async_wait(std::move(self));
        if (!session.engine || session.wire.closed) {
            session.wire.closed = true; // or was never open
            session.wire.async_read_some(asio::mutable_buffer(), std::move(self));
        } else if constexpr (Reads) {
            session.engine->async_read_some(bytes, std::move(self));
        } else {
            session.engine->async_write_some(bytes, std::move(self));
        }
    }

    /// The greeting is over.
    template <class Self>
    void operator()(Self& self, std::error_code) {
        (*this)(self);
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure, std::size_t count) {
        if (failure && began_open && of->wire.closed)
            failure = asio::error::operation_aborted;
        else if (failure)
            failure = tls_failure(failure, of->encounter);
        self.complete(failure, count);
    }
};

/// Connects below, then greets.
template <class Transport, class Inner>
class tls_connect {
  public:
    tls_connect(std::shared_ptr<tls_session<Inner>> session, const Transport& under, const tls_context& with,
                const endpoint& where)
        : of(std::move(session)), below(under), context(with), to(where) {}

    template <class Self>
    void operator()(Self& self) {
        auto& session       = *of;
        auto transport      = below; // these move away with the operation
        const auto where    = to;
        session.wire.closed = false;
        session.greeting    = true;
        session.engine.reset();
        transport.async_connect(session.wire.stream, where, std::move(self));
    }

    template <class Self>
    void operator()(Self& self, std::error_code failure) {
        auto& session = *of;
        if (std::exchange(connected, true))
            return finish(self, failure
                                    ? tls_handshake_failure(failure, session.engine->native_handle(), session.encounter)
                                    : failure);
        if (failure || session.wire.closed)
            return finish(self, failure);
        if (!session.begin(make_tls_client(*context.current(), to.host, session.encounter)))
            return finish(self, asio::error::no_memory);
        session.engine->async_handshake(asio::ssl::stream_base::client, std::move(self));
    }

  private:
    template <class Self>
    void finish(Self& self, std::error_code failure) {
        auto& session    = *of;
        session.greeting = false;
        session.greeted.signal();
        if (session.wire.closed)
            failure = asio::error::operation_aborted;
        if (failure)
            session.close(); // so that it may be connected again
        self.complete(failure);
    }

    std::shared_ptr<tls_session<Inner>> of;
    Transport below;
    tls_context context;
    endpoint to;
    bool connected = false;
};

} // namespace detail

/**
 * @brief A TLS connection over another stream; what a TLS transport connects.
 *
 * A write that is cancelled leaves a stream of no further use. Keeps four buffers of 17 KiB each, two of Asio's and two of
 * OpenSSL's, beside the inner stream.
 *
 * @par Thread safety  On its executor only.
 */
template <class Inner>
class tls_stream {
  public:
    using executor_type = typename Inner::executor_type;

    explicit tls_stream(const executor_type& executor) : tls_stream(Inner(executor)) {}
    explicit tls_stream(Inner inner) : session_(std::make_shared<session>(std::move(inner))) {}

    tls_stream(tls_stream&&) noexcept = default;
    tls_stream& operator=(tls_stream&& other) noexcept {
        if (this != &other) {
            if (session_)
                session_->close();
            session_ = std::move(other.session_);
        }
        return *this;
    }
    ~tls_stream() {
        if (session_)
            session_->close();
    }

    executor_type get_executor() { return session_->wire.get_executor(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return begin<true>(buffers, std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return begin<false>(buffers, std::forward<Token>(token));
    }

    void cancel() noexcept { session_->cancel(); }
    void close() noexcept { session_->close(); }

    /// Empty host and port 0 when not connected.
    endpoint local_endpoint() const
        requires names_its_ends<Inner>
    {
        return session_->wire.stream.local_endpoint();
    }
    endpoint remote_endpoint() const
        requires names_its_ends<Inner>
    {
        return session_->wire.stream.remote_endpoint();
    }

    /// OpenSSL's own handle, to look at (`SSL_get_version`, `SSL_get_cipher`); null before the first connect.
    SSL* native_handle() noexcept { return session_->engine ? session_->engine->native_handle() : nullptr; }

  private:
    template <transport>
    friend class basic_tls_transport;
    template <class, class>
    friend class tls_acceptor;

    using session = detail::tls_session<Inner>;

    template <bool Reads, class Buffers, class Token>
    auto begin(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(std::error_code, std::size_t)>(
            detail::tls_transfer<Inner, Buffers, Reads>{session_, buffers}, token, session_->wire);
    }

    std::shared_ptr<session> session_; // null after a move
};

/**
 * @brief Accepts TLS connections; what a TLS transport's listen() gives.
 *
 * A stream is given as soon as it is connected below, and does its handshake by itself: a client that dawdles is in nobody's
 * way, and one that fails has ended.
 *
 * @tparam Inner, Below  Acceptor and stream of the transport below.
 * @par Thread safety    On its executor only.
 */
template <class Inner, class Below>
class tls_acceptor {
  public:
    using executor_type = typename Below::executor_type;

    tls_acceptor(Inner inner, tls_context context) : inner_(std::move(inner)), context_(std::move(context)) {}

    executor_type get_executor() { return inner_.get_executor(); }

    /// @param token  Completion signature `void(std::error_code, tls_stream<Below>)`.
    template <class Token>
    auto async_accept(Token&& token) {
        return asio::async_compose<Token, void(std::error_code, tls_stream<Below>)>(accept_operation{&inner_, context_},
                                                                                    token, inner_);
    }

    endpoint local_endpoint() const { return inner_.local_endpoint(); }
    void close() noexcept { inner_.close(); }

  private:
    struct accept_operation {
        Inner* acceptor;
        tls_context context;

        template <class Self>
        void operator()(Self& self) {
            acceptor->async_accept(std::move(self));
        }
        template <class Self>
        void operator()(Self& self, std::error_code failure, Below accepted) {
            tls_stream<Below> stream(std::move(accepted));
            if (!failure)
                stream.session_->serve(*context.current());
            self.complete(failure, std::move(stream));
        }
    };

    Inner inner_;
    tls_context context_;
};

namespace detail {

/// Nothing where one cannot listen below.
template <class Transport, class Executor>
struct tls_acceptor_over {};
template <class Transport, class Executor>
    requires requires { typename Transport::template acceptor<Executor>; }
struct tls_acceptor_over<Transport, Executor> {
    using type =
        tls_acceptor<typename Transport::template acceptor<Executor>, typename Transport::template stream<Executor>>;
};

} // namespace detail

/**
 * @brief TLS over another transport. `tls_transport` is the one over TCP.
 *
 * Chain and host are checked unless tls_options turn one of them off. The handshake is part of the connect, and so of
 * its deadline.
 *
 * @tparam Inner  What carries it: `tcp_transport`, `socks5_transport`, `memory_transport`.
 * @par Source    Java `NettyRemotingClient` with `useTLS`, `TlsHelper`; a server's frames are the same on both.
 */
template <transport Inner>
class basic_tls_transport {
  public:
    template <class Executor>
    using stream = tls_stream<typename Inner::template stream<Executor>>;
    template <class Executor>
    using acceptor = typename detail::tls_acceptor_over<Inner, Executor>::type;

    /// Trusts the system's CAs.
    basic_tls_transport()
        requires std::default_initializable<Inner>
        : basic_tls_transport(tls_context()) {}
    explicit basic_tls_transport(tls_context context)
        requires std::default_initializable<Inner>
        : basic_tls_transport(std::move(context), Inner()) {}
    basic_tls_transport(tls_context context, Inner below) : context_(std::move(context)), below_(std::move(below)) {}

    /**
     * @param token  Completion signature `void(std::error_code)`.
     * @retval error::tls_not_spoken  The server does not answer in TLS.
     * @retval error::tls_untrusted, tls_wrong_host, tls_expired, tls_not_yet_valid, tls_certificate_unfit  Its certificate.
     * @retval error::tls_client_certificate_missing, tls_client_certificate_refused  Ours; with TLS 1.3 the server says so only
     *         after the handshake, so the first read fails with it.
     */
    template <class Below, class Token>
    auto async_connect(tls_stream<Below>& connection, const endpoint& to, Token&& token) const {
        return asio::async_compose<Token, void(std::error_code)>(
            detail::tls_connect<Inner, Below>(connection.session_, below_, context_, to), token,
            connection.session_->wire);
    }

    /**
     * @return The acceptor, or why there is none: as of the transport below.
     * @retval error::tls_certificate_missing  A server has to have one.
     */
    template <class Executor>
    auto listen(const Executor& executor, const endpoint& at) const -> result<acceptor<Executor>> {
        if (!context_.current()->has_certificate)
            return error::tls_certificate_missing;
        auto opened = below_.listen(executor, at);
        if (!opened)
            return opened.error();
        return acceptor<Executor>(std::move(*opened), context_);
    }

  private:
    tls_context context_;
    Inner below_;
};

/// TLS over TCP.
using tls_transport = basic_tls_transport<tcp_transport>;

static_assert(listening_transport<tls_transport>);

} // namespace rocketpush

#endif
// clang-format on

#endif

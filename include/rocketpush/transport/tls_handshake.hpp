#ifndef ROCKETPUSH_TRANSPORT_TLS_HANDSHAKE_HPP
#define ROCKETPUSH_TRANSPORT_TLS_HANDSHAKE_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/transport/tls_context.hpp>

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

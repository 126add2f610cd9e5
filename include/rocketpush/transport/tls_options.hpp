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

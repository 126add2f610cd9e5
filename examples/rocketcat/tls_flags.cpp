#include "tls_flags.hpp"

#include <rocketpush/detail/features.hpp>

#include "exit_codes.hpp"

namespace rocketcat {
namespace {

std::optional<rocketpush::tls_options> unless_left_out(rocketpush::tls_options options) {
    if (!ROCKETPUSH_WITH_OPENSSL)
        throw usage_error("TLS: this rocketcat was built without OpenSSL");
    return options;
}

} // namespace

void add_tls_flags(CLI::App& command, tls_flags& flags) {
    auto* const on =
        command.add_flag("--tls", flags.on, "Speak TLS; certificate and host of every server are verified");
    command.add_option("--tls-ca", flags.ca, "FILE of CA certificates, PEM [the system's]")->needs(on);
    command
        .add_option("--tls-name", flags.name,
                    "Name or address that certificates have to have, where brokers are known by others")
        ->needs(on);
    command
        .add_flag("--tls-insecure", flags.insecure, "Believe every server: neither certificate nor host is verified")
        ->needs(on);
    auto* const own =
        command.add_option("--tls-cert", flags.certificate, "FILE: our own certificate, for servers that ask")
            ->needs(on);
    command.add_option("--tls-key", flags.key, "FILE: its key, if it is not in the same file")->needs(own);
}

std::optional<rocketpush::tls_options> read_tls_flags(const tls_flags& flags) {
    if (!flags.on)
        return std::nullopt;
    return unless_left_out({.ca_file          = flags.ca,
                            .verify_chain     = !flags.insecure,
                            .verify_host      = !flags.insecure,
                            .server_name      = flags.name,
                            .certificate_file = flags.certificate,
                            .private_key_file = flags.key});
}

void add_tls_server_flags(CLI::App& command, tls_server_flags& flags) {
    auto* const own =
        command.add_option("--tls-cert", flags.certificate, "FILE: speak TLS, with this certificate (PEM)");
    command.add_option("--tls-key", flags.key, "FILE: its key, if it is not in the same file")->needs(own);
    command
        .add_option("--tls-client-ca", flags.client_ca, "FILE: clients have to show a certificate of one of these CAs")
        ->needs(own);
}

std::optional<rocketpush::tls_options> read_tls_server_flags(const tls_server_flags& flags) {
    if (flags.certificate.empty())
        return std::nullopt;
    return unless_left_out({.ca_file                    = flags.client_ca,
                            .certificate_file           = flags.certificate,
                            .private_key_file           = flags.key,
                            .require_client_certificate = !flags.client_ca.empty()});
}

} // namespace rocketcat

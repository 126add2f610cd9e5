#ifndef ROCKETCAT_TLS_FLAGS_HPP
#define ROCKETCAT_TLS_FLAGS_HPP

#include <rocketpush/transport/tls_options.hpp>

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

namespace rocketcat {

/// Of a client.
struct tls_flags {
    bool on       = false;
    bool insecure = false;
    std::string ca, name, certificate, key;
};

void add_tls_flags(CLI::App& command, tls_flags& flags);

/// @return Nothing: plain TCP. @throw usage_error  This program was built without OpenSSL.
std::optional<rocketpush::tls_options> read_tls_flags(const tls_flags& flags);

/// Of a server.
struct tls_server_flags {
    std::string certificate, key, client_ca;
};

void add_tls_server_flags(CLI::App& command, tls_server_flags& flags);
std::optional<rocketpush::tls_options> read_tls_server_flags(const tls_server_flags& flags);

} // namespace rocketcat

#endif

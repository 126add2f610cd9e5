#ifndef BENCH_TLS_RUNS_HPP
#define BENCH_TLS_RUNS_HPP

#include <cstddef>
#include <string>

namespace bench {

struct tls_case {
    std::size_t messages    = 200'000;
    std::size_t body_size   = 1024; ///< Bytes.
    std::size_t connections = 500;  ///< Opened at once, to see what one of them keeps.
};

struct tls_figures {
    double cpu_us_a_message = 0; ///< Of the consumer's process, user and system.
    double seconds          = 0; ///< From the first message to the last.
    double kib_a_connection = 0; ///< Resident in the client's process.
    double cpu_us_a_connect = 0; ///< Of the client's process.
};

/// What both ends are made with: PEM.
struct tls_identity {
    std::string ca, certificate, key;
};

/// One transport: consumer, embedded broker and the connections each in a process of their own. @throw std::exception
tls_figures run_tcp(const tls_case& with, const tls_identity& who);
tls_figures run_tls(const tls_case& with, const tls_identity& who);

} // namespace bench

#endif

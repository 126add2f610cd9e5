#include <rocketpush/transport/tls_transport.hpp>

#include "bench/tls/run.hpp"

namespace bench {

tls_figures run_tls(const tls_case& with, const tls_identity& who) {
    using rocketpush::tls_context;
    using rocketpush::tls_transport;
    return run_over(with, tls_transport(tls_context({.certificate_pem = who.certificate, .private_key_pem = who.key})),
                    tls_transport(tls_context({.ca_pem = who.ca})));
}

} // namespace bench

#include <rocketpush/transport/tcp_transport.hpp>

#include "bench/tls/run.hpp"

namespace bench {

tls_figures run_tcp(const tls_case& with, const tls_identity&) {
    return run_over(with, rocketpush::tcp_transport(), rocketpush::tcp_transport());
}

} // namespace bench

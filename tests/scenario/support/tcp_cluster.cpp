#include "tests/scenario/support/tcp_cluster.hpp"

template class rocketpush::embedded::broker_server<rocketpush::tcp_transport, rocketpush::asio_runtime>;
template class rocketpush::embedded::basic_broker<rocketpush::tcp_transport, rocketpush::asio_runtime>;

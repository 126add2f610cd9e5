#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/transport/memory_transport.hpp>

#include <asio/buffer.hpp>
#include <asio/write.hpp>

#include <functional>
#include <stdexcept>
#include <vector>

#include "bench/replay/replay.hpp"

namespace bench {

namespace {

using executor_type = rocketpush::asio_runtime::executor_type;

/// One connection of a canned_broker behind the library's own pipe: reads, answers all, reads on.
class memory_session : public std::enable_shared_from_this<memory_session> {
  public:
    memory_session(rocketpush::memory_stream<executor_type> stream, canned_broker& broker)
        : stream_(std::move(stream)), session_(broker) {}

    void read() {
        stream_.async_read_some(asio::buffer(in_), [self = shared_from_this()](std::error_code ec, std::size_t count) {
            if (ec)
                return;
            self->session_.receive({self->in_.data(), count});
            self->answer();
        });
    }

  private:
    void answer() {
        const auto count = session_.give(out_.data(), out_.size());
        if (count == 0)
            return read();
        asio::async_write(stream_, asio::buffer(out_.data(), count),
                          [self = shared_from_this()](std::error_code ec, std::size_t) {
                              if (!ec)
                                  self->answer();
                          });
    }

    rocketpush::memory_stream<executor_type> stream_;
    canned_broker::session session_;
    std::vector<char> in_  = std::vector<char>(64 * 1024);
    std::vector<char> out_ = std::vector<char>(64 * 1024);
};

void accept(rocketpush::memory_acceptor<executor_type>& acceptor, canned_broker& broker) {
    acceptor.async_accept([&](std::error_code ec, rocketpush::memory_stream<executor_type> stream) {
        if (ec)
            return;
        std::make_shared<memory_session>(std::move(stream), broker)->read();
        accept(acceptor, broker);
    });
}

} // namespace

replay_outcome run_through_memory(const replay_case& which, const replay_size& size) {
    const auto broker  = std::make_shared<canned_broker>(load_of(which, size));
    const auto network = std::make_shared<rocketpush::memory_network>();
    rocketpush::memory_transport transport(network);
    rocketpush::asio_runtime runtime; // the broker is on the consumer's strand
    std::vector<rocketpush::memory_acceptor<executor_type>> acceptors;
    for (const auto where : {canned_broker::name_server, canned_broker::address}) {
        auto acceptor = transport.listen(runtime.get_executor(), *rocketpush::parse_endpoint(where));
        if (!acceptor)
            throw replay_failure("cannot listen: " + acceptor.error().message());
        acceptors.push_back(std::move(*acceptor));
    }
    for (auto& each : acceptors)
        accept(each, *broker);
    return replay(which, size, broker, on_message(), transport, rocketpush::inline_executor(), runtime);
}

} // namespace bench

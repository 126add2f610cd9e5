#ifndef BENCH_TLS_RUN_HPP
#define BENCH_TLS_RUN_HPP

#include <rocketpush/embedded/broker.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/push_consumer.hpp>

#include <asio/io_context.hpp>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "bench/scale/child_process.hpp"
#include "bench/scale/process_memory.hpp"
#include "bench/support/process_cost.hpp"
#include "bench/tls/runs.hpp"

namespace bench {

/// Runs `measure` in a process of its own, whose memory and CPU time are its own.
template <class Figures, class Measure>
Figures measured_apart(Measure measure) {
    child_process apart([&](int to) { child_process::tell(to, measure()); });
    const auto told = apart.hear<Figures>();
    if (!told)
        throw std::runtime_error("a measurement did not end well");
    return *told;
}

struct consuming_figures {
    double cpu_us, seconds;
};

/// Consumes all messages of a broker; what is counted begins with the first one.
template <class Transport>
consuming_figures consume_all(const tls_case& with, const std::string& name_server, Transport transport) {
    using clock      = std::chrono::steady_clock;
    std::size_t seen = 0;
    clock::time_point first, last;
    std::chrono::nanoseconds cpu_first{}, cpu_last{};
    std::atomic<bool> done{false};
    rocketpush::push_consumer consumer{
        rocketpush::options{.name_servers = name_server, .group = "bench-tls", .from = rocketpush::consume_from::first},
        [&](const rocketpush::message_view&) {
            if (++seen == 1) {
                first     = clock::now();
                cpu_first = cpu_time();
            } else if (seen == with.messages) {
                last     = clock::now();
                cpu_last = cpu_time();
                done     = true;
                done.notify_one();
            }
        },
        std::move(transport), rocketpush::inline_executor()};
    consumer.subscribe("bench-tls");
    consumer.start();
    done.wait(false);
    consumer.stop();
    return {std::chrono::duration<double, std::micro>(cpu_last - cpu_first).count() /
                static_cast<double>(with.messages - 1),
            std::chrono::duration<double>(last - first).count()};
}

struct connecting_figures {
    double kib, cpu_us;
};

/// Connects so often, and looks at what that keeps.
template <class Transport>
connecting_figures connect_many(const tls_case& with, const rocketpush::endpoint& to, const Transport& transport) {
    asio::io_context context;
    using stream = typename Transport::template stream<asio::io_context::executor_type>;
    std::deque<stream> all;
    const auto connect = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::error_code failure;
            all.emplace_back(context.get_executor());
            transport.async_connect(all.back(), to, [&](std::error_code ec) { failure = ec; });
            context.restart();
            context.run();
            if (failure)
                throw std::system_error(failure, "connect");
        }
    };
    connect(20); // what the first ones bring with them is not a connection's
    const auto before = process_memory_kib("VmRSS");
    const auto cpu    = cpu_time();
    connect(with.connections);
    const auto count = static_cast<double>(with.connections);
    return {static_cast<double>(process_memory_kib("VmRSS") - before) / count,
            std::chrono::duration<double, std::micro>(cpu_time() - cpu).count() / count};
}

/// The embedded broker in a process of its own.
template <class Transport>
class serving {
  public:
    serving(const tls_case& with, const Transport& transport)
        : child_([&](int to) {
              rocketpush::embedded::basic_broker<Transport> broker({.store_bytes = std::size_t{2} << 30}, transport);
              broker.create_topic("bench-tls", 4);
              const std::string body(with.body_size, 'x');
              for (std::size_t i = 0; i < with.messages; ++i)
                  broker.send("bench-tls", body);
              child_process::tell(to, broker.address().port);
              for (;;)
                  ::pause(); // our parent ends us
          }) {
        const auto told = child_.template hear<std::uint16_t>();
        if (!told)
            throw std::runtime_error("the broker did not start");
        port_ = *told;
    }

    rocketpush::endpoint address() const { return {"127.0.0.1", port_}; }

  private:
    child_process child_;
    std::uint16_t port_ = 0;
};

/// @param server, client  The transport at both ends.
template <class Transport>
tls_figures run_over(const tls_case& with, const Transport& server, const Transport& client) {
    const serving<Transport> broker(with, server);
    const auto at         = broker.address();
    const auto consuming  = measured_apart<consuming_figures>([&] { return consume_all(with, to_string(at), client); });
    const auto connecting = measured_apart<connecting_figures>([&] { return connect_many(with, at, client); });
    return {.cpu_us_a_message = consuming.cpu_us,
            .seconds          = consuming.seconds,
            .kib_a_connection = connecting.kib,
            .cpu_us_a_connect = connecting.cpu_us};
}

} // namespace bench

#endif

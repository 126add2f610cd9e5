// Consumes over TLS: certificate and host of every server are verified, and certificates may be renewed while it runs.
//
//   consume_over_tls HOST:PORT TOPIC CA_FILE [CERT_FILE KEY_FILE]   on a cluster, until Ctrl-C
//   consume_over_tls                        on a broker inside this program, with a certificate of its own; prints, in any order:
//
//       over TLS: one
//       over TLS: two

#include <rocketpush/embedded.hpp> // only for the broker inside
#include <rocketpush/rocketpush.hpp>
#include <rocketpush/tls.hpp>

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <system_error>

#include "support/example_certificate.hpp"

int main(int count, char** arguments) try {
    using inside_broker = rocketpush::embedded::basic_broker<rocketpush::tls_transport>;
    std::unique_ptr<inside_broker> inside;
    rocketpush::options options{.group = "consume_over_tls", .from = rocketpush::consume_from::first};
    rocketpush::tls_options trusted;
    std::string topic = "example";
    if (count >= 4) {
        options.name_servers = arguments[1];
        topic                = arguments[2];
        trusted.ca_file      = arguments[3];
        if (count == 6) { // for servers that want to know their clients
            trusted.certificate_file = arguments[4];
            trusted.private_key_file = arguments[5];
        }
    } else {
        const example_certificate made;
        const rocketpush::tls_context own({.certificate_pem = made.certificate, .private_key_pem = made.key});
        inside =
            std::make_unique<inside_broker>(rocketpush::embedded::broker_options{}, rocketpush::tls_transport{own});
        for (const auto* body : {"one", "two"})
            inside->send(topic, body);
        options.name_servers = inside->name_server_address();
        trusted.ca_pem       = made.certificate;
    }

    // Throws if a file is missing, or a key does not belong to its certificate. A copy is the same handle: tls.reload(), from any
    // thread, reads the files anew, and new connections take what they hold then.
    rocketpush::tls_context tls(trusted);

    std::atomic<int> left{2};
    rocketpush::push_consumer consumer{options,
                                       [&](const rocketpush::message_view& message) {
                                           fmt::print("over TLS: {}\n", message.body());
                                           if (inside && --left == 0)
                                               std::raise(SIGTERM); // the example is over
                                       },
                                       rocketpush::tls_transport{tls}};
    consumer.subscribe(topic);
    consumer.run(); // throws if the certificates of all name servers are refused
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}

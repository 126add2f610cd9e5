// Changes the keys that requests are signed with while the consumer runs, as when a vault gives out new ones: nothing is lost, and
// the consumer need not be started again. On a broker inside the program, which knows who may ask.
//
//   run:     rotate_credentials
//   prints:  "signed with key-1: apples", then the same with key-2 and pears

#include <rocketpush/embedded.hpp>
#include <rocketpush/rocketpush.hpp>

#include <cstdio>
#include <exception>
#include <semaphore>
#include <string>
#include <system_error>

namespace rp = rocketpush;

namespace {

// Where keys come from; in a service, a vault. Secrets do not stand in programs.
rp::embedded::account account_of(const std::string& name) {
    return {.access_key = name, .secret_key = "the secret of " + name, .topics = {"orders"}, .groups = {"billing"}};
}

int run() {
    const auto first = account_of("key-1"), second = account_of("key-2");
    rp::embedded::broker broker{{.accounts = {first}}};
    broker.create_topic("orders", 4);

    rp::credentials keys(first.access_key, first.secret_key); // a handle: all copies are the same keys
    std::binary_semaphore consumed{0};
    rp::push_consumer consumer{rp::options{.name_servers = broker.name_server_address(),
                                           .group        = "billing",
                                           .credentials  = keys,
                                           .from         = rp::consume_from::first},
                               [&](const rp::message_view& message) {
                                   std::printf("signed with %s: %s\n", keys.access_key().c_str(),
                                               std::string(message.body()).c_str());
                                   consumed.release();
                               }};
    consumer.subscribe("orders");
    consumer.start(); // would fail if the keys were wrong
    broker.send("orders", "apples");
    consumed.acquire();

    broker.set_accounts({first, second});               // the administrator lets both in for a while
    keys.replace(second.access_key, second.secret_key); // from any thread: requests from now on are signed with these
    broker.set_accounts({second});
    broker.send("orders", "pears");
    consumed.acquire();
    consumer.stop();
    return 0;
}

} // namespace

int main() {
    try {
        return run();
    } catch (const std::exception& problem) { // the text never has a secret
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
}

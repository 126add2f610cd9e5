// The smallest program that consumes: what the library costs a compiler. scripts/bench-footprint builds it.

#include <rocketpush/rocketpush.hpp>

#include <cstdio>

int main() {
    rocketpush::push_consumer consumer{
        rocketpush::options{.name_servers = "127.0.0.1:9876", .group = "billing"},
        [](const rocketpush::message_view& m) { std::fwrite(m.body().data(), 1, m.body().size(), stdout); }};
    consumer.subscribe("orders");
    consumer.run();
}

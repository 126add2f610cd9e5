// Runs a consumer with a file store, and a broker, over TCP, and looks which environment variables are asked for: none. That this
// program would hear of them shows the store without a folder, which asks where the user's home is.

#include <rocketpush/embedded.hpp>
#include <rocketpush/rocketpush.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

namespace {

std::mutex mutex;
bool listening = false;
std::vector<std::string>& names() {
    static std::vector<std::string> all;
    return all;
}

char* look_up(const char* name) noexcept {
    const auto size = std::strlen(name);
    for (char** each = environ; each && *each; ++each)
        if (std::strncmp(*each, name, size) == 0 && (*each)[size] == '=')
            return *each + size + 1;
    return nullptr;
}

} // namespace

// In place of the C library's: this program's code and that of its shared libraries comes here.
extern "C" char* getenv(const char* name) noexcept {
    {
        const std::lock_guard lock(mutex);
        if (listening)
            names().emplace_back(name);
    }
    return look_up(name);
}
extern "C" char* secure_getenv(const char* name) noexcept { return getenv(name); }

namespace {

namespace rp = rocketpush;

void consume_one(const std::filesystem::path& folder) {
    rp::embedded::broker broker;
    broker.create_topic("orders", 1);
    std::binary_semaphore came{0};
    rp::options options;
    options.name_servers  = broker.name_server_address();
    options.group         = "billing";
    options.client_ip     = "127.0.0.1";
    options.instance_name = "environment";
    options.from          = rp::consume_from::first;
    rp::push_consumer consumer{options, [&came](const rp::message_view&) { came.release(); },
                               rp::file_offset_store({.directory = folder.string()})};
    consumer.subscribe("orders");
    consumer.start();
    broker.send("orders", "hello");
    came.acquire();
    consumer.stop();
}

std::vector<std::string> asked_for(void (*what)(const std::filesystem::path&), const std::filesystem::path& folder) {
    {
        const std::lock_guard lock(mutex);
        names().clear();
        listening = true;
    }
    what(folder);
    const std::lock_guard lock(mutex);
    listening = false;
    return names();
}

} // namespace

int main() try {
    auto folder = std::filesystem::temp_directory_path() / ("rocketpush-environment-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    int failures = 0;
    for (const auto& name : asked_for(consume_one, folder)) {
        std::printf("the environment was asked for %s\n", name.c_str());
        ++failures;
    }
    std::filesystem::remove_all(folder);
    const auto homes = asked_for([](const std::filesystem::path&) { rp::default_offset_directory(); }, folder);
    if (homes != std::vector<std::string>{"HOME"}) {
        std::printf("the home was to be asked for, and was not heard of\n");
        ++failures;
    }
    return failures == 0 ? 0 : 1;
} catch (const std::exception& problem) {
    std::printf("%s\n", problem.what());
    return 1;
}

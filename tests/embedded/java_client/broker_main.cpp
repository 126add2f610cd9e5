// The embedded broker as a program, for clients of other kinds to talk to: broker_main [PORT [4.9.7]]
// Prints its address, then serves until standard input ends. Delay levels are a tenth of the usual ones, or less.
#include <rocketpush/embedded/broker.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <system_error>

int main(int count, char** arguments) {
    using namespace std::chrono_literals;
    namespace embedded = rocketpush::embedded;

    embedded::broker_options options;
    options.delay_levels = {100ms, 200ms, 500ms, 1s};
    if (count > 1)
        options.listen.port = static_cast<std::uint16_t>(std::atoi(arguments[1]));
    if (count > 2 && std::string_view(arguments[2]) == "4.9.7") {
        options.version  = embedded::version_4_9_7;
        options.encoding = embedded::answer_encoding::as_request;
    }
    try {
        embedded::broker broker(options);
        std::cout << broker.name_server_address() << std::endl;
        while (std::cin.get() != std::char_traits<char>::eof()) {
        }
        for (const auto& [code, requests] : broker.statistics().requests)
            std::cerr << "requests of code " << code << ": " << requests << '\n';
    } catch (const std::system_error& problem) {
        std::cerr << problem.what() << '\n';
        return 1;
    }
}

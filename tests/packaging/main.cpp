// What a user's smallest program needs of an installation: the include line, the compile settings, the libraries.
#include <rocketpush/rocketpush.hpp>

#include <cstdio>
#include <cstring>
#include <system_error>

#if !defined(ROCKETPUSH_WITH_LZ4) || !defined(ASIO_STANDALONE)
#error "the package did not bring its compile definitions"
#endif

int main() {
    const std::error_code code = rocketpush::error::no_route;
    std::printf("rocketpush %s: %s\n", ROCKETPUSH_VERSION_STRING, code.message().c_str());
    return std::strcmp(ROCKETPUSH_VERSION_STRING, EXPECTED_VERSION) == 0 ? 0 : 1;
}

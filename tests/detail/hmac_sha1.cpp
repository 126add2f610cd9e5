#include <rocketpush/detail/hmac_sha1.hpp>

#include "tests/support/catch.hpp"

#if ROCKETPUSH_WITH_OPENSSL

#include <openssl/crypto.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using rocketpush::detail::hmac_sha1;
using rocketpush::detail::sha1_digest;

/// How often OpenSSL has asked for memory; it lets itself be watched from before its first time only.
std::size_t openssl_allocations = 0;
const bool watched              = ::CRYPTO_set_mem_functions(
                         [](std::size_t size, const char*, int) {
                             ++openssl_allocations;
                             return std::malloc(size);
                         },
                         [](void* memory, std::size_t size, const char*, int) {
                             ++openssl_allocations;
                             return std::realloc(memory, size);
                         },
                         [](void* memory, const char*, int) { std::free(memory); }) == 1;

std::string hex_of_hmac(std::string_view key, std::string_view text) {
    sha1_digest digest{};
    REQUIRE(hmac_sha1(key, text, digest));
    std::string hex;
    for (const char c : digest)
        for (const int shift : {4, 0})
            hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 0xF];
    return hex;
}

TEST_CASE("the HMAC is that of RFC 2202", "[detail]") {
    CHECK(hex_of_hmac(std::string(20, '\x0b'), "Hi There") == "b617318655057264e28bc0b6fb378c8ef146be00");
    CHECK(hex_of_hmac("Jefe", "what do ya want for nothing?") == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    // Keys of more than a block.
    CHECK(hex_of_hmac(std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    CHECK(hex_of_hmac(std::string(80, '\xaa'),
                      "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data") ==
          "e8e99d0f45237d786d6bbaa7965c7808bbff1a91");
}

TEST_CASE("an HMAC asks for memory a few times, however long the text is", "[detail]") {
    REQUIRE(watched);
    sha1_digest digest{};
    REQUIRE(hmac_sha1("Jefe", "to be warm", digest));
    const auto before = openssl_allocations;
    for (int i = 0; i < 100; ++i)
        hmac_sha1("Jefe", std::string(10'000, 'x'), digest);
    CHECK(openssl_allocations - before <= 400);
}

} // namespace

#endif

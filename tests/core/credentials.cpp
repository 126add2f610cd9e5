#include <rocketpush/core/credentials.hpp>

#include <fmt/format.h>

#include <concepts>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::credentials;
using rocketpush::detail::credentials_reader;

template <class T>
concept streamed = requires(std::ostream& out, const T& value) { out << value; };

// Nothing prints them, and nothing but what signs gets at the secret.
static_assert(!streamed<credentials>);
static_assert(!fmt::is_formattable<credentials>::value);
template <class T>
concept tells_its_secret = requires(const T& keys) { keys.secret_key(); };
static_assert(!tells_its_secret<credentials>);

std::string secret_of(const credentials& keys) {
    std::string secret;
    credentials_reader::read(keys, [&](const auto& now) { secret = now.secret_key.reveal(); });
    return secret;
}

/// The text with which keys are refused; empty if they are not.
std::string refusal_of(std::string_view access_key, std::string_view secret_key, std::string_view token = {}) {
    try {
        credentials(access_key, secret_key, token);
        return {};
    } catch (const std::system_error& refused) {
        CHECK(refused.code() == rocketpush::error::invalid_option);
        return refused.what();
    }
}

TEST_CASE("credentials are a handle, and equal to its copies only", "[core]") {
    const credentials keys("billing-service", "open sesame");
    const auto copy = keys;
    CHECK(keys);
    CHECK(copy == keys);
    CHECK(copy.access_key() == "billing-service");
    CHECK_FALSE(keys == credentials("billing-service", "open sesame"));
    CHECK_FALSE(credentials());
    CHECK(credentials() == credentials());
    CHECK(credentials().access_key().empty());
}

TEST_CASE("keys that are replaced are replaced for every copy", "[core]") {
    credentials keys("billing-service", "open sesame");
    const auto copy   = keys;
    const auto before = credentials_reader::version(copy);
    CHECK(before != 0);
    CHECK(credentials_reader::version(credentials()) == 0);
    keys.replace("billing-service-2", "open barley", "lent");
    CHECK(copy == keys);
    CHECK(copy.access_key() == "billing-service-2");
    CHECK(secret_of(copy) == "open barley");
    CHECK(credentials_reader::version(copy) > before);
}

TEST_CASE("keys that cannot be right are refused, by a text that names the key but has no secret", "[core]") {
    CHECK(refusal_of("", "open sesame").find("the access key is empty") != std::string::npos);
    CHECK(refusal_of("billing-service", "").find("the secret key is empty") != std::string::npos);
    CHECK(refusal_of("billing\x01", "open sesame").find("the access key has a control character") != std::string::npos);
    for (const auto* end : {"\n", "\r", "\t", "\x7f"}) {
        const auto secret = std::string("open sesame") + end;
        CHECK(refusal_of("billing-service", secret).find("the secret key has a control character") != std::string::npos);
        CHECK(refusal_of("billing-service", secret).find("sesame") == std::string::npos);
        CHECK(refusal_of("billing-service", "s", secret).find("the security token has a control") != std::string::npos);
        CHECK(refusal_of("billing-service", "s", secret).find("sesame") == std::string::npos);
    }
    CHECK(refusal_of("ключ", "пароль").empty());
}

TEST_CASE("keys that are refused leave the former ones in place", "[core]") {
    credentials keys("billing-service", "open sesame");
    const auto before = credentials_reader::version(keys);
    CHECK_THROWS_AS(keys.replace("billing-service", ""), std::system_error);
    CHECK(secret_of(keys) == "open sesame");
    CHECK(credentials_reader::version(keys) == before);
}

} // namespace

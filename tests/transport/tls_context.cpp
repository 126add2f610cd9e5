#include <rocketpush/transport/tls_context.hpp>

#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/scratch_folder.hpp"

namespace {

using namespace rocketpush;
using test::certificate_authority;

struct refusal {
    std::error_code code;
    std::string text;
};

refusal refusal_of(tls_options options) {
    try {
        tls_context made(std::move(options));
        return {};
    } catch (const std::system_error& refused) {
        return {refused.code(), refused.what()};
    }
}

void write(const std::string& file, const std::string& text) { std::ofstream(file, std::ios::trunc) << text; }

bool names(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

TEST_CASE("a context without settings trusts the system's CAs", "[tls]") {
    const tls_context context;
    CHECK(context.current()->verify_chain);
    CHECK(context.current()->verify_host);
    CHECK_FALSE(context.current()->has_certificate);
}

TEST_CASE("settings of TLS that cannot work are refused before any connection, with the setting's name", "[tls]") {
    const certificate_authority ca;
    const auto own   = ca.issue();
    const auto other = ca.issue();
    const test::scratch_folder folder;

    SECTION("a file that is not there") {
        const auto refused = refusal_of({.ca_file = folder / "none.pem"});
        CHECK(refused.code == error::tls_file_unreadable);
        CHECK(names(refused.text, "ca_file \"" + folder / "none.pem" + "\""));
        CHECK(names(refused.text, "No such file"));
    }
    SECTION("a folder instead of a file") {
        CHECK(refusal_of({.ca_file = folder.path()}).code == error::tls_file_unreadable);
    }
    SECTION("a file that is no PEM") {
        write(folder / "ca.pem", "no certificate\n");
        const auto refused = refusal_of({.ca_file = folder / "ca.pem"});
        CHECK(refused.code == error::tls_pem_malformed);
        CHECK(names(refused.text, "ca_file"));
    }
    SECTION("an empty file") {
        write(folder / "ca.pem", "");
        CHECK(refusal_of({.ca_file = folder / "ca.pem"}).code == error::tls_pem_malformed);
    }
    SECTION("a file far too large") {
        write(folder / "ca.pem", std::string(2 * 1024 * 1024, 'x'));
        CHECK(refusal_of({.ca_file = folder / "ca.pem"}).code == error::tls_pem_malformed);
    }
    SECTION("a certificate that was cut") {
        CHECK(refusal_of({.ca_pem = ca.pem() + ca.pem().substr(0, 200)}).code == error::tls_pem_malformed);
    }
    SECTION("a file and a text for one thing") {
        const auto refused = refusal_of({.ca_file = "ca.pem", .ca_pem = ca.pem()});
        CHECK(refused.code == error::invalid_option);
        CHECK(names(refused.text, "both ca_file and ca_pem"));
    }
    SECTION("a key without its certificate") {
        CHECK(refusal_of({.private_key_pem = own.key}).code == error::tls_certificate_missing);
    }
    SECTION("a certificate without its key") {
        CHECK(refusal_of({.certificate_pem = own.certificate}).code == error::tls_pem_malformed);
    }
    SECTION("a key of another certificate") {
        CHECK(refusal_of({.certificate_pem = own.certificate, .private_key_pem = other.key}).code ==
              error::tls_key_mismatch);
    }
    SECTION("an encrypted key without its password, and with a wrong one") {
        const auto locked = certificate_authority::lock(own.key, "open sesame");
        CHECK(refusal_of({.certificate_pem = own.certificate, .private_key_pem = locked}).code ==
              error::tls_key_locked);
        const auto refused = refusal_of(
            {.certificate_pem = own.certificate, .private_key_pem = locked, .private_key_password = "open barley"});
        CHECK(refused.code == error::tls_key_locked);
        CHECK_FALSE(names(refused.text, "barley")); // secrets are in no text
        CHECK_FALSE(
            refusal_of(
                {.certificate_pem = own.certificate, .private_key_pem = locked, .private_key_password = "open sesame"})
                .code);
    }
}

TEST_CASE("certificate and key may be in one file", "[tls]") {
    const certificate_authority ca;
    const auto own = ca.issue();
    const test::scratch_folder folder;
    write(folder / "own.pem", own.certificate + ca.pem() + own.key);
    const tls_context context({.ca_pem = ca.pem(), .certificate_file = folder / "own.pem"});
    CHECK(context.current()->has_certificate);
}

TEST_CASE("a reload takes what the files hold now, and one that fails leaves everything as it was and says why",
          "[tls]") {
    const certificate_authority ca;
    const auto own = ca.issue(), renewed = ca.issue();
    const test::scratch_folder folder;
    write(folder / "own.pem", own.certificate);
    write(folder / "own.key", own.key);
    tls_context context({.certificate_file = folder / "own.pem", .private_key_file = folder / "own.key"});
    const auto copy   = context; // a transport's
    const auto before = copy.current();

    write(folder / "own.pem", renewed.certificate); // and the key is not there yet
    std::error_code failure;
    context.reload(failure);
    CHECK(failure == error::tls_key_mismatch);
    CHECK(copy.current() == before);
    try {
        context.reload();
        FAIL("a key that does not belong to its certificate");
    } catch (const std::system_error& refused) {
        CHECK(names(refused.what(), "private_key_file"));
    }

    write(folder / "own.key", renewed.key);
    context.reload(failure);
    CHECK_FALSE(failure);
    CHECK(copy.current() != before);

    context.reload({.ca_pem = ca.pem()});
    CHECK_FALSE(copy.current()->has_certificate);
}

TEST_CASE("a context is reloaded by one thread while others connect", "[tls]") {
    const certificate_authority ca;
    tls_context context({.ca_pem = ca.pem()});
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([context]() mutable {
            for (int round = 0; round < 20; ++round) {
                if (round % 5 == 0)
                    context.reload();
                const detail::ssl_ptr one(::SSL_new(context.current()->context.get()));
                if (!one)
                    std::terminate();
            }
        });
    threads.clear();
    CHECK(context.current() != nullptr);
}

} // namespace

#ifndef ROCKETPUSH_DETAIL_HMAC_SHA1_HPP
#define ROCKETPUSH_DETAIL_HMAC_SHA1_HPP

#include <rocketpush/detail/features.hpp>
#include <rocketpush/detail/secret_text.hpp>

#include <array>
#include <cstddef>
#include <string_view>

#if ROCKETPUSH_WITH_OPENSSL
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#endif

namespace rocketpush::detail {

using sha1_digest = std::array<char, 20>;

/// Computes the HMAC-SHA1 (RFC 2104) of a text. @return Whether it could: an OpenSSL that only has what some rule book allows may
/// refuse SHA-1.
using hmac_function = bool(std::string_view key, std::string_view text, sha1_digest& result);

#if ROCKETPUSH_WITH_OPENSSL

/// OpenSSL's own HMACs, all that its versions from 1.1.1 on have in common, ask for memory twenty times; this does four times.
inline bool hmac_sha1(std::string_view key, std::string_view text, sha1_digest& result) {
    struct let_go {
        void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
    };
    const std::unique_ptr<EVP_MD_CTX, let_go> context(::EVP_MD_CTX_new());
    auto* const bytes = reinterpret_cast<unsigned char*>(result.data());
    std::array<char, 64> block{}; // what SHA-1 takes at once
    bool able = context && ::EVP_DigestInit_ex(context.get(), ::EVP_sha1(), nullptr) == 1;

    const auto add = [&](std::string_view part) {
        able = able && ::EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
    };
    const auto mask_key = [&](char mask) {
        std::ranges::for_each(block, [mask](char& c) { c = static_cast<char>(c ^ mask); });
    };
    const auto finish_and_begin_anew = [&] {
        able = able && ::EVP_DigestFinal_ex(context.get(), bytes, nullptr) == 1 &&
               ::EVP_DigestInit_ex(context.get(), nullptr, nullptr) == 1; // the same digest
    };
    if (key.size() <= block.size()) {
        std::ranges::copy(key, block.begin());
    } else {
        add(key);
        finish_and_begin_anew();
        std::ranges::copy(result, block.begin());
    }
    mask_key(0x36);
    add({block.data(), block.size()});
    add(text);
    finish_and_begin_anew();
    mask_key(0x36 ^ 0x5C);
    add({block.data(), block.size()});
    add({result.data(), result.size()});
    wipe(block.data(), block.size());
    return able && ::EVP_DigestFinal_ex(context.get(), bytes, nullptr) == 1;
}

#endif

} // namespace rocketpush::detail

#endif

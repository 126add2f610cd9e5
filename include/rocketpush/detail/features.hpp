#ifndef ROCKETPUSH_DETAIL_FEATURES_HPP
#define ROCKETPUSH_DETAIL_FEATURES_HPP

/**
 * Which optional libraries this build uses. Each macro is 1 or 0; a build may set it before the first include (the
 * CMake and Meson targets do), otherwise a library is used when its header is there.
 *
 * A message that needs a compression that was left out is reported as `error::compression_left_out`; a strategy that needs OpenSSL does
 * not compile without it, and options that do are `error::unsupported_feature`. Nothing else changes.
 */
#ifndef ROCKETPUSH_WITH_LIBDEFLATE
#if __has_include(<libdeflate.h>)
#define ROCKETPUSH_WITH_LIBDEFLATE 1
#else
#define ROCKETPUSH_WITH_LIBDEFLATE 0
#endif
#endif

/// Bodies compressed by zlib. libdeflate does the work where it is there, and zlib is not linked then.
#ifndef ROCKETPUSH_WITH_ZLIB
#if ROCKETPUSH_WITH_LIBDEFLATE || __has_include(<zlib.h>)
#define ROCKETPUSH_WITH_ZLIB 1
#else
#define ROCKETPUSH_WITH_ZLIB 0
#endif
#endif

#ifndef ROCKETPUSH_WITH_LZ4
#if __has_include(<lz4frame.h>)
#define ROCKETPUSH_WITH_LZ4 1
#else
#define ROCKETPUSH_WITH_LZ4 0
#endif
#endif

#ifndef ROCKETPUSH_WITH_ZSTD
#if __has_include(<zstd.h>)
#define ROCKETPUSH_WITH_ZSTD 1
#else
#define ROCKETPUSH_WITH_ZSTD 0
#endif
#endif

/// MD5 for consistent_hash_allocation, HMAC-SHA1 for credentials, and TLS; a program without them does not link OpenSSL.
#ifndef ROCKETPUSH_WITH_OPENSSL
#if __has_include(<openssl/evp.h>)
#define ROCKETPUSH_WITH_OPENSSL 1
#else
#define ROCKETPUSH_WITH_OPENSSL 0
#endif
#endif

#endif

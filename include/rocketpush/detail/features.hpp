#ifndef ROCKETPUSH_DETAIL_FEATURES_HPP
#define ROCKETPUSH_DETAIL_FEATURES_HPP

/**
 * Which optional libraries this build uses. Each macro is 1 or 0; a build may set it before the first include (the
 * CMake and Meson targets do), otherwise a library is used when its header is there.
 *
 * A message that needs what was left out is reported as `error::compression_left_out`; nothing else changes.
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

#endif

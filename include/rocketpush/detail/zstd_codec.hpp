#ifndef ROCKETPUSH_DETAIL_ZSTD_CODEC_HPP
#define ROCKETPUSH_DETAIL_ZSTD_CODEC_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/inflate_loop.hpp>

#include <zstd.h>
#include <zstd_errors.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

namespace rocketpush::detail {

/**
 * @brief Zstandard frames.
 *
 * Inflated in one go and not streamed: the window is then the output itself, so a frame that asks for a window of
 * 128 MiB cannot have it. The content size in a frame's header is not believed, it may be absent anyway.
 */
class zstd_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (in.empty())
            return error::decompression_failed;
        if (!context_)
            context_.reset(::ZSTD_createDCtx());
        if (!context_)
            throw std::bad_alloc();
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t) -> inflate_step {
            const auto size = ::ZSTD_decompressDCtx(context_.get(), room.data(), room.size(), in.data(), in.size());
            if (!::ZSTD_isError(size))
                return {inflate_state::done, size};
            if (::ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall)
                return {inflate_state::full, 0};
            return {inflate_state::damaged, 0};
        });
    }

    static std::string compress(std::string_view in, int level) {
        std::string out(::ZSTD_compressBound(in.size()), '\0');
        const auto size = ::ZSTD_compress(out.data(), out.size(), in.data(), in.size(), level);
        if (::ZSTD_isError(size))
            throw std::bad_alloc();
        out.resize(size);
        return out;
    }

  private:
    struct deleter {
        void operator()(ZSTD_DCtx* owned) const noexcept { ::ZSTD_freeDCtx(owned); }
    };
    std::unique_ptr<ZSTD_DCtx, deleter> context_;
};

} // namespace rocketpush::detail

#endif

#ifndef ROCKETPUSH_DETAIL_ZLIB_CODEC_HPP
#define ROCKETPUSH_DETAIL_ZLIB_CODEC_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/features.hpp>
#include <rocketpush/detail/inflate_loop.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#if ROCKETPUSH_WITH_LIBDEFLATE
#include <libdeflate.h>
#else
#include <zlib.h>
#endif

/**
 * zlib streams (RFC 1950), by libdeflate where it is there: it inflates about twice as fast. What follows the end of
 * the stream is ignored, as Java's `Inflater` does; a stream cut short is damaged, where Java delivers the part.
 */
namespace rocketpush::detail {

#if ROCKETPUSH_WITH_LIBDEFLATE

class zlib_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (!context_)
            context_.reset(::libdeflate_alloc_decompressor());
        if (!context_)
            throw std::bad_alloc();
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t) -> inflate_step {
            std::size_t read = 0, written = 0;
            switch (::libdeflate_zlib_decompress_ex(context_.get(), in.data(), in.size(), room.data(), room.size(),
                                                    &read, &written)) {
            case LIBDEFLATE_SUCCESS: return {inflate_state::done, written};
            case LIBDEFLATE_INSUFFICIENT_SPACE: return {inflate_state::full, 0};
            default: return {inflate_state::damaged, 0};
            }
        });
    }

    static std::string compress(std::string_view in, int level) {
        const std::unique_ptr<libdeflate_compressor, deleter> context(::libdeflate_alloc_compressor(level));
        if (!context)
            throw std::bad_alloc();
        std::string out(::libdeflate_zlib_compress_bound(context.get(), in.size()), '\0');
        out.resize(::libdeflate_zlib_compress(context.get(), in.data(), in.size(), out.data(), out.size()));
        return out;
    }

  private:
    struct deleter {
        void operator()(libdeflate_decompressor* owned) const noexcept { ::libdeflate_free_decompressor(owned); }
        void operator()(libdeflate_compressor* owned) const noexcept { ::libdeflate_free_compressor(owned); }
    };
    std::unique_ptr<libdeflate_decompressor, deleter> context_;
};

#else

class zlib_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (in.size() > std::numeric_limits<uInt>::max())
            return error::decompression_failed;
        if (!context_) {
            std::unique_ptr<z_stream> fresh(new z_stream{});
            if (::inflateInit(fresh.get()) != Z_OK)
                throw std::bad_alloc();
            context_.reset(fresh.release());
        } else {
            ::inflateReset(context_.get());
        }
        context_->next_in  = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
        context_->avail_in = static_cast<uInt>(in.size());
        return inflate_into(arena, in.size(), limit, [&](std::span<char> room, std::size_t used) -> inflate_step {
            const auto wanted    = std::min<std::size_t>(room.size() - used, std::numeric_limits<uInt>::max());
            context_->next_out   = reinterpret_cast<Bytef*>(room.data() + used);
            context_->avail_out  = static_cast<uInt>(wanted);
            const int answer     = ::inflate(context_.get(), Z_NO_FLUSH);
            const auto available = used + wanted - context_->avail_out;
            if (answer == Z_STREAM_END)
                return {inflate_state::done, available};
            if ((answer == Z_OK || answer == Z_BUF_ERROR) && context_->avail_out == 0)
                return {inflate_state::full, available};
            return {inflate_state::damaged, 0};
        });
    }

    static std::string compress(std::string_view in, int level) {
        auto size = ::compressBound(static_cast<uLong>(in.size()));
        std::string out(size, '\0');
        if (::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(in.data()),
                        static_cast<uLong>(in.size()), level) != Z_OK)
            throw std::bad_alloc();
        out.resize(size);
        return out;
    }

  private:
    struct deleter {
        void operator()(z_stream* owned) const noexcept {
            ::inflateEnd(owned);
            delete owned;
        }
    };
    std::unique_ptr<z_stream, deleter> context_; // zlib keeps a pointer to it, so it must not move
};

#endif

} // namespace rocketpush::detail

#endif

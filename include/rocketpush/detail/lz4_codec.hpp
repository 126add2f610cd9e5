#ifndef ROCKETPUSH_DETAIL_LZ4_CODEC_HPP
#define ROCKETPUSH_DETAIL_LZ4_CODEC_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/detail/inflate_loop.hpp>

#include <lz4frame.h>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rocketpush::detail {

/// LZ4 frames (not raw blocks); several frames in a row are one body, as for Java's `LZ4FrameInputStream`.
class lz4_codec {
  public:
    result<std::string_view> inflate(std::string_view in, std::size_t limit, byte_arena& arena) {
        if (in.empty())
            return error::decompression_failed;
        // Only one that has come to the end of its frames is used again: LZ4F_resetDecompressionContext (1.9.4) leaves the size
        // that a header told, and then no frame without one can be read any more.
        auto context       = context_ ? std::move(context_) : make_context();
        std::size_t wanted = 1; // input that the codec still hopes for; 0 at the end of a frame
        const auto step    = [&](std::span<char> room, std::size_t used) -> inflate_step {
            for (;;) {
                if (wanted == 0 && in.empty())
                    return {inflate_state::done, used};
                std::size_t written = room.size() - used;
                std::size_t read    = in.size();
                wanted = ::LZ4F_decompress(context.get(), room.data() + used, &written, in.data(), &read, nullptr);
                if (::LZ4F_isError(wanted))
                    return {inflate_state::damaged, 0};
                used += written;
                in.remove_prefix(read);
                if (wanted == 0 && in.empty())
                    return {inflate_state::done, used};
                if (used == room.size())
                    return {inflate_state::full, used};
                if (read == 0 && written == 0)
                    return {inflate_state::damaged, 0};
            }
        };
        auto inflated = inflate_into(arena, in.size(), limit, step);
        if (inflated)
            context_ = std::move(context);
        return inflated;
    }

    static std::string compress(std::string_view in, int level) {
        LZ4F_preferences_t preferences{};
        preferences.compressionLevel = level;
        std::string out(::LZ4F_compressFrameBound(in.size(), &preferences), '\0');
        const auto size = ::LZ4F_compressFrame(out.data(), out.size(), in.data(), in.size(), &preferences);
        if (::LZ4F_isError(size))
            throw std::bad_alloc();
        out.resize(size);
        return out;
    }

  private:
    struct deleter {
        void operator()(LZ4F_dctx* owned) const noexcept { ::LZ4F_freeDecompressionContext(owned); }
    };
    using context_ptr = std::unique_ptr<LZ4F_dctx, deleter>;

    static context_ptr make_context() {
        LZ4F_dctx* fresh = nullptr;
        if (::LZ4F_isError(::LZ4F_createDecompressionContext(&fresh, LZ4F_VERSION)))
            throw std::bad_alloc();
        return context_ptr(fresh);
    }

    context_ptr context_;
};

} // namespace rocketpush::detail

#endif

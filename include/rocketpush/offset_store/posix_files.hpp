#ifndef ROCKETPUSH_OFFSET_STORE_POSIX_FILES_HPP
#define ROCKETPUSH_OFFSET_STORE_POSIX_FILES_HPP

#include <rocketpush/core/result.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

namespace rocketpush {

/**
 * @brief What keeping offsets in files needs of a file system. Each function blocks until it is done.
 *
 * Tests put one in its place whose disk is full, or that loses power.
 */
template <class F>
concept file_operations = std::move_constructible<F> && std::copy_constructible<F> &&
                          requires(const F& files, const std::string& path, std::string_view text) {
                              /// The whole file; `std::errc::no_such_file_or_directory` when there is none.
                              { files.read(path) } -> std::same_as<result<std::string>>;
                              /// Makes or replaces a file; when it returns, the text outlives a loss of power.
                              { files.write(path, text) } -> std::same_as<std::error_code>;
                              /// At once, and in place of what is at the new path.
                              { files.rename(path, path) } -> std::same_as<std::error_code>;
                              { files.remove(path) } -> std::same_as<std::error_code>;
                              /// A folder and those above it; none is missing afterwards.
                              { files.make_folders(path) } -> std::same_as<std::error_code>;
                              /// When it returns, what was renamed in the folder is so after a loss of power.
                              { files.sync_folder(path) } -> std::same_as<std::error_code>;
                          };

/// The system's files. @par Thread safety  All.
class posix_files {
  public:
    /// A larger file is refused: no offset file is, and it would be read into memory.
    static constexpr std::size_t max_size = 64u << 20;

    result<std::string> read(const std::string& path) const {
        const descriptor file(
            ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // of a pipe we do not wait for a writer
        struct stat about {};
        if (file.number < 0 || ::fstat(file.number, &about) != 0)
            return last_error();
        if (!S_ISREG(about.st_mode))
            return std::make_error_code(S_ISDIR(about.st_mode) ? std::errc::is_a_directory : std::errc::invalid_seek);
        std::string text;
        for (char piece[16384]; text.size() <= max_size;) {
            const auto count = ::read(file.number, piece, sizeof piece);
            if (count < 0 && errno != EINTR)
                return last_error();
            if (count == 0)
                return text;
            if (count > 0)
                text.append(piece, static_cast<std::size_t>(count));
        }
        return std::make_error_code(std::errc::file_too_large);
    }

    std::error_code write(const std::string& path, std::string_view text) const {
        descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
        if (file.number < 0)
            return last_error();
        while (!text.empty()) {
            const auto count = ::write(file.number, text.data(), text.size());
            if (count < 0 && errno != EINTR)
                return last_error();
            if (count > 0)
                text.remove_prefix(static_cast<std::size_t>(count));
        }
        if (const auto failure = synced(file))
            return failure;
        return file.close();
    }

    std::error_code rename(const std::string& from, const std::string& to) const {
        return code_of(std::rename(from.c_str(), to.c_str()));
    }

    std::error_code remove(const std::string& path) const { return code_of(::unlink(path.c_str())); }

    std::error_code make_folders(const std::string& path) const {
        for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
            const auto folder = path.substr(0, end);
            if (::mkdir(folder.c_str(), 0777) == 0) {
                const auto slash = folder.rfind('/');
                if (const auto failure = sync_folder(slash == std::string::npos ? "." : folder.substr(0, slash + 1)))
                    return failure;
            } else if (const auto failure = last_error(); errno != EEXIST && end == std::string::npos) {
                return failure; // of one above it does not matter, if this one is there
            }
            if (end == std::string::npos)
                return {};
        }
    }

    std::error_code sync_folder(const std::string& path) const {
        const descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (folder.number < 0)
            return last_error();
        const auto failure = synced(folder);
        return failure == std::errc::invalid_argument ? std::error_code() : failure; // a file system that cannot
    }

  private:
    struct descriptor {
        explicit descriptor(int opened) noexcept : number(opened) {}
        descriptor(const descriptor&)            = delete;
        descriptor& operator=(const descriptor&) = delete;
        ~descriptor() {
            if (number >= 0)
                ::close(number);
        }
        /// Some file systems say only here that there was no room.
        std::error_code close() { return code_of(::close(std::exchange(number, -1))); }

        int number;
    };

    static std::error_code last_error() { return {errno, std::generic_category()}; }
    static std::error_code code_of(int outcome) { return outcome == 0 ? std::error_code() : last_error(); }

    static std::error_code synced(const descriptor& file) {
        int outcome = 0;
        do
            outcome = ::fsync(file.number);
        while (outcome != 0 && errno == EINTR);
        return code_of(outcome);
    }
};
static_assert(file_operations<posix_files>);

} // namespace rocketpush

#endif

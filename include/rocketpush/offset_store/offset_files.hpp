#ifndef ROCKETPUSH_OFFSET_STORE_OFFSET_FILES_HPP
#define ROCKETPUSH_OFFSET_STORE_OFFSET_FILES_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/offset_store/offset_file.hpp>
#include <rocketpush/offset_store/posix_files.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/**
 * @file
 * An offset file and its backup on disk: which of the two is believed, and how both are written so that a loss of power at any moment
 * leaves one that can be.
 */
namespace rocketpush {

/// What was found in the two files.
struct found_offsets {
    offset_table table;
    std::error_code main;   ///< Why the file was no use, if it was there.
    std::error_code backup; ///< And its backup, if that was needed.
    bool usable = true;     ///< False: there was something, and nothing of it could be read. Then the table is empty.
};

inline std::string backup_of(const std::string& path) { return path + ".bak"; }

/**
 * @brief Reads an offset file, or its backup when the file is missing or damaged. Where neither is there nothing was stored yet.
 *
 * A file that cannot be read (no permission, say) is like a damaged one. So is an empty one: none was ever written by us, and the
 * Java client leaves one behind when the power goes at the wrong moment.
 *
 * @par Source  Java `LocalFileOffsetStore.readLocalOffset`. Differs: a damaged file without a backup is not taken for a new start.
 */
template <file_operations Files>
found_offsets read_offset_files(const Files& files, const std::string& path) {
    const auto read_one = [&](const std::string& where) -> result<std::optional<offset_table>> {
        const auto text = files.read(where);
        if (!text && text.error() == std::errc::no_such_file_or_directory)
            return std::optional<offset_table>();
        if (!text)
            return text.error();
        auto table = decode_offset_file(*text);
        if (!table)
            return table.error();
        return std::optional<offset_table>(std::move(*table));
    };
    found_offsets found;
    auto main  = read_one(path);
    found.main = main.error();
    if (main && *main) {
        found.table = std::move(**main);
        return found;
    }
    auto backup  = read_one(backup_of(path));
    found.backup = backup.error();
    if (backup && *backup)
        found.table = std::move(**backup);
    else
        found.usable = !found.main && !found.backup;
    return found;
}

/**
 * @brief Writes an offset file: beside it, to disk, then in its place; what was there becomes the backup if it can be read as one.
 *
 * Whatever fails, and wherever it ends, `read_offset_files` then gives either what was there before or `text`.
 *
 * @param beside  A path in the same folder that nobody else writes to.
 * @par Source    Java `MixAll.string2File`. Differs: Java overwrites the file where it stands, and copies a damaged one over its
 *                backup.
 */
template <file_operations Files>
std::error_code write_offset_file(const Files& files, const std::string& path, const std::string& beside,
                                  std::string_view text) {
    const auto slash  = path.rfind('/');
    const auto folder = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
    auto failure      = files.write(beside, text);
    if (failure == std::errc::no_such_file_or_directory) {
        failure = files.make_folders(folder);
        if (!failure)
            failure = files.write(beside, text);
    }
    if (!failure) {
        // Of a backup that cannot be made only the backup suffers.
        if (const auto before = files.read(path); before && decode_offset_file(*before))
            static_cast<void>(files.rename(path, backup_of(path)));
        failure = files.rename(beside, path);
    }
    if (failure) {
        static_cast<void>(files.remove(beside));
        return failure;
    }
    return files.sync_folder(folder);
}

} // namespace rocketpush

#endif

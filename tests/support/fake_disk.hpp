#ifndef ROCKETPUSH_TESTS_SUPPORT_FAKE_DISK_HPP
#define ROCKETPUSH_TESTS_SUPPORT_FAKE_DISK_HPP

#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/offset_store/posix_files.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush::test {

/**
 * @brief A disk in memory that fails as told, and of which the power can be cut.
 *
 * What a folder has in it is certain only after `sync_folder`: of the changes since then any may be lost, in any combination.
 */
class fake_disk {
  public:
    using contents = std::map<std::string, std::string>;

    contents files;
    std::map<std::string, std::error_code> failures;   ///< By operation: what it gives from now on.
    std::map<std::string, std::error_code> unreadable; ///< By path.
    std::size_t operations = 0, writes = 0, folders_made = 0;
    bool folder_exists = true;

    /// The power goes in the middle of the operation of this number (the first is 0): it and all later ones do not return well.
    void cut_power_at(std::size_t operation) { power_until_ = operation; }

    /// Everything that may be on the disk when the power is back.
    std::vector<contents> after_power_cut() const {
        std::vector<contents> possible;
        for (std::size_t kept = 0; kept < std::size_t{1} << unsynced_.size(); ++kept) {
            auto& found = possible.emplace_back(synced_);
            for (std::size_t i = 0; i < unsynced_.size(); ++i)
                if ((kept >> i & 1) != 0)
                    unsynced_[i](found);
        }
        return possible;
    }

    /// The power was cut, and is back: of the changes that were not certain there are those that `survives` says, asked for each.
    template <class Survives>
    void restore(Survives survives) {
        files = synced_;
        for (const auto& change : unsynced_)
            if (survives())
                change(files);
        settle();
    }

    /// The disk as it is now is certain.
    void settle() {
        synced_ = files;
        unsynced_.clear();
    }

    result<std::string> read(const std::string& path) {
        if (const auto failure = begin("read"))
            return failure;
        if (const auto found = unreadable.find(path); found != unreadable.end())
            return found->second;
        if (const auto found = files.find(path); found != files.end())
            return found->second;
        return std::make_error_code(std::errc::no_such_file_or_directory);
    }

    std::error_code write(const std::string& path, std::string_view text) {
        const auto failure = begin("write");
        if (!folder_exists)
            return std::make_error_code(std::errc::no_such_file_or_directory);
        ++writes;
        const std::string written(failure ? text.substr(0, text.size() / 2) : text);
        change([path, written](contents& all) { all[path] = written; });
        return failure;
    }

    std::error_code rename(const std::string& from, const std::string& to) {
        if (const auto failure = begin("rename"))
            return failure;
        const auto found = files.find(from);
        if (found == files.end())
            return std::make_error_code(std::errc::no_such_file_or_directory);
        change([from, to, moved = found->second](contents& all) {
            all.erase(from);
            all[to] = moved;
        });
        return {};
    }

    std::error_code remove(const std::string& path) {
        if (const auto failure = begin("remove"))
            return failure;
        change([path](contents& all) { all.erase(path); });
        return {};
    }

    std::error_code make_folders(const std::string&) {
        if (const auto failure = begin("make_folders"))
            return failure;
        ++folders_made;
        folder_exists = true;
        return {};
    }

    std::error_code sync_folder(const std::string&) {
        if (const auto failure = begin("sync_folder"))
            return failure;
        settle();
        return {};
    }

  private:
    std::error_code begin(const char* operation) {
        if (operations++ >= power_until_)
            return std::make_error_code(std::errc::io_error);
        const auto found = failures.find(operation);
        return found == failures.end() ? std::error_code() : found->second;
    }

    void change(std::function<void(contents&)> how) {
        if (operations > power_until_ + 1)
            return; // without power nothing changes any more
        how(files);
        unsynced_.push_back(std::move(how));
    }

    std::size_t power_until_ = static_cast<std::size_t>(-2);
    contents synced_;
    std::vector<std::function<void(contents&)>> unsynced_;
};

/// The file operations of a fake_disk.
struct fake_files {
    std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>();

    result<std::string> read(const std::string& path) const { return disk->read(path); }
    std::error_code write(const std::string& path, std::string_view text) const { return disk->write(path, text); }
    std::error_code rename(const std::string& from, const std::string& to) const { return disk->rename(from, to); }
    std::error_code remove(const std::string& path) const { return disk->remove(path); }
    std::error_code make_folders(const std::string& path) const { return disk->make_folders(path); }
    std::error_code sync_folder(const std::string& path) const { return disk->sync_folder(path); }
};
static_assert(file_operations<fake_files>);

/// Does a file store's work at once, in the strand's own thread; its end is heard of a little later, as always.
struct prompt_worker {
    template <class Executor, class Job, class Done>
    void run(const Executor& strand, Job job, Done done) {
        job();
        asio::post(strand, std::move(done));
    }
};

/// Does it when the test says so.
struct patient_worker {
    std::shared_ptr<std::deque<std::function<void()>>> jobs = std::make_shared<std::deque<std::function<void()>>>();

    template <class Executor, class Job, class Done>
    void run(const Executor& strand, Job job, Done done) {
        jobs->push_back([strand, job = std::move(job), done = std::move(done)]() mutable {
            job();
            asio::post(strand, std::move(done));
        });
    }
};

} // namespace rocketpush::test

#endif

#ifndef ROCKETPUSH_TESTS_SUPPORT_SCRATCH_FOLDER_HPP
#define ROCKETPUSH_TESTS_SUPPORT_SCRATCH_FOLDER_HPP

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace rocketpush::test {

/// A folder of its own, which goes with it.
class scratch_folder {
  public:
    scratch_folder() : path_((std::filesystem::temp_directory_path() / "rocketpush.XXXXXX").string()) {
        if (!::mkdtemp(path_.data()))
            throw std::system_error(errno, std::generic_category(), path_);
    }
    scratch_folder(const scratch_folder&)            = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const noexcept { return path_; }
    std::string operator/(const std::string& name) const { return path_ + '/' + name; }

  private:
    std::string path_;
};

} // namespace rocketpush::test

#endif

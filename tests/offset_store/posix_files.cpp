#include <rocketpush/offset_store/posix_files.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/support/scratch_folder.hpp"

namespace {

using namespace rocketpush;
using test::scratch_folder;

TEST_CASE("a file is written, replaced, read, renamed over another one and removed", "[posix_files]") {
    const scratch_folder here;
    const posix_files files;
    const auto one = here / "one", other = here / "other";
    CHECK(files.read(one).error() == std::errc::no_such_file_or_directory);
    const std::string long_text(100'000, 'x');
    REQUIRE_FALSE(files.write(one, long_text));
    CHECK(*files.read(one) == long_text);
    REQUIRE_FALSE(files.write(one, "short"));
    CHECK(*files.read(one) == "short");
    REQUIRE_FALSE(files.write(other, ""));
    CHECK(files.read(other)->empty());
    REQUIRE_FALSE(files.rename(one, other));
    CHECK(*files.read(other) == "short");
    CHECK(files.read(one).error() == std::errc::no_such_file_or_directory);
    CHECK(files.rename(one, other) == std::errc::no_such_file_or_directory);
    CHECK_FALSE(files.sync_folder(here.path()));
    CHECK_FALSE(files.remove(other));
    CHECK(files.remove(other) == std::errc::no_such_file_or_directory);
}

TEST_CASE("folders are made with those above them, and what is there already stays", "[posix_files]") {
    const scratch_folder here;
    const posix_files files;
    const auto deep = here / "a/b/c/";
    CHECK(files.write(deep + "file", "x") == std::errc::no_such_file_or_directory);
    REQUIRE_FALSE(files.make_folders(deep));
    REQUIRE_FALSE(files.write(deep + "file", "x"));
    REQUIRE_FALSE(files.make_folders(deep));
    REQUIRE_FALSE(files.make_folders(here / "a/b/d")); // no slash at the end
    CHECK(std::filesystem::is_directory(here / "a/b/d"));
    CHECK(*files.read(deep + "file") == "x");
    CHECK(files.make_folders(deep + "file/below") == std::errc::not_a_directory);
}

TEST_CASE("what is no file, or too large a one, is not read", "[posix_files]") {
    const scratch_folder here;
    const posix_files files;
    CHECK(files.read(here.path()).error() == std::errc::is_a_directory);
    REQUIRE(::mkfifo((here / "pipe").c_str(), 0600) == 0);
    CHECK(files.read(here / "pipe").error()); // and nobody waits for a writer
    REQUIRE_FALSE(files.write(here / "large", ""));
    REQUIRE(::truncate((here / "large").c_str(), static_cast<off_t>(posix_files::max_size) + 1) == 0);
    CHECK(files.read(here / "large").error() == std::errc::file_too_large);
}

TEST_CASE("a link that somebody laid is not written through", "[posix_files]") {
    const scratch_folder here;
    const posix_files files;
    REQUIRE_FALSE(files.write(here / "target", "theirs"));
    std::filesystem::create_symlink(here / "target", here / "link");
    CHECK(files.write(here / "link", "ours"));
    CHECK(*files.read(here / "target") == "theirs");
}

TEST_CASE("without permission, the system's code is the answer", "[posix_files]") {
    if (::getuid() == 0)
        return; // everything is permitted
    const scratch_folder here;
    const posix_files files;
    REQUIRE_FALSE(files.make_folders(here / "closed"));
    std::filesystem::permissions(here / "closed", std::filesystem::perms::none);
    CHECK(files.write(here / "closed/file", "x") == std::errc::permission_denied);
    CHECK(files.read(here / "closed/file").error() == std::errc::permission_denied);
    CHECK(files.make_folders(here / "closed/more") == std::errc::permission_denied);
    std::filesystem::permissions(here / "closed", std::filesystem::perms::owner_all);
}

TEST_CASE("a disk that is full is told when the file is written, not later", "[posix_files]") {
    if (!std::filesystem::exists("/dev/full"))
        return;
    CHECK(posix_files().write("/dev/full", "x") == std::errc::no_space_on_device);
}

} // namespace

#include <rocketpush/offset_store/offset_files.hpp>

#include <string>
#include <system_error>

#include "tests/support/catch.hpp"
#include "tests/support/fake_disk.hpp"

namespace {

using namespace rocketpush;
using test::fake_files;

const message_queue queue{"orders", "broker-a", 0};
const std::string path   = "/offsets/10.0.0.1@DEFAULT/billing/offsets.json";
const std::string beside = path + ".1";
const std::string broken = "{\"offsetTable\":{";

offset_table at(queue_offset offset) { return {{queue, offset}}; }
std::string text_at(queue_offset offset) { return encode_offset_file(at(offset)); }

TEST_CASE("the file is believed before its backup, and the backup when the file is missing or damaged",
          "[offset_files]") {
    struct row {
        const char* what;
        std::optional<std::string> main, backup;
        std::optional<queue_offset> expected; // none: nothing stored
        bool main_told = false, backup_told = false, usable = true;
    };
    const std::optional<std::string> none;
    const row rows[] = {
        {"nothing yet", none, none, {}},
        {"the first time", text_at(7), none, 7},
        {"both", text_at(7), text_at(6), 7},
        {"a good file and a damaged backup", text_at(7), broken, 7},
        {"no file, but a backup", none, text_at(6), 6},
        {"a damaged file and a backup", broken, text_at(6), 6, true},
        {"an empty file and a backup", "", text_at(6), 6, true},
        {"a damaged file and no backup", broken, none, {}, true, false, false},
        {"no file and a damaged backup", none, broken, {}, false, true, false},
        {"both damaged", broken, "", {}, true, true, false},
    };
    for (const auto& each : rows) {
        CAPTURE(each.what);
        fake_files files;
        if (each.main)
            files.disk->files[path] = *each.main;
        if (each.backup)
            files.disk->files[path + ".bak"] = *each.backup;
        const auto found = read_offset_files(files, path);
        CHECK(found.table == (each.expected ? at(*each.expected) : offset_table()));
        CHECK(found.usable == each.usable);
        CHECK((found.main == error::offset_file_damaged) == each.main_told);
        CHECK((found.backup == error::offset_file_damaged) == each.backup_told);
    }
}

TEST_CASE("a file that cannot be read is like a damaged one, and says why", "[offset_files]") {
    fake_files files;
    const auto denied            = std::make_error_code(std::errc::permission_denied);
    files.disk->files[path]      = text_at(7);
    files.disk->unreadable[path] = denied;
    auto found                   = read_offset_files(files, path);
    CHECK(found.main == denied);
    CHECK_FALSE(found.usable);
    files.disk->files[path + ".bak"] = text_at(6);
    found                            = read_offset_files(files, path);
    CHECK(found.main == denied);
    CHECK(found.usable);
    CHECK(found.table == at(6));
}

TEST_CASE("a write makes the folder, and leaves the file, the one before as its backup, and nothing else",
          "[offset_files]") {
    fake_files files;
    files.disk->folder_exists = false;
    REQUIRE_FALSE(write_offset_file(files, path, beside, text_at(1)));
    CHECK(files.disk->folders_made == 1);
    CHECK(files.disk->files == test::fake_disk::contents{{path, text_at(1)}});
    REQUIRE_FALSE(write_offset_file(files, path, beside, text_at(2)));
    REQUIRE_FALSE(write_offset_file(files, path, beside, text_at(3)));
    CHECK(files.disk->files == test::fake_disk::contents{{path, text_at(3)}, {path + ".bak", text_at(2)}});
    CHECK(files.disk->folders_made == 1);
}

TEST_CASE("a damaged file does not take the place of its good backup", "[offset_files]") {
    fake_files files;
    files.disk->files = {{path, broken}, {path + ".bak", text_at(6)}};
    REQUIRE_FALSE(write_offset_file(files, path, beside, text_at(7)));
    CHECK(files.disk->files == test::fake_disk::contents{{path, text_at(7)}, {path + ".bak", text_at(6)}});
}

TEST_CASE("an operation that fails is told, and the offsets before it are still there", "[offset_files]") {
    for (const std::string operation : {"write", "rename", "sync_folder", "make_folders"}) {
        CAPTURE(operation);
        fake_files files;
        files.disk->folder_exists       = operation != "make_folders";
        files.disk->files               = {{path, text_at(2)}, {path + ".bak", text_at(1)}};
        const auto full                 = std::make_error_code(std::errc::no_space_on_device);
        files.disk->failures[operation] = full;
        CHECK(write_offset_file(files, path, beside, text_at(3)) == full);
        CHECK_FALSE(files.disk->files.contains(beside));
        const auto kept = read_offset_files(files, path);
        CHECK(kept.usable);
        CHECK((kept.table == at(2) || (operation == "sync_folder" && kept.table == at(3))));
        files.disk->failures.clear();
        CHECK_FALSE(write_offset_file(files, path, beside, text_at(3))); // and it is made up for
        CHECK(read_offset_files(files, path).table == at(3));
    }
}

TEST_CASE("whenever the power goes during a write, the old offsets or the new ones are there afterwards",
          "[offset_files]") {
    struct before {
        const char* what;
        test::fake_disk::contents files;
        queue_offset known;
    };
    const before starts[] = {
        {"a file and its backup", {{path, text_at(2)}, {path + ".bak", text_at(1)}}, 2},
        {"the first file", {{path, text_at(2)}}, 2},
        {"a damaged file and its backup", {{path, broken}, {path + ".bak", text_at(2)}}, 2},
        {"only a backup", {{path + ".bak", text_at(2)}}, 2},
        {"nothing", {}, -1},
    };
    for (const auto& start : starts) {
        CAPTURE(start.what);
        for (std::size_t cut = 0;; ++cut) {
            CAPTURE(cut);
            fake_files files;
            files.disk->files = start.files;
            files.disk->settle();
            files.disk->cut_power_at(cut);
            const auto failure = write_offset_file(files, path, beside, text_at(3));
            std::size_t fresh = 0, possible = 0;
            for (const auto& left : files.disk->after_power_cut()) {
                fake_files rebooted;
                rebooted.disk->files = left;
                const auto found     = read_offset_files(rebooted, path);
                CHECK(found.usable);
                const bool is_new = found.table == at(3);
                const bool is_old = start.known < 0 ? found.table.empty() : found.table == at(start.known);
                CHECK((is_new || is_old));
                fresh += is_new ? 1 : 0;
                ++possible;
            }
            if (!failure) {
                CHECK(fresh == possible); // what was confirmed is there for good
                break;
            }
            REQUIRE(cut < 20);
        }
    }
}

} // namespace

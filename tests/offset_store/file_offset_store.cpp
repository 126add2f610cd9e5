#include <rocketpush/offset_store/file_offset_store.hpp>

#include <asio/io_context.hpp>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/fake_disk.hpp"
#include "tests/support/laws/offset_store.hpp"
#include "tests/support/scratch_folder.hpp"

namespace {

using namespace rocketpush;
using namespace std::chrono_literals;
using test::fake_files;

using prompt_store  = basic_file_offset_store<fake_files, test::prompt_worker>;
using patient_store = basic_file_offset_store<fake_files, test::patient_worker>;
static_assert(offset_store<prompt_store> && offset_store<patient_store>);
static_assert(model_of<file_offset_store>() == message_model::broadcasting);

const std::string path = "/data/10.0.0.1@me/billing/offsets.json";
const message_queue first{"orders", "broker-a", 0}, second{"orders", "broker-a", 1};
const auto full = std::make_error_code(std::errc::no_space_on_device);

/// A store on a fake disk, with operations that the test begins one by one.
template <class Worker>
struct store_fixture {
    test::manual_runtime runtime;
    test::fake_offset_access access{runtime};
    fake_files files;
    Worker worker;
    basic_file_offset_store<fake_files, Worker> store;

    explicit store_fixture(damaged_offsets when = damaged_offsets::fail_start, fake_files on = {})
        : files(std::move(on)), store({.directory = "/data", .when_damaged = when}, files, worker) {}

    template <class T>
    std::shared_ptr<std::optional<T>> begin(test::fake_offset_access::task<T> operation) {
        auto got = std::make_shared<std::optional<T>>();
        pending.push_back(got);
        test::begin(runtime, std::move(operation), *got);
        runtime.run_ready();
        return got;
    }
    std::error_code load() { return begin(store.load(access))->value(); }
    std::optional<queue_offset> read(const message_queue& queue) { return *begin(store.read(access, queue))->value(); }
    auto write(const message_queue& queue, queue_offset offset) { return begin(store.write(access, queue, offset)); }
    auto write_many(std::vector<queue_progress> changes) { return begin(store.write_many(access, std::move(changes))); }
    offset_table on_disk() const { return read_offset_files(files, path).table; }

    std::vector<std::shared_ptr<void>> pending; // what they write to stays as long as the runtime
};
using prompt_fixture  = store_fixture<test::prompt_worker>;
using patient_fixture = store_fixture<test::patient_worker>;

TEST_CASE("file_offset_store keeps the laws of every store", "[file_offset_store]") {
    test::check_offset_store_laws(prompt_store({.directory = "/data"}), /*loses_touch=*/false);
}

TEST_CASE("what one store wrote the next one loads, from directory/client id/group", "[file_offset_store]") {
    prompt_fixture before;
    REQUIRE_FALSE(before.load());
    CHECK_FALSE(before.read(first));
    CHECK_FALSE(before.write(first, 7)->value());
    CHECK(before.read(first) == 7);
    CHECK(before.files.disk->files.contains(path));

    prompt_fixture after(damaged_offsets::fail_start, before.files);
    CHECK_FALSE(after.read(first)); // not before it is loaded
    REQUIRE_FALSE(after.load());
    CHECK(after.read(first) == 7);
    CHECK_FALSE(after.read(second));
    CHECK_FALSE(after.write(second, 3)->value());
    CHECK(after.on_disk() == offset_table{{first, 7}, {second, 3}}); // what it does not own stays
    CHECK(after.access.reports.empty());
}

TEST_CASE("many offsets are one write of the file, and a reading needs none", "[file_offset_store]") {
    prompt_fixture it;
    REQUIRE_FALSE(it.load());
    std::vector<queue_progress> changes;
    for (std::int32_t id = 0; id < 1000; ++id)
        changes.push_back({{"orders", "broker-a", id}, 10 + id});
    CHECK_FALSE(it.write_many(changes)->value());
    CHECK(it.files.disk->writes == 1);
    const auto operations = it.files.disk->operations;
    for (const auto& each : changes)
        CHECK(it.read(each.queue) == each.offset);
    CHECK(it.files.disk->operations == operations);
    CHECK(it.on_disk().size() == 1000);
}

TEST_CASE("what comes while the file is written goes into the next write, all of it", "[file_offset_store]") {
    patient_fixture it;
    const auto loaded = it.begin(it.store.load(it.access));
    CHECK_FALSE(loaded->has_value()); // the disk is waited for, not the strand
    it.worker.jobs->front()();
    it.worker.jobs->clear();
    it.runtime.run_ready();
    REQUIRE(loaded->has_value());

    const auto one = it.write(first, 1);
    REQUIRE(it.worker.jobs->size() == 1);
    const auto two   = it.write(second, 2);
    const auto three = it.write_many({{{"orders", "broker-a", 2}, 3}, {first, 4}});
    CHECK(it.worker.jobs->size() == 1); // one at a time
    it.worker.jobs->front()();
    it.runtime.run_ready();
    CHECK(*one == std::error_code());
    CHECK(it.on_disk() == offset_table{{first, 1}}); // as it was when the write began
    CHECK_FALSE((two->has_value() || three->has_value()));
    REQUIRE(it.worker.jobs->size() == 2);
    it.worker.jobs->back()();
    it.runtime.run_ready();
    CHECK(*two == std::error_code());
    CHECK(*three == std::error_code());
    CHECK(it.on_disk() == offset_table{{first, 4}, {second, 2}, {{"orders", "broker-a", 2}, 3}});
    CHECK(it.files.disk->writes == 2);
}

TEST_CASE("a write that fails is told to each who waits, reported once, and its end once", "[file_offset_store]") {
    patient_fixture it;
    const auto loaded = it.begin(it.store.load(it.access));
    it.worker.jobs->front()();
    it.worker.jobs->clear();
    it.runtime.run_ready();
    REQUIRE(*loaded == std::error_code());
    it.files.disk->failures["write"] = full;
    const auto one                   = it.write(first, 1);
    const auto two                   = it.write(first, 2);
    const auto three                 = it.write(second, 3);
    for (int i = 0; i < 2; ++i) {
        it.worker.jobs->at(static_cast<std::size_t>(i))();
        it.runtime.run_ready();
    }
    CHECK(*one == full);
    CHECK(*two == full);
    CHECK(*three == full);
    CHECK_FALSE(it.read(first)); // the next start would not find it either
    CHECK(it.access.reports ==
          std::vector<std::pair<std::string, std::error_code>>{{path, full}, {path, full}}); // two writes
    it.access.reports.clear();

    it.files.disk->failures.clear();
    for (const queue_offset offset : {4, 5}) {
        const auto later = it.write(first, offset);
        it.worker.jobs->back()();
        it.runtime.run_ready();
        CHECK(*later == std::error_code());
    }
    CHECK(it.access.reports == std::vector<std::pair<std::string, std::error_code>>{{path, {}}});
    CHECK(it.on_disk() == offset_table{{first, 5}, {second, 3}}); // also what could not be written before
    CHECK(it.read(first) == 5);
    CHECK(it.read(second) == 3);
}

/// Has no memory for a job when the test says so.
struct poor_worker : test::patient_worker {
    std::shared_ptr<bool> poor = std::make_shared<bool>(false);

    template <class Executor, class Job, class Done>
    void run(const Executor& strand, Job job, Done done) {
        if (*poor)
            throw std::bad_alloc();
        patient_worker::run(strand, std::move(job), std::move(done));
    }
};

TEST_CASE("a write that there is no memory for fails, also one that waited for another, and the next one is made",
          "[file_offset_store]") {
    store_fixture<poor_worker> it;
    const auto none      = std::make_error_code(std::errc::not_enough_memory);
    const auto next_ends = [&] {
        it.worker.jobs->back()();
        it.runtime.run_ready();
    };
    const auto loaded = it.begin(it.store.load(it.access));
    next_ends();
    REQUIRE(*loaded == std::error_code());
    *it.worker.poor = true;
    CHECK(*it.write(first, 1) == none);
    *it.worker.poor = false;
    const auto first_of_two = it.write(first, 2), second_of_two = it.write(first, 3);
    *it.worker.poor = true;
    next_ends();
    CHECK(*first_of_two == std::error_code());
    CHECK(*second_of_two == none);
    CHECK(it.read(first) == 2);
    *it.worker.poor = false;
    const auto last = it.write(second, 4);
    next_ends();
    CHECK(*last == std::error_code());
    CHECK(it.read(first) == 3);
}

TEST_CASE("a damaged file with a good backup is reported, and the backup is used and kept", "[file_offset_store]") {
    prompt_fixture it;
    it.files.disk->files = {{path, "{"}, {path + ".bak", encode_offset_file({{first, 6}})}};
    CHECK_FALSE(it.load());
    CHECK(it.access.reports ==
          std::vector<std::pair<std::string, std::error_code>>{{path, error::offset_file_damaged}});
    CHECK(it.read(first) == 6);
    CHECK_FALSE(it.write(first, 7)->value());
    CHECK(*it.files.disk->read(path + ".bak") == encode_offset_file({{first, 6}}));
    CHECK(it.access.reports.back() == std::pair(path, std::error_code())); // all is well again
}

TEST_CASE("when file and backup are damaged the start fails, or begins anew if that was chosen",
          "[file_offset_store]") {
    for (const bool anew : {false, true}) {
        CAPTURE(anew);
        prompt_fixture it(anew ? damaged_offsets::begin_anew : damaged_offsets::fail_start);
        it.files.disk->files = {{path, "{"}, {path + ".bak", ""}};
        CHECK(it.load() == (anew ? std::error_code() : error::offset_file_damaged));
        CHECK(it.access.reports ==
              std::vector<std::pair<std::string, std::error_code>>{{path, error::offset_file_damaged},
                                                                   {path + ".bak", error::offset_file_damaged}});
        CHECK(it.files.disk->files.at(path) == "{"); // to be looked at
        if (anew) {
            CHECK_FALSE(it.read(first));
            CHECK_FALSE(it.write(first, 1)->value());
            CHECK(it.on_disk() == offset_table{{first, 1}});
        }
    }
}

TEST_CASE("a file that may not be read is told by the system's code", "[file_offset_store]") {
    prompt_fixture it;
    it.files.disk->files[path]      = encode_offset_file({{first, 6}});
    it.files.disk->unreadable[path] = std::make_error_code(std::errc::permission_denied);
    CHECK(it.load() == std::errc::permission_denied);
}

/// The strand of a test with a real disk.
struct real_access {
    template <class T>
    using task = detail::awaitable<T, asio::io_context::executor_type>;

    std::string its_group = "billing", its_client = "10.0.0.1@me";
    std::vector<std::error_code> reports{};

    const std::string& group() const { return its_group; }
    const std::string& client_id() const { return its_client; }
    void report(std::string_view, std::error_code what) { reports.push_back(what); }
};

template <class T>
real_access::task<void> keep(real_access::task<T> operation, std::optional<T>& into, std::thread::id& where) {
    into.emplace(co_await std::move(operation));
    where = std::this_thread::get_id();
}

TEST_CASE("on a real disk, by the store's own thread, with its ends on the strand", "[file_offset_store]") {
    const test::scratch_folder here;
    for (int round = 0; round < 2; ++round) {
        asio::io_context strand{1};
        real_access access;
        file_offset_store store{{.directory = here / "deep/down"}};
        std::thread::id where{};
        std::optional<std::error_code> loaded, written;
        asio::co_spawn(strand, keep(store.load(access), loaded, where), asio::detached);
        strand.run();
        REQUIRE(loaded == std::error_code());
        CHECK(where == std::this_thread::get_id());
        std::optional<result<std::optional<queue_offset>>> read;
        strand.restart();
        asio::co_spawn(strand, keep(store.read(access, first), read, where), asio::detached);
        strand.run();
        CHECK(**read == (round == 0 ? std::optional<queue_offset>() : 7));
        strand.restart();
        asio::co_spawn(strand, keep(store.write(access, first, 7), written, where), asio::detached);
        strand.run();
        CHECK(written == std::error_code());
        CHECK(where == std::this_thread::get_id());
        CHECK(access.reports.empty());
    }
    const posix_files files;
    CHECK(*files.read(here / "deep/down/10.0.0.1@me/billing/offsets.json") == encode_offset_file({{first, 7}}));
    CHECK(*files.read(here / "deep/down/10.0.0.1@me/billing/offsets.json.bak") == encode_offset_file({{first, 7}}));
    CHECK(std::distance(std::filesystem::directory_iterator(here / "deep/down/10.0.0.1@me/billing"), {}) ==
          2); // no leftovers
}

TEST_CASE("a file where a folder should be fails the start, and each write", "[file_offset_store]") {
    const test::scratch_folder here;
    REQUIRE_FALSE(posix_files().write(here / "in-the-way", ""));
    asio::io_context strand{1};
    real_access access;
    file_offset_store store{{.directory = here / "in-the-way"}};
    std::thread::id where{};
    std::optional<std::error_code> loaded, written;
    asio::co_spawn(strand, keep(store.load(access), loaded, where), asio::detached);
    strand.run();
    REQUIRE(loaded == std::errc::not_a_directory); // what is there cannot be read
    strand.restart();
    asio::co_spawn(strand, keep(store.write_many(access, {{first, 7}}), written, where), asio::detached);
    strand.run();
    REQUIRE(written);
    CHECK(*written);
    CHECK(access.reports.size() == 3); // the file, its backup, the write
}

} // namespace

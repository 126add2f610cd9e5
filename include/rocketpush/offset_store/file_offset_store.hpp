#ifndef ROCKETPUSH_OFFSET_STORE_FILE_OFFSET_STORE_HPP
#define ROCKETPUSH_OFFSET_STORE_FILE_OFFSET_STORE_HPP

#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/file_thread.hpp>
#include <rocketpush/offset_store/offset_files.hpp>
#include <rocketpush/offset_store/offset_store.hpp>
#include <rocketpush/offset_store/posix_files.hpp>

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// What a start does when there are local offset files and none of them can be read.
enum class damaged_offsets : std::uint8_t {
    fail_start, ///< error::offset_file_damaged, or the system's code.
    begin_anew  ///< Every queue by `options::from`; the files are replaced.
};

/// What a file_offset_store can be told.
struct file_offset_settings {
    /// Where the files are: `directory/client id/group/offsets.json`. Empty: `.rocketmq_offsets` in the user's home, as Java.
    /// Java: rocketmq.client.localOffsetStoreDir.
    std::string directory{};
    damaged_offsets when_damaged = damaged_offsets::fail_start;
};

/// Java's folder for local offsets; empty if this user has no home.
inline std::string default_offset_directory() {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16384);
    std::string home;
    if (::getpwuid_r(::getuid(), &entry, room.data(), room.size(), &found) == 0 && found && found->pw_dir)
        home = found->pw_dir;
    if (const char* named = std::getenv("HOME"); home.empty() && named)
        home = named;
    return home.empty() ? home : home + "/.rocketmq_offsets";
}

/**
 * @brief Keeps a member's own offsets in a file, and so makes its consumer a broadcasting one: every member gets every message.
 *
 * The file is Java's, in place and format: a Java consumer may go on where this one ended, and the other way round. (Not both at
 * once.) It is read once, at start, and written as a whole, at most one write at a time: what comes meanwhile goes into the next one.
 * Files are touched on a thread of the store's own, so that a slow disk does not hold the consumer up. Trouble with them is an event
 * (`on_offset_store`) and ends nothing but a start that finds damaged files.
 *
 * @tparam Files   Its file system; see file_operations.
 * @tparam Worker  Where that is used: `run(strand, job, done)` runs `job()` anywhere, then `done()` on the strand.
 * @par Source  Java `LocalFileOffsetStore`.
 */
template <file_operations Files = posix_files, class Worker = detail::file_thread>
class basic_file_offset_store {
  public:
    static constexpr message_model model = message_model::broadcasting;

    explicit basic_file_offset_store(file_offset_settings with = {}, Files files = Files(), Worker worker = Worker())
        : state_(std::make_shared<state>(std::move(files), std::move(worker))), settings_(std::move(with)) {
        if (settings_.directory.empty())
            settings_.directory = default_offset_directory();
    }
    basic_file_offset_store(basic_file_offset_store&&) noexcept   = default;
    basic_file_offset_store& operator=(basic_file_offset_store&&) = delete;

    /// @retval error::offset_file_damaged, the system's code  Neither the file nor its backup can be read, or there is no home.
    template <class Access>
    typename Access::template task<std::error_code> load(Access& access) {
        if (settings_.directory.empty()) {
            const auto failure = std::make_error_code(std::errc::no_such_file_or_directory);
            access.report("~/.rocketmq_offsets", failure);
            co_return failure;
        }
        state_->path     = settings_.directory + '/' + access.client_id() + '/' + access.group() + "/offsets.json";
        state_->beside   = state_->path + '.' + own_name();
        const auto found = std::make_shared<found_offsets>();
        const auto ended = std::make_shared<step>();
        auto read = [found, files = state_->files, path = state_->path] { *found = read_offset_files(files, path); };
        const auto strand = co_await asio::this_coro::executor;
        state_->worker.run(strand, std::move(read), [ended] { ended->end(); });
        co_await until(ended, strand);

        if (found->main)
            access.report(state_->path, found->main);
        if (found->backup)
            access.report(backup_of(state_->path), found->backup);
        state_->in_trouble = found->main || found->backup;
        if (!found->usable && settings_.when_damaged == damaged_offsets::fail_start)
            co_return found->main ? found->main : found->backup;
        state_->kept = state_->offsets = std::move(found->table);
        co_return std::error_code();
    }

    /// What the file has, which is where the next start begins; of what a full disk did not take the caller has been told.
    template <class Access>
    typename Access::template task<result<std::optional<queue_offset>>> read(Access&, message_queue queue) {
        const auto found = state_->kept.find(queue);
        if (found == state_->kept.end())
            co_return std::optional<queue_offset>();
        co_return std::optional<queue_offset>(found->second);
    }

    template <class Access>
    typename Access::template task<std::error_code> write(Access& access, message_queue queue, queue_offset offset) {
        state_->offsets.insert_or_assign(std::move(queue), offset);
        return saved(access);
    }

    template <class Access>
    typename Access::template task<std::error_code> write_many(Access& access, std::vector<queue_progress> changes) {
        for (auto& each : changes)
            state_->offsets.insert_or_assign(std::move(each.queue), each.offset);
        return saved(access);
    }

  private:
    /// Work on the files, and the coroutines that wait for its end.
    struct step {
        void end() {
            ended = true;
            for (const auto& [timer, cancel] : waiting)
                cancel(timer);
        }

        std::vector<std::pair<void*, void (*)(void*)>> waiting;
        offset_table offsets;    ///< What a write puts into the file.
        std::error_code failure; ///< Written by the worker, before the end.
        bool ended    = false;
        bool reported = false;
    };

    struct state {
        state(Files with, Worker by) : files(std::move(with)), worker(std::move(by)) {}

        Files files;
        std::string path, beside;
        offset_table offsets; ///< Of this member, as it says.
        offset_table kept;    ///< Of this member, as the file has it.
        std::shared_ptr<step> running,
            next;                ///< Writes of the file: the one under way, and the one for what came since.
        bool in_trouble = false; ///< Which was reported; its end will be.
        Worker worker;           // last, so first to go
    };

    /// Like that of no other store of this host that is there now.
    std::string own_name() const {
        return std::to_string(::getpid()) + '-' + std::to_string(reinterpret_cast<std::uintptr_t>(state_.get()));
    }

    /// A timer that nobody lets expire is Asio's way to wait for an event.
    template <class Executor>
    static detail::awaitable<void, Executor> until(std::shared_ptr<step> done, Executor strand) {
        using timer_type = detail::steady_timer<Executor>;
        if (done->ended)
            co_return;
        timer_type timer(strand);
        timer.expires_at(std::chrono::steady_clock::time_point::max());
        done->waiting.emplace_back(&timer, [](void* waiting) { static_cast<timer_type*>(waiting)->cancel(); });
        while (!done->ended)
            co_await timer.async_wait(detail::await_tuple<Executor>);
    }

    /// Returns when what is in the table now has been written.
    template <class Access>
    typename Access::template task<std::error_code> saved(Access& access) {
        const auto strand = co_await asio::this_coro::executor;
        if (!state_->next)
            state_->next = std::make_shared<step>();
        const auto write = state_->next;
        if (!state_->running)
            begin_write(state_, strand);
        co_await until(write, strand);
        if (!std::exchange(write->reported, true) &&
            (std::exchange(state_->in_trouble, static_cast<bool>(write->failure)) || write->failure))
            access.report(state_->path, write->failure);
        co_return write->failure;
    }

    template <class Executor>
    static void begin_write(const std::shared_ptr<state>& self, const Executor& strand) {
        const auto made = self->running = std::exchange(self->next, nullptr);
        try {
            made->offsets = self->offsets;
            auto write    = [made, files = self->files, path = self->path, beside = self->beside,
                          text = encode_offset_file(made->offsets)] {
                made->failure = write_offset_file(files, path, beside, text);
            };
            self->worker.run(strand, std::move(write), [lasting = std::weak_ptr(self), strand] {
                if (const auto still = lasting.lock())
                    end_write(still, strand);
            });
        } catch (const std::bad_alloc&) { // who waits for it learns that, and the next write is as good as this one
            made->failure = std::make_error_code(std::errc::not_enough_memory);
            end_write(self, strand);
        }
    }

    template <class Executor>
    static void end_write(const std::shared_ptr<state>& self, const Executor& strand) {
        const auto ended = std::exchange(self->running, nullptr);
        if (!ended->failure)
            self->kept.swap(ended->offsets);
        if (self->next)
            begin_write(self, strand);
        ended->end();
    }

    std::shared_ptr<state> state_;
    file_offset_settings settings_;
};

using file_offset_store = basic_file_offset_store<>;
static_assert(offset_store<file_offset_store> && loads_offsets<file_offset_store> &&
              writes_many_offsets<file_offset_store>);

} // namespace rocketpush

#endif

#include <rocketpush/offset_store/file_offset_store.hpp>

#include "tests/simulation/member_impl.hpp"

namespace rocketpush::simulation {

/// The machine's files, for a process that may crash. (In no anonymous namespace: g++ warns of coroutines' frames then.)
struct sim_files {
    std::shared_ptr<test::fake_disk> disk;
    std::shared_ptr<bool> alive;

    result<std::string> read(const std::string& path) const { return disk->read(path); }
    std::error_code write(const std::string& path, std::string_view text) const { return if_alive([&] { return disk->write(path, text); }); }
    std::error_code rename(const std::string& from, const std::string& to) const { return if_alive([&] { return disk->rename(from, to); }); }
    std::error_code remove(const std::string& path) const { return if_alive([&] { return disk->remove(path); }); }
    std::error_code make_folders(const std::string& path) const { return if_alive([&] { return disk->make_folders(path); }); }
    std::error_code sync_folder(const std::string& path) const { return if_alive([&] { return disk->sync_folder(path); }); }

  private:
    template <class Operation>
    std::error_code if_alive(Operation operation) const {
        return *alive ? operation() : std::make_error_code(std::errc::no_such_process);
    }
};

std::unique_ptr<member> make_broadcasting_member(const member_plan& of) {
    using store = basic_file_offset_store<sim_files, test::prompt_worker>;
    return make(of, plain_sim_listener{of.name, of.who}, store({.directory = "offsets"}, sim_files{of.disk, of.alive}));
}

} // namespace rocketpush::simulation

// Where a group's progress is kept: in files here, in place of the broker. (Offsets that lie beside what was made of the messages,
// in the same database say, are how a consumer becomes exactly-once.)
//
//   write_an_offset_store HOST:PORT TOPIC    on a cluster, until Ctrl-C
//   write_an_offset_store                    on a broker inside this program, twice: the second consumer goes on where the first
//                                            one ended. Prints
//
//       consumed one
//       consumed two
//       second run
//       consumed three

#include <rocketpush/rocketpush.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "support/example_cluster.hpp"

namespace {

/// A file for each queue that holds the next offset to consume, as text.
class file_store {
  public:
    explicit file_store(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // Both are coroutines on the consumer's strand. A store that is away would be awaited here, not waited for.

    template <class Access>
    typename Access::template task<rocketpush::result<std::optional<rocketpush::queue_offset>>> read(
        Access& access, rocketpush::message_queue queue) {
        std::ifstream file(path_of(access.group(), queue));
        rocketpush::queue_offset offset = 0;
        if (file >> offset)
            co_return std::optional<rocketpush::queue_offset>(offset);
        co_return std::optional<rocketpush::queue_offset>(); // none yet: options::from says where to begin
    }

    /// A false code is a promise that the offset is kept: only then does the consumer let go of the queue.
    template <class Access>
    typename Access::template task<std::error_code> write(Access& access, rocketpush::message_queue queue,
                                                          rocketpush::queue_offset offset) {
        const auto path  = path_of(access.group(), queue);
        const auto fresh = path.string() + ".new";
        std::error_code failure;
        if (!(std::ofstream(fresh) << offset << std::flush))
            co_return std::make_error_code(std::errc::io_error);
        std::filesystem::rename(fresh, path, failure); // at once: a crash leaves the old offset or the new one
        co_return failure;
    }

  private:
    std::filesystem::path path_of(const std::string& group, const rocketpush::message_queue& queue) const {
        return folder_ / fmt::format("{}.{}.{}.{}", group, queue.topic, queue.broker_name, queue.queue_id);
    }

    std::filesystem::path folder_;
};
static_assert(rocketpush::offset_store<file_store>);

void consume(example_cluster& cluster, const std::filesystem::path& folder) {
    rocketpush::push_consumer consumer{rocketpush::options{.name_servers = cluster.name_servers(),
                                                           .group        = "write_an_offset_store",
                                                           .from         = rocketpush::consume_from::first},
                                       [&](const rocketpush::message_view& message) {
                                           fmt::print("consumed {}\n", message.body());
                                           cluster.consumed();
                                       },
                                       file_store(folder)};
    consumer.subscribe(cluster.topic());
    consumer.run();
}

} // namespace

int main(int count, char** arguments) try {
    example_cluster cluster(count, arguments, {"one", "two"});
    const auto folder = cluster.is_inside()
                            ? std::filesystem::temp_directory_path() / fmt::format("offsets.{}", ::getpid())
                            : "offsets";
    std::filesystem::create_directories(folder);
    consume(cluster, folder);
    if (cluster.is_inside()) {
        fmt::print("second run\n");
        cluster.send({"three"});
        consume(cluster, folder);
        std::filesystem::remove_all(folder);
    }
} catch (const std::system_error& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
}

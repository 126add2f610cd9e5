#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>
#include <rocketpush/offset_store/file_offset_store.hpp>

#include "consumer_assembly.hpp"

namespace rocketcat {

int with_orderly_broadcast(const consume_settings& settings, message_sink& sink, line_output& out,
                           const consume_session& session) {
    const auto listener = rocketpush::orderly(into_sink{&sink});
    rocketpush::file_offset_store store{{.directory = settings.offset_dir}};
    return settings.run_inline
               ? with_consumer<rocketpush::inline_executor>(settings, listener, out, session, std::move(store))
               : with_consumer<rocketpush::thread_pool_executor>(settings, listener, out, session, std::move(store));
}

} // namespace rocketcat

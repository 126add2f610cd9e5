#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/offset_store/file_offset_store.hpp>

#include "consumer_assembly.hpp"

namespace rocketcat {

int with_inline_broadcast(const consume_settings& settings, message_sink& sink, line_output& out,
                          const consume_session& session) {
    return with_consumer<rocketpush::inline_executor>(
        settings, into_sink{&sink}, out, session, rocketpush::file_offset_store{{.directory = settings.offset_dir}});
}

} // namespace rocketcat

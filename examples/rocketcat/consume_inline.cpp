#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/offset_store/broker_offset_store.hpp>

#include "consumer_assembly.hpp"

namespace rocketcat {

int with_inline_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                         const consume_session& session) {
    return with_consumer<rocketpush::inline_executor>(settings, into_sink{&sink}, out, session);
}

} // namespace rocketcat

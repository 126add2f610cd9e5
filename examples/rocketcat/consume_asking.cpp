#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>
#include <rocketpush/offset_store/broker_offset_store.hpp>

#include "consumer_assembly.hpp"

namespace rocketcat {

int with_asking_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                         const consume_session& session) {
    using allocation = rocketpush::broker_allocation<chosen_allocation>;
    return settings.run_inline
               ? with_consumer<rocketpush::inline_executor, allocation>(settings, into_sink{&sink}, out, session)
               : with_consumer<rocketpush::thread_pool_executor, allocation>(settings, into_sink{&sink}, out, session);
}

} // namespace rocketcat

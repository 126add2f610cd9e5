#ifndef ROCKETPUSH_CLIENT_DIRECT_CONSUMPTION_HPP
#define ROCKETPUSH_CLIENT_DIRECT_CONSUMPTION_HPP

#include <rocketpush/client/group_member.hpp>
#include <rocketpush/core/error.hpp>
#include <rocketpush/core/message.hpp>
#include <rocketpush/core/message_queue.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/byte_arena.hpp>
#include <rocketpush/protocol/bodies_direct_result.hpp>
#include <rocketpush/protocol/message_decoder.hpp>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// The one message of a CONSUME_MESSAGE_DIRECTLY request, as a listener of `Core` is to see it. @retval of the decoder.
template <class Core>
result<message> direct_message(Core& core, std::string_view record, const std::string& broker_name) {
    message_queue queue;
    const detail::message_origin origin{
        .queue = &queue, .retry_topic = core.own_retry_topic(), .name_space = core.name_space()};
    detail::byte_arena inflated;
    std::vector<detail::message_fields> found;
    std::error_code bad = error::message_malformed; // no message at all
    core.decoder().decode(record, origin, inflated, found,
                          [&bad](std::error_code why, std::string_view, queue_offset) { bad = why; });
    if (found.empty())
        return bad;
    const message_view view(found.front());
    queue = {std::string(view.stored_topic()), broker_name, view.queue_id()};
    return message(view);
}

/// Has the listener of `core` called with an administrator's message, and the answer sent when the call has ended.
template <class Core, class Consumption, class Owner>
void consume_directly(Core& core, Consumption& consumption, Owner owner, std::string_view record,
                      const std::string& broker_name, request_answer answer) {
    auto one = direct_message(core, record, broker_name);
    if (!one)
        return answer(response_code::system_error, one.error().message());
    consumption.consume_directly(std::move(*one), std::move(owner),
                                 [answer = std::move(answer)](const protocol::direct_result& result) {
                                     answer(response_code::success, {}, protocol::encode(result));
                                 });
}

} // namespace rocketpush

#endif

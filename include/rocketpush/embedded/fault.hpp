#ifndef ROCKETPUSH_EMBEDDED_FAULT_HPP
#define ROCKETPUSH_EMBEDDED_FAULT_HPP

#include <rocketpush/core/error.hpp>
#include <rocketpush/protocol/codes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rocketpush::embedded {

/// What a fault does to a request that it hits. A oneway request has no answer to be changed, lost or late.
namespace fault_action {

/// It is not processed. This is the answer; with the code `success` and other fields or another body, a wrong one.
struct refuse {
    response_code code = response_code::system_error;
    std::string remark = "a fault that was asked for";
    std::vector<std::pair<std::string, std::string>>
        fields{}; ///< Of the answer's header: `{{"nextBeginOffset", "0"}}`.
    std::string body{};
};

/// It is neither processed nor answered: the client waits as long as it waits.
struct lose_request {};

/// It is processed, and the answer is lost.
struct lose_answer {};

/// It is processed, and the answer says that it was not.
struct deny {
    response_code code = response_code::system_error;
};

/// It is processed at once, and the answer goes out later. A pull that is held first waits for its messages.
struct delay {
    std::chrono::milliseconds time{};
};

/// The client's connection ends, and the request is not processed.
struct close_before {};

/// It is processed, and instead of being answered the client's connection ends.
struct close_after {};

/// The answer comes twice.
struct answer_twice {};

/// The answer is one to a request that the client has not made.
struct wrong_opaque {};

/// One byte in the middle of the answer's body is another than it should be.
struct corrupt_body {};

/// The checksum of one of the stored messages in the answer is wrong: the one in the middle of the body. An answer without messages is
/// as it should be.
struct damage_message {};

/// Instead of the answer come bytes that are no frame, so the client can trust nothing behind them.
struct garble {};

using any = std::variant<refuse, lose_request, lose_answer, deny, delay, close_before, close_after, answer_twice,
                         wrong_opaque, corrupt_body, damage_message, garble>;

} // namespace fault_action

/**
 * @brief A fault that an embedded broker has on request: which requests it hits, what it does to them, and how often.
 *
 * A request is hit when all that is given here fits it; what is left empty fits every request. Of several faults that fit a
 * request, the one that was added first has it.
 * @code
 * broker.add_fault({.codes  = {request_code::update_consumer_offset},
 *                   .group  = "billing",
 *                   .action = fault_action::lose_answer{},
 *                   .rate   = 0.3});
 * @endcode
 */
struct fault {
    /// No limit, for `times`.
    static constexpr std::size_t until_cleared = SIZE_MAX;

    std::vector<protocol::request_code> codes{}; ///< Requests with one of these codes.
    std::string topic{};                         ///< That name this topic; a heartbeat names all that it subscribes.
    std::string group{};                         ///< That name this consumer group (a send: producer group).
    std::string client_id{};                     ///< On a connection whose heartbeats said that it is this client.
    std::optional<std::int32_t> queue{};         ///< That name this queue id.

    fault_action::any action = fault_action::refuse{};

    std::size_t skip  = 0;             ///< So many that fit are spared first.
    std::size_t times = until_cleared; ///< So many are hit.
    double rate       = 1;             ///< The chance of each to be hit, from 0 to 1, drawn from the runtime's random.
};

/// Names a fault that was added; never given twice.
using fault_id = std::uint64_t;

/// What is wrong with a fault, as the end of a sentence; empty when nothing is.
inline std::string_view describe_problem(const fault& wanted) noexcept {
    if (!(wanted.rate >= 0 && wanted.rate <= 1))
        return "a fault's rate is from 0 to 1";
    if (const auto* late = std::get_if<fault_action::delay>(&wanted.action); late && late->time.count() < 0)
        return "a fault's delay is not negative";
    return {};
}

} // namespace rocketpush::embedded

#endif

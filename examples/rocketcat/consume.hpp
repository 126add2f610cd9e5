#ifndef ROCKETCAT_CONSUME_HPP
#define ROCKETCAT_CONSUME_HPP

#include <rocketpush/observe/statistics.hpp>

#include <functional>
#include <system_error>

#include "consume_settings.hpp"
#include "message_sink.hpp"

namespace rocketcat {

/// Consumes as told until something ends it. @return The program's exit code.
int consume(const consume_settings& settings);

/// A consumer of whatever executor, as the session that runs it sees it.
struct consumer_controls {
    using handler = std::function<void(std::error_code)>; ///< Called on any thread.

    std::function<void(handler)> start, stop;
    std::function<rocketpush::consumer_statistics()> statistics;
};

/**
 * Run `session` with a consumer of one executor, message model and order. The library's templates are instantiated in these and
 * nowhere else in the program.
 * @throw std::system_error  The options are not valid.
 */
using consume_session = std::function<int(const consumer_controls&)>;
int with_pool_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                       const consume_session& session);
int with_inline_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                         const consume_session& session);
int with_pool_broadcast(const consume_settings& settings, message_sink& sink, line_output& out,
                        const consume_session& session);
int with_inline_broadcast(const consume_settings& settings, message_sink& sink, line_output& out,
                          const consume_session& session);
int with_orderly_broadcast(const consume_settings& settings, message_sink& sink, line_output& out,
                           const consume_session& session);
/// Has brokers share out, and pops where they say so.
int with_asking_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                         const consume_session& session);
int with_orderly_pool_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                               const consume_session& session);
int with_orderly_inline_consumer(const consume_settings& settings, message_sink& sink, line_output& out,
                                 const consume_session& session);

} // namespace rocketcat

#endif

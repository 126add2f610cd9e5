#ifndef ROCKETPUSH_ROCKETPUSH_HPP
#define ROCKETPUSH_ROCKETPUSH_HPP

// clang-format off: the order is the map.

// The one header: all of the consumer, in the order in which a message travels. Read top to bottom it is the map of the library.
// (The name server and broker to try it on and to test with: <rocketpush/embedded.hpp>. Over TLS: <rocketpush/tls.hpp>.)

// core: the words that all use
#include <rocketpush/core/version.hpp>        // the library's version
#include <rocketpush/core/error.hpp>          // what can go wrong: our errors, and a broker's answers
#include <rocketpush/core/result.hpp>         // a value, or the error that says why there is none
#include <rocketpush/core/names.hpp>          // which topics and groups may be called what
#include <rocketpush/core/endpoint.hpp>       // host and port
#include <rocketpush/core/http_url.hpp>       // what is asked for over HTTP
#include <rocketpush/core/credentials.hpp>    // keys that requests are signed with
#include <rocketpush/core/options.hpp>        // everything a consumer can be told, checked
#include <rocketpush/core/message_model.hpp>  // whether one member gets a message, or all
#include <rocketpush/core/message_queue.hpp>  // topic, broker, queue id
#include <rocketpush/core/subscription.hpp>   // a topic and which of its messages
#include <rocketpush/core/message.hpp>        // a message: a view into its frame, or an owning copy
#include <rocketpush/core/consume_result.hpp> // what a listener answers
#include <rocketpush/core/listener_call.hpp>  // one call of it, for those who follow calls

// runtime: executor, time and chance; transport: bytes; executor: threads; allocation: whose queue
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/transport/address_order.hpp>
#include <rocketpush/transport/tcp_transport.hpp>
#include <rocketpush/transport/memory_transport.hpp>
#include <rocketpush/transport/socks5_transport.hpp>
#include <rocketpush/executor/inline_executor.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>
#include <rocketpush/executor/asio_executor.hpp>
#include <rocketpush/executor/shared_executor.hpp>
#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/broker_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/allocation/consistent_hash_allocation.hpp>
#include <rocketpush/allocation/fixed_allocation.hpp>
#include <rocketpush/allocation/machine_room_allocation.hpp>
#include <rocketpush/allocation/nearby_allocation.hpp>

// protocol: bytes to values and back
#include <rocketpush/protocol/frame.hpp>           // where a frame ends
#include <rocketpush/protocol/header.hpp>          // its header, in two encodings
#include <rocketpush/protocol/acl_signature.hpp>   // signing requests
#include <rocketpush/protocol/command.hpp>         // writing frames
#include <rocketpush/protocol/requests.hpp>        // the fields of each request
#include <rocketpush/protocol/bodies.hpp>          // JSON bodies
#include <rocketpush/protocol/message_decoder.hpp> // stored messages
#include <rocketpush/protocol/message_encoder.hpp>
#include <rocketpush/protocol/message_id.hpp>      // their ids
#include <rocketpush/protocol/properties.hpp>      // writing their properties
#include <rocketpush/protocol/trace_records.hpp>   // what message trace says of a message
#include <rocketpush/protocol/http_answer.hpp>     // of the server that knows the name servers

// remoting: frames out and in
#include <rocketpush/remoting/frame_reader.hpp>     // bytes of a stream into frames
#include <rocketpush/remoting/pending_requests.hpp> // which response is whose
#include <rocketpush/remoting/access_control.hpp>   // who asks, and what is denied
#include <rocketpush/remoting/liveness.hpp>         // whether the peer is still there
#include <rocketpush/remoting/connection.hpp>       // one connection
#include <rocketpush/remoting/go_away_rule.hpp>     // what to do when a server shuts down
#include <rocketpush/remoting/connection_pool.hpp>  // one for each address
#include <rocketpush/remoting/name_servers.hpp>     // where routes come from
#include <rocketpush/remoting/name_server_lookup.hpp> // where they themselves come from, if they are looked up
#include <rocketpush/remoting/route_table.hpp>      // what they say
#include <rocketpush/remoting/broker_calls.hpp>     // what is asked of brokers
#include <rocketpush/remoting/inspection_calls.hpp> // and by those who look at groups and topics from outside

// offset_store: where a group is; observe: telling
#include <rocketpush/offset_store/broker_offset_store.hpp> // at the brokers: clustering
#include <rocketpush/offset_store/file_offset_store.hpp>   // in a file: broadcasting
#include <rocketpush/observe/log_record.hpp>       // what a log is made of
#include <rocketpush/observe/log_observer.hpp>
#include <rocketpush/observe/denial_memory.hpp> // which denials go on
#include <rocketpush/observe/observer_desk.hpp>    // where those are attached that have work of their own
#include <rocketpush/observe/message_trace.hpp>    // which messages were consumed, and how that ended
#include <rocketpush/observe/statistics.hpp>          // what a consumer does, as a snapshot
#include <rocketpush/observe/consumption_history.hpp> // and did within the last minute, hour and day
#include <rocketpush/observe/metrics_text.hpp>        // in Prometheus' words

// fetch: asking and holding; consume: running the listener; rebalance: sharing out
#include <rocketpush/fetch/pull_loop.hpp>     // what the fetching of one queue does next
#include <rocketpush/fetch/pulled_batch.hpp>  // the messages of one answer
#include <rocketpush/fetch/process_queue.hpp> // what of a queue is not finished
#include <rocketpush/fetch/stall_watch.hpp>   // whether a queue is stalled
#include <rocketpush/fetch/obstacle.hpp>      // what it does at a message that cannot be read
#include <rocketpush/fetch/queue_fetcher.hpp> // the fetch loop
#include <rocketpush/consume/listener.hpp>    // the user's code
#include <rocketpush/consume/deferred_message.hpp> // a message that the user completes later
#include <rocketpush/consume/concurrent_consumption.hpp>
#include <rocketpush/consume/orderly.hpp>          // one message of a queue after the other
#include <rocketpush/consume/orderly_consumption.hpp>
#include <rocketpush/consume/direct_call.hpp>     // one call beside all others
#include <rocketpush/consume/return_ladder.hpp>   // where a message goes that failed
#include <rocketpush/consume/send_back.hpp>       // takes it there
#include <rocketpush/consume/batch_settlement.hpp> // for the messages of a batch
#include <rocketpush/consume/consume_timeout.hpp> // and what a listener is at for too long
#include <rocketpush/rebalance/queue_lock.hpp>    // what is known of a queue's lock
#include <rocketpush/rebalance/lock_keeper.hpp>
#include <rocketpush/rebalance/offset_writer.hpp> // offsets on their way to the store
#include <rocketpush/rebalance/queue_table.hpp>
#include <rocketpush/rebalance/member_views.hpp>  // who is in the group, by two brokers
#include <rocketpush/rebalance/rebalancer.hpp>
#include <rocketpush/rebalance/group_watch.hpp>   // twins, and members that subscribe something else
#include <rocketpush/rebalance/watchdog.hpp>      // has a queue that is stalled go on

// client: what the consumers of a process share; and the assembly
#include <rocketpush/client/client.hpp>
#include <rocketpush/client/broker_requests.hpp>    // what brokers ask, for administrators mostly
#include <rocketpush/client/consumer_properties.hpp> // settings as administrators see them
#include <rocketpush/client/running_info.hpp>       // how a consumer is
#include <rocketpush/client/direct_consumption.hpp> // a message that one of them wants consumed
#include <rocketpush/consumer_core.hpp>
#include <rocketpush/push_consumer.hpp>

#endif

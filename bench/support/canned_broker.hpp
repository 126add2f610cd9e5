#ifndef BENCH_SUPPORT_CANNED_BROKER_HPP
#define BENCH_SUPPORT_CANNED_BROKER_HPP

#include <rocketpush/protocol/header.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/support/canned_messages.hpp"

namespace bench {

/// What a canned_broker has to give.
struct canned_load {
    std::string group;
    std::string topic;
    std::string client_id; ///< The one member of the group.
    std::int32_t queues    = 8;
    std::size_t pull_batch = 32;
    std::uint64_t messages = 0; ///< Over all queues; a multiple of `queues * pull_batch`.
    message_kind kind;
    bool popped = false; ///< Its queues are to be popped, and what comes of it is acknowledged.
};

/**
 * @brief A name server and broker that has its answers to pulls, or to pops, ready and knows one topic, one group and one member.
 *
 * It exists to cost little beside the consumer that it feeds. The bytes of a pull are compared with those that the library
 * is known to write, not parsed; the answer's body is one that was encoded before, of which only the messages' queue
 * offsets are written anew; and the answer is made at the moment when it is read, so that nothing is copied but into the
 * reader's buffer. Answers are byte for byte what a 5.5.0 broker writes.
 *
 * Each queue gives its share of the messages, from `first_offset` on; a pull or pop behind the last is held for ever, as is
 * every pull of the group's retry topic.
 *
 * @par Thread safety  None.
 */
class canned_broker {
  public:
    static constexpr std::int64_t first_offset = 1'000'000;

    /// The name server's and the broker's.
    static constexpr std::string_view name_server = "127.0.0.1:9876", address = "127.0.0.1:10911";

    explicit canned_broker(canned_load load);

    /// Calls `then` when an answer is given that begins with the message of this number (a multiple of the pull batch,
    /// counted over all queues), or, with `load.messages`, when a pull finds nothing more in any queue.
    void when_given(std::uint64_t number, std::function<void()> then);

    std::uint64_t given_messages() const noexcept { return given_; }
    std::uint64_t given_pulls() const noexcept { return given_ / load_.pull_batch; }

    /// One connection: requests go in, answers come out.
    class session {
      public:
        explicit session(canned_broker& broker) noexcept : broker_(&broker) {}

        void receive(std::string_view bytes);
        bool has_answers() const noexcept { return !left_.empty() || next_ != answers_.size(); }
        /// @return How many bytes it wrote to `to`: all that there are, or `room`.
        std::size_t give(char* to, std::size_t room);

      private:
        struct answer {
            std::string text{}; ///< The whole frame; empty for a pull's or a pop's.
            std::int64_t offset = 0;
            std::int32_t opaque = 0;
            std::int32_t queue  = 0;
        };

        std::size_t receive_whole(std::string_view bytes);
        bool receive_pull(std::string_view frame);
        bool receive_pop(std::string_view frame);
        void ask_for(answer wanted);
        void receive_other(std::string_view frame);
        void begin_next();

        canned_broker* broker_;
        std::string incomplete_; ///< The begin of a frame whose end is still to come.
        std::vector<answer> answers_;
        std::size_t next_ = 0;       ///< First of `answers_` that was not begun.
        std::string_view left_;      ///< Of the answer that is being given...
        std::string_view left_body_; ///< ... and what follows.
        std::string text_;
        char head_[1024]; ///< A pop's names each message.
    };

  private:
    struct queue_state {
        canned_records records;
        std::int64_t end    = 0;            ///< Behind its last message.
        std::int64_t popped = first_offset; ///< The next pop begins here.
    };

    char* put_pull_fields(char* to, char* end, std::int64_t offset) const noexcept;
    char* put_pop_fields(char* to, char* end, std::int32_t queue, std::int64_t offset) const noexcept;
    std::string answer_to(const rocketpush::protocol::header_view& request);
    void count_pull();

    canned_load load_;
    std::vector<queue_state> queues_;
    std::string before_queue_; ///< The text of a pull or pop request up to its queue's number.
    std::string min_and_max_;  ///< The part of a pull answer's header that names them.
    std::uint64_t given_          = 0;
    std::uint64_t awaited_number_ = ~std::uint64_t{0};
    std::int32_t exhausted_       = 0; ///< Queues that have nothing more.
    std::function<void()> when_reached_;
    std::function<void()> when_exhausted_;
};

} // namespace bench

#endif

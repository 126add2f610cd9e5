#ifndef ROCKETPUSH_TESTS_SIMULATION_NETWORK_HPP
#define ROCKETPUSH_TESTS_SIMULATION_NETWORK_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/async_event.hpp>
#include <rocketpush/transport/transport.hpp>

#include <asio/buffer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/simulation/chance.hpp"
#include "tests/support/manual_runtime.hpp"

namespace rocketpush::simulation {

using test::manual_runtime;
using executor_type = manual_runtime::executor_type;
using duration      = std::chrono::steady_clock::duration;
using time_point    = std::chrono::steady_clock::time_point;

class network;

/// What a network does to bytes at the moment; drawn from the seed, changed by the world.
struct conditions {
    duration least_delay{std::chrono::microseconds(50)}, most_delay{std::chrono::milliseconds(2)};
    double split        = 0; ///< The chance of a write to arrive in parts ...
    double reset        = 0; ///< ... and of its connection to be reset somewhere in the middle of it.
    double refused      = 0; ///< The chance of a connect to be refused,
    double unanswered   = 0; ///< to get no answer at all,
    double slow_connect = 0; ///< or one after `slow`.
    duration slow{std::chrono::seconds(2)};
};

/// How a machine's network is.
enum class line_state {
    open,
    frozen,   ///< Nothing arrives at it; what was sent comes when it is open again.
    deaf,     ///< Nothing arrives at it, what it sends does.
    mute,     ///< Nothing that it sends arrives.
    refusing, ///< Its process is gone: connections were reset, new ones are refused.
    dead,     ///< The machine is gone: nothing is heard of it any more.
};
/// What it is called in traces.
std::string_view name_of(line_state how);

namespace detail {

/// Operations that wait for a change of a connection or a listener.
struct waiter {
    explicit waiter(const executor_type& executor) : event(executor) {}
    rocketpush::detail::async_event<executor_type> event;
    std::uint64_t cancellations = 0;

    void cancel() {
        ++cancellations;
        event.signal();
    }
};

/// Bytes under way. Empty: the writer's end.
struct packet {
    time_point arrives;
    std::string bytes;
};

/// One direction of a connection.
struct pipe {
    std::deque<packet> packets;
    std::size_t size  = 0; ///< Of all packets.
    std::size_t begin = 0; ///< What of the first packet has been read.
    time_point last{};     ///< Nothing overtakes.
    bool cut          = false; ///< In the middle of a write: nothing that is written now arrives, and a reset is on its way.
    bool writer_ended = false;
    bool reader_ended = false;
    std::weak_ptr<waiter> reader, writer;
};

struct connection {
    pipe pipes[2]; ///< `pipes[0]` is read by side 0.
    endpoint names[2];
    std::string hosts[2];
    bool broken = false; ///< Reset: neither side reads or writes any more.
};

struct listener {
    std::string host;
    std::deque<std::shared_ptr<connection>> backlog;
    std::weak_ptr<waiter> acceptor;
    bool closed = false;
};

using outcome = std::optional<std::pair<std::error_code, std::size_t>>;

} // namespace detail

/**
 * @brief All connections of a simulated world, in virtual time: bytes take time, come in parts, stay away, or their connection breaks.
 *
 * What happens is drawn from one generator, so the same calls in the same order give the same run.
 * @par Thread safety  None.
 */
class network : public std::enable_shared_from_this<network> {
  public:
    network(const manual_runtime& runtime, std::uint64_t seed) : runtime_(runtime), dice_(seed) {}
    network(const network&)            = delete;
    network& operator=(const network&) = delete;

    conditions now; ///< From now on.

    void set(const std::string& host, line_state state);
    line_state state(const std::string& host) const;
    /// Resets all connections of a machine.
    void reset(const std::string& host);
    /// Resets one of all connections that are open. @return Whether there is one.
    bool reset_any();
    std::size_t connections();

    // For streams and acceptors.
    std::shared_ptr<detail::listener> listen(const std::string& host, const endpoint& at);
    void end_listening(const endpoint& at);
    /// What a connect comes to, and when: no time is never.
    struct attempt {
        std::optional<time_point> at;
        std::error_code failure;
    };
    attempt begin_connect(const std::string& from, const endpoint& to);
    std::shared_ptr<detail::connection> connect(const std::string& from, const endpoint& to);
    detail::outcome read(detail::connection& from, std::size_t side, const asio::mutable_buffer& into,
                         const std::shared_ptr<detail::waiter>& who);
    detail::outcome write(const std::shared_ptr<detail::connection>& to, std::size_t side, const asio::const_buffer& bytes,
                          const std::shared_ptr<detail::waiter>& who);
    void end(const std::shared_ptr<detail::connection>& of, std::size_t side);
    manual_runtime& runtime() noexcept { return runtime_; }
    std::uint16_t next_port() noexcept { return next_port_ == 65'535 ? next_port_ = 20'000 : ++next_port_; }

  private:
    static constexpr std::size_t capacity = 256 * 1024; ///< Of one direction.

    bool arrives(const detail::connection& on, std::size_t reader) const;
    bool happens(double rate) { return dice_.happens(rate); }
    duration delay() { return dice_.between(now.least_delay, now.most_delay); }
    void wake_at(time_point at, const std::shared_ptr<detail::connection>& on, std::size_t reader);
    void break_off(detail::connection& one);
    static void wake(std::weak_ptr<detail::waiter>& who);
    std::vector<std::shared_ptr<detail::connection>> alive();

    manual_runtime runtime_;
    chance dice_;
    std::map<std::string, line_state> states_;
    std::map<endpoint, std::shared_ptr<detail::listener>> listeners_;
    std::vector<std::weak_ptr<detail::connection>> connections_;
    std::uint16_t next_port_ = 20'000;
};

namespace detail {

/// What a stream and its operations share.
struct stream_end {
    stream_end(const executor_type& executor) : reading(std::make_shared<waiter>(executor)), writing(std::make_shared<waiter>(executor)) {}
    ~stream_end() { close(); }

    void cancel() {
        reading->cancel();
        writing->cancel();
    }
    void close() {
        if (const auto ended = std::exchange(link, nullptr))
            in->end(ended, side);
        cancel();
    }

    std::shared_ptr<waiter> reading, writing;
    std::shared_ptr<network> in;
    std::shared_ptr<connection> link;
    std::size_t side = 0;
};

template <class Buffers, bool Reads>
struct transfer {
    std::shared_ptr<stream_end> end;
    Buffers buffers;
    std::uint64_t cancellations;
    detail::outcome outcome{};

    template <class Self>
    void operator()(Self& self) {
        if (outcome)
            return self.complete(outcome->first, outcome->second);
        outcome = attempt();
        if (outcome)
            asio::post(end->reading->event.get_executor(), std::move(self));
        else
            wait(self);
    }
    template <class Self>
    void operator()(Self& self, std::error_code) {
        if (who()->cancellations != cancellations || self.get_cancellation_state().cancelled() != asio::cancellation_type::none)
            return self.complete(asio::error::operation_aborted, 0);
        outcome = attempt();
        if (!outcome)
            return wait(self);
        self.complete(outcome->first, outcome->second);
    }

  private:
    const std::shared_ptr<waiter>& who() const noexcept { return Reads ? end->reading : end->writing; }
    detail::outcome attempt() {
        if (!end->link)
            return std::pair(std::error_code(asio::error::bad_descriptor), std::size_t(0));
        for (auto each = asio::buffer_sequence_begin(buffers); each != asio::buffer_sequence_end(buffers); ++each)
            if (each->size() != 0) {
                if constexpr (Reads)
                    return end->in->read(*end->link, end->side, *each, who());
                else
                    return end->in->write(end->link, end->side, *each, who());
            }
        return std::pair(std::error_code(), std::size_t(0));
    }
    template <class Self>
    void wait(Self& self) {
        auto& event = who()->event;
        event.async_wait(std::move(self));
    }
};

} // namespace detail

/// One end of a connection.
template <class Executor>
class sim_stream {
  public:
    using executor_type = Executor;

    explicit sim_stream(const Executor& executor) : executor_(executor), end_(std::make_shared<detail::stream_end>(executor)) {}
    sim_stream(sim_stream&&) noexcept = default;
    sim_stream& operator=(sim_stream&& other) noexcept {
        if (this != &other) {
            if (end_)
                end_->close();
            executor_ = other.executor_;
            end_      = std::move(other.end_);
        }
        return *this;
    }
    ~sim_stream() {
        if (end_)
            end_->close();
    }

    executor_type get_executor() const { return executor_; }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(std::error_code, std::size_t)>(
            detail::transfer<Buffers, true>{end_, buffers, end_->reading->cancellations}, token, executor_);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(std::error_code, std::size_t)>(
            detail::transfer<Buffers, false>{end_, buffers, end_->writing->cancellations}, token, executor_);
    }
    void cancel() noexcept { end_->cancel(); }
    void close() noexcept { end_->close(); }
    endpoint local_endpoint() const { return end_->link ? end_->link->names[end_->side] : endpoint{}; }
    endpoint remote_endpoint() const { return end_->link ? end_->link->names[1 - end_->side] : endpoint{}; }

  private:
    friend class sim_transport;
    template <class>
    friend class sim_acceptor;

    Executor executor_;
    std::shared_ptr<detail::stream_end> end_; // null after a move
};

/// Accepts connections.
template <class Executor>
class sim_acceptor {
  public:
    using executor_type = Executor;

    sim_acceptor(const Executor& executor, std::shared_ptr<network> in, endpoint at, std::shared_ptr<detail::listener> of)
        : state_(std::make_shared<state>(executor, std::move(in), std::move(at), std::move(of))) {}
    sim_acceptor(sim_acceptor&&) noexcept = default;
    sim_acceptor& operator=(sim_acceptor&& other) noexcept {
        if (this != &other) {
            if (state_)
                state_->close();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~sim_acceptor() {
        if (state_)
            state_->close();
    }

    executor_type get_executor() const { return state_->executor; }
    template <class Token>
    auto async_accept(Token&& token) {
        return asio::async_compose<Token, void(std::error_code, sim_stream<Executor>)>(
            accepting{state_, state_->who->cancellations, false, nullptr}, token, state_->executor);
    }
    endpoint local_endpoint() const { return state_->at; }
    void close() noexcept { state_->close(); }

  private:
    struct state {
        state(const Executor& where, std::shared_ptr<network> of, endpoint here, std::shared_ptr<detail::listener> in_it)
            : executor(where), in(std::move(of)), at(std::move(here)), listener(std::move(in_it)), who(std::make_shared<detail::waiter>(where)) {}
        void close() {
            if (!std::exchange(listener->closed, true))
                in->end_listening(at);
            who->cancel();
        }
        Executor executor;
        std::shared_ptr<network> in;
        endpoint at;
        std::shared_ptr<detail::listener> listener;
        std::shared_ptr<detail::waiter> who;
    };
    struct accepting {
        std::shared_ptr<state> of;
        std::uint64_t cancellations;
        bool posted;
        std::shared_ptr<detail::connection> taken;

        template <class Self>
        void operator()(Self& self) {
            if (posted)
                return finish(self);
            posted = true;
            if (take())
                asio::post(of->executor, std::move(self));
            else
                wait(self);
        }
        template <class Self>
        void operator()(Self& self, std::error_code) {
            if (of->who->cancellations != cancellations)
                return self.complete(asio::error::operation_aborted, sim_stream<Executor>(of->executor));
            if (take())
                finish(self);
            else
                wait(self);
        }

      private:
        bool take() {
            if (of->listener->backlog.empty())
                return false;
            taken = std::move(of->listener->backlog.front());
            of->listener->backlog.pop_front();
            return true;
        }
        template <class Self>
        void wait(Self& self) {
            of->listener->acceptor = of->who;
            of->who->event.async_wait(std::move(self));
        }
        template <class Self>
        void finish(Self& self) {
            sim_stream<Executor> stream(of->executor);
            stream.end_->in   = of->in;
            stream.end_->link = std::move(taken);
            stream.end_->side = 1;
            self.complete(std::error_code(), std::move(stream));
        }
    };

    std::shared_ptr<state> state_;
};

/// The transport of one machine of the world.
class sim_transport {
  public:
    template <class Executor>
    using stream = sim_stream<Executor>;
    template <class Executor>
    using acceptor = sim_acceptor<Executor>;

    sim_transport(std::shared_ptr<network> in, std::string host) : in_(std::move(in)), host_(std::move(host)) {}

    template <class Executor, class Token>
    auto async_connect(stream<Executor>& connection, const endpoint& to, Token&& token) const {
        connection.end_->in = in_;
        return asio::async_compose<Token, void(std::error_code)>(
            connecting{in_, host_, to, connection.end_, std::make_shared<manual_runtime::timer>(in_->runtime()), connection.end_->writing->cancellations, 0, {}},
            token, connection.executor_);
    }

    template <class Executor>
    result<acceptor<Executor>> listen(const Executor& executor, const endpoint& at) const {
        const auto place = at.port == 0 ? endpoint{at.host, in_->next_port()} : at;
        return acceptor<Executor>(executor, in_, place, in_->listen(host_, place));
    }

  private:
    struct connecting {
        std::shared_ptr<network> in;
        std::string from;
        endpoint to;
        std::shared_ptr<detail::stream_end> end;
        std::shared_ptr<manual_runtime::timer> timer;
        std::uint64_t cancellations;
        int step;
        network::attempt attempt;

        template <class Self>
        void operator()(Self& self, std::error_code = {}) {
            if (step == 0) {
                step    = 1;
                attempt = in->begin_connect(from, to);
                if (!attempt.at) { // only a cancel ends it
                    auto& event = end->writing->event;
                    return event.async_wait(std::move(self));
                }
                const auto waiting = timer;
                waiting->expires_at(*attempt.at);
                // A close in between is heard when the time is over: a few milliseconds.
                return waiting->async_wait(std::move(self));
            }
            if (end->writing->cancellations != cancellations)
                return self.complete(asio::error::operation_aborted);
            if (!attempt.at) {
                auto& event = end->writing->event;
                return event.async_wait(std::move(self));
            }
            if (attempt.failure)
                return self.complete(attempt.failure);
            end->link = in->connect(from, to);
            end->side = 0;
            self.complete(end->link ? std::error_code() : std::error_code(asio::error::connection_refused));
        }
    };

    std::shared_ptr<network> in_;
    std::string host_;
};

static_assert(listening_transport<sim_transport>);

} // namespace rocketpush::simulation

#endif

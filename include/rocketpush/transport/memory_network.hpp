#ifndef ROCKETPUSH_TRANSPORT_MEMORY_NETWORK_HPP
#define ROCKETPUSH_TRANSPORT_MEMORY_NETWORK_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/async_event.hpp>

#include <asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/// Sizes of a memory network, in bytes.
struct memory_network_options {
    /// How much one direction of a connection holds before its writer has to wait.
    std::size_t pipe_capacity = 256 * 1024;
    /// The most that one read gives; 1 cuts every frame at every byte.
    std::size_t largest_read = std::numeric_limits<std::size_t>::max();
};

class memory_network;

namespace detail {

/// Somebody who waits for a change in a memory network; wakes on an executor whose type the other side does not know.
struct memory_waiter {
    using wake_function = void (*)(const std::shared_ptr<memory_waiter>&);
    explicit memory_waiter(wake_function function) noexcept : wake(function) {}
    wake_function wake;
};

/// The waiter of one kind of operation of a stream or an acceptor.
template <class Executor>
struct memory_signal : memory_waiter {
    explicit memory_signal(const Executor& where) : memory_waiter(&post_signal), executor(where), event(where) {}

    Executor executor;
    async_event<Executor> event;
    std::uint64_t cancellations = 0; // an operation that sees another number than at its begin was cancelled

    void cancel() {
        ++cancellations;
        event.signal();
    }

  private:
    static void post_signal(const std::shared_ptr<memory_waiter>& self) {
        auto signal = std::static_pointer_cast<memory_signal>(self);
        auto where  = signal->executor;
        asio::post(where, [signal = std::move(signal)] { signal->event.signal(); });
    }
};

/// One direction of a connection.
struct memory_pipe {
    std::string bytes;
    std::size_t begin = 0; // what is before it has been read
    bool writer_ended = false;
    bool reader_ended = false;
    std::weak_ptr<memory_waiter> reader; // waits for bytes
    std::weak_ptr<memory_waiter> writer; // waits for room

    std::size_t size() const noexcept { return bytes.size() - begin; }

    static void wake(std::weak_ptr<memory_waiter>& waiter) {
        if (const auto waiting = std::exchange(waiter, {}).lock())
            waiting->wake(waiting);
    }
};

/**
 * @brief Two pipes. Sides are 0, which connected, and 1, which accepted.
 *
 * The two ends may be on different executors and threads, hence the mutex: a user's test may run a broker in one
 * thread and a consumer in another.
 */
class memory_connection {
  public:
    memory_connection(const memory_network_options& options, endpoint client, endpoint server)
        : options_(options), ends_{std::move(client), std::move(server)} {}

    const endpoint& name_of(std::size_t side) const noexcept { return ends_[side]; }

    /// What an attempt gave; nothing at all: the waiter will be woken when trying again makes sense.
    using outcome = std::optional<std::pair<std::error_code, std::size_t>>;

    template <class Buffers>
    outcome try_read(std::size_t side, const Buffers& buffers, const std::shared_ptr<memory_waiter>& waiter) {
        const std::lock_guard lock(mutex_);
        auto& pipe = pipes_[side];
        if (broken_)
            return failed(asio::error::connection_reset);
        if (asio::buffer_size(buffers) == 0)
            return std::pair(std::error_code(), std::size_t(0));
        if (pipe.size() == 0) {
            if (pipe.writer_ended)
                return failed(asio::error::eof);
            pipe.reader = waiter;
            return std::nullopt;
        }
        const auto ready = asio::const_buffer(pipe.bytes.data() + pipe.begin, pipe.size());
        const auto count = asio::buffer_copy(buffers, ready, options_.largest_read);
        pipe.begin += count;
        if (pipe.begin == pipe.bytes.size()) {
            pipe.bytes.clear(); // keeps its room for the next write
            pipe.begin = 0;
        }
        memory_pipe::wake(pipe.writer);
        return std::pair(std::error_code(), count);
    }

    template <class Buffers>
    outcome try_write(std::size_t side, const Buffers& buffers, const std::shared_ptr<memory_waiter>& waiter) {
        const std::lock_guard lock(mutex_);
        auto& pipe = pipes_[1 - side];
        if (broken_)
            return failed(asio::error::connection_reset);
        if (pipe.reader_ended)
            return failed(asio::error::broken_pipe);
        const auto room  = options_.pipe_capacity - std::min(options_.pipe_capacity, pipe.size());
        const auto count = std::min(room, asio::buffer_size(buffers));
        if (count == 0 && asio::buffer_size(buffers) != 0) {
            pipe.writer = waiter;
            return std::nullopt;
        }
        if (pipe.begin > pipe.bytes.size() / 2) { // seldom enough that each byte moves once at most
            pipe.bytes.erase(0, pipe.begin);
            pipe.begin = 0;
        }
        const auto before = pipe.bytes.size();
        pipe.bytes.resize(before + count);
        asio::buffer_copy(asio::mutable_buffer(pipe.bytes.data() + before, count), buffers);
        memory_pipe::wake(pipe.reader);
        return std::pair(std::error_code(), count);
    }

    /// One side has closed: the other reads what is left and then the end, and its writes fail.
    void end(std::size_t side) {
        const std::lock_guard lock(mutex_);
        pipes_[side].reader_ended     = true;
        pipes_[1 - side].writer_ended = true;
        wake_all();
    }

    /// The network has lost the connection: both sides see a reset, and what was on the way is lost.
    void cut() {
        const std::lock_guard lock(mutex_);
        broken_ = true;
        wake_all();
    }

  private:
    static outcome failed(asio::error::basic_errors code) { return std::pair(std::error_code(code), std::size_t(0)); }
    static outcome failed(asio::error::misc_errors code) { return std::pair(std::error_code(code), std::size_t(0)); }

    void wake_all() {
        for (auto& pipe : pipes_) {
            memory_pipe::wake(pipe.reader);
            memory_pipe::wake(pipe.writer);
        }
    }

    const memory_network_options options_;
    const std::array<endpoint, 2> ends_;
    std::mutex mutex_;                 // guards all below
    std::array<memory_pipe, 2> pipes_; // by the side that reads
    bool broken_ = false;
};

/// A listening endpoint and the connections that nobody has accepted yet.
struct memory_listener {
    std::deque<std::shared_ptr<memory_connection>> backlog;
    std::weak_ptr<memory_waiter> acceptor;
    bool closed = false;
};

} // namespace detail

/**
 * @brief The places that memory transports reach: endpoints by name, in the process.
 *
 * Every transport that is made from the same network reaches the same listeners. Hosts are only names, nothing is
 * looked up; an endpoint with nobody listening refuses. Faults are told from outside, at any time:
 * @code
 * network.set(broker, memory_network::reach::silent); // like a machine that is off: connects never complete
 * network.cut(broker);                                // like a crash: all its connections are reset
 * @endcode
 *
 * @par Thread safety  All from any thread.
 */
class memory_network {
  public:
    /// How an endpoint answers new connections.
    enum class reach {
        open,    ///< By its listener; refused without one.
        refused, ///< At once, although somebody listens.
        silent,  ///< Not at all: a connect waits until it is cancelled.
    };

    explicit memory_network(memory_network_options options = {}) : options_(options) {}

    memory_network(const memory_network&)            = delete;
    memory_network& operator=(const memory_network&) = delete;

    void set(const endpoint& at, reach how) {
        const std::lock_guard lock(mutex_);
        places_[at].how = how;
    }

    /// Resets every connection that was made to `at`, on both sides, those in the backlog too.
    void cut(const endpoint& at) {
        std::vector<std::weak_ptr<detail::memory_connection>> connections;
        {
            const std::lock_guard lock(mutex_);
            connections.swap(places_[at].connections);
        }
        for (const auto& weak : connections)
            if (const auto connection = weak.lock())
                connection->cut();
    }

    // What follows is for memory_transport.

    struct connect_outcome {
        std::error_code failure;
        std::shared_ptr<detail::memory_connection> connection; ///< Null without failure: silence.
    };

    connect_outcome connect(const endpoint& to) {
        const std::lock_guard lock(mutex_);
        auto& target = places_[to];
        if (target.how == reach::silent)
            return {};
        if (target.how == reach::refused || !target.listener || target.listener->backlog.size() >= largest_backlog)
            return {asio::error::connection_refused, nullptr};
        auto connection = std::make_shared<detail::memory_connection>(options_, endpoint{"127.0.0.1", next_port()}, to);
        std::erase_if(target.connections, [](const auto& weak) { return weak.expired(); });
        target.connections.push_back(connection);
        target.listener->backlog.push_back(connection);
        detail::memory_pipe::wake(target.listener->acceptor);
        return {{}, std::move(connection)};
    }

    /// Gives `at` the chosen port if it has none; null if somebody listens there already.
    std::shared_ptr<detail::memory_listener> listen(endpoint& at) {
        const std::lock_guard lock(mutex_);
        while (at.port == 0)
            if (const endpoint candidate{at.host, next_port()}; !places_[candidate].listener)
                at.port = candidate.port;
        auto& listener = places_[at].listener;
        if (listener)
            return nullptr;
        listener = std::make_shared<detail::memory_listener>();
        return listener;
    }

    void end_listening(const endpoint& at, detail::memory_listener& listener) {
        std::deque<std::shared_ptr<detail::memory_connection>> unaccepted;
        {
            const std::lock_guard lock(mutex_);
            if (listener.closed)
                return;
            listener.closed = true;
            places_[at].listener.reset();
            unaccepted.swap(listener.backlog);
        }
        for (const auto& connection : unaccepted)
            connection->cut();
    }

    /// Null if there is nobody to accept; the waiter is woken when there is.
    std::shared_ptr<detail::memory_connection> try_accept(detail::memory_listener& listener,
                                                          const std::shared_ptr<detail::memory_waiter>& waiter) {
        const std::lock_guard lock(mutex_);
        if (listener.backlog.empty()) {
            listener.acceptor = waiter;
            return nullptr;
        }
        auto connection = std::move(listener.backlog.front());
        listener.backlog.pop_front();
        return connection;
    }

  private:
    struct place {
        reach how = reach::open;
        std::shared_ptr<detail::memory_listener> listener;
        std::vector<std::weak_ptr<detail::memory_connection>> connections;
    };

    static constexpr std::size_t largest_backlog = 1024;

    std::uint16_t next_port() noexcept {
        constexpr std::uint16_t first_ephemeral = 49152;
        last_port_                              = last_port_ == std::numeric_limits<std::uint16_t>::max()
                                                      ? first_ephemeral
                                                      : static_cast<std::uint16_t>(last_port_ + 1);
        return last_port_;
    }

    const memory_network_options options_;
    std::mutex mutex_; // guards all below, and listeners
    std::map<endpoint, place> places_;
    std::uint16_t last_port_ = std::numeric_limits<std::uint16_t>::max();
};

} // namespace rocketpush

#endif

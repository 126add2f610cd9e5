#ifndef ROCKETPUSH_CLIENT_NAME_SERVER_WATCH_HPP
#define ROCKETPUSH_CLIENT_NAME_SERVER_WATCH_HPP

#include <rocketpush/core/endpoint.hpp>
#include <rocketpush/core/http_url.hpp>
#include <rocketpush/core/result.hpp>
#include <rocketpush/detail/asio_compat.hpp>
#include <rocketpush/detail/signal_flag.hpp>
#include <rocketpush/remoting/name_server_lookup.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace rocketpush {

/**
 * @brief The duty of a client whose name servers are looked up: at start, then every two minutes; every two seconds while it has
 *        none, and soon when none of them answers, since then the list has most likely changed.
 *
 * @tparam Client  Is told by `replace_name_servers(list)` and `lookup_failed(why)`; see client_instance.
 * @par Thread safety  None; on the strand.
 * @par Source  Java `MQClientInstance.startScheduledTask`. Differs: there the next look-up is two minutes after one that failed,
 *              whether or not there is a list to go on with.
 */
template <class Client, transport Transport, runtime Runtime>
class name_server_watch {
  public:
    using executor_type = typename Runtime::executor_type;
    using milliseconds  = std::chrono::milliseconds;
    using time_point    = std::chrono::steady_clock::time_point;
    template <class T>
    using task = detail::awaitable<T, executor_type>;

    static constexpr milliseconds interval_without_list{2000};
    static constexpr milliseconds least_interval{5000}; ///< Between look-ups that `ask_soon` brings forward.

    name_server_watch(Runtime& runtime, Transport transport, http_url url, milliseconds timeout, milliseconds interval)
        : runtime_(runtime),
          lookup_(runtime, std::move(transport), std::move(url), timeout),
          interval_(interval),
          answered_(runtime),
          due_(runtime) {}

    const http_url& url() const noexcept { return lookup_.url(); }

    /// Begins, if it has not, and returns when the first look-up has ended.
    task<void> first_answer(std::shared_ptr<Client> of) {
        if (!std::exchange(begun_, true))
            asio::co_spawn(runtime_.get_executor(), run(std::move(of), *this), asio::detached);
        co_await answered_.wait();
    }

    /// Why the newest look-up gave nothing; a false code: it gave a list.
    std::error_code failure() const noexcept { return failure_; }

    /// Nobody of the list answers.
    void ask_soon() {
        next_ = std::min(next_, last_ + least_interval);
        due_.wake();
    }

    void close() {
        closed_ = true;
        lookup_.close();
        due_.wake();
    }

  private:
    /// @param here  Part of the client, which lives as long as this.
    static task<void> run(std::shared_ptr<Client> of, name_server_watch& here) {
        while (!here.closed_) {
            here.last_ = here.runtime_.now();
            here.next_ = time_point::max();
            auto found = co_await here.lookup_.ask();
            if (here.closed_)
                break;
            here.failure_ = found.error();
            if (found)
                of->replace_name_servers(std::move(*found));
            else
                of->lookup_failed(here.failure_);
            here.answered_.set();
            here.next_ = std::min(here.next_,
                                  here.runtime_.now() + (of->has_name_servers() ? here.interval_ : interval_without_list));
            while (!here.closed_ && here.runtime_.now() < here.next_)
                co_await here.due_.wait_until(here.next_);
        }
        here.answered_.set(); // nobody shall wait for what does not come
    }

    Runtime runtime_;
    name_server_lookup<Transport, Runtime> lookup_;
    milliseconds interval_;
    detail::signal_flag<Runtime> answered_;
    detail::wake_up<Runtime> due_;
    std::error_code failure_;
    time_point last_{};
    time_point next_ = time_point::max();
    bool begun_      = false;
    bool closed_     = false;
};

} // namespace rocketpush

#endif

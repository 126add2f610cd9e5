#ifndef ROCKETPUSH_DETAIL_TERMINATION_SIGNALS_HPP
#define ROCKETPUSH_DETAIL_TERMINATION_SIGNALS_HPP

#include <rocketpush/detail/asio_compat.hpp>

#include <asio/basic_signal_set.hpp>
#include <signal.h>

#include <array>
#include <optional>
#include <utility>

namespace rocketpush::detail {

/**
 * @brief SIGINT and SIGTERM for as long as it lives; then the handlers that were there before are back, where Asio's set
 *        leaves the default ones.
 */
class termination_signals {
  public:
    explicit termination_signals(asio::io_context& context) {
        for (auto& each : formers_)
            ::sigaction(each.number, nullptr, &each.before);
        set_.emplace(context, formers_[0].number, formers_[1].number);
        for (auto& each :
             formers_) // another set of Asio's is at work: it is not ours to take its handler away or bring it back
            each.shared = handler_of(each.number).sa_handler == each.before.sa_handler;
    }
    termination_signals(const termination_signals&)            = delete;
    termination_signals& operator=(const termination_signals&) = delete;

    ~termination_signals() {
        set_.reset();
        for (const auto& each : formers_)
            if (!each.shared && handler_of(each.number).sa_handler == SIG_DFL)
                ::sigaction(each.number, &each.before, nullptr);
    }

    /// @param token  Completion signature `void(std::error_code, int)`.
    template <class Token>
    auto async_wait(Token&& token) {
        return set_->async_wait(std::forward<Token>(token));
    }

  private:
    struct former {
        int number;
        struct sigaction before {};
        bool shared = false;
    };

    static struct sigaction handler_of(int number) noexcept {
        struct sigaction found {};
        ::sigaction(number, nullptr, &found);
        return found;
    }

    std::array<former, 2> formers_{former{SIGINT}, former{SIGTERM}};
    std::optional<asio::basic_signal_set<asio::io_context::executor_type>> set_;
};

} // namespace rocketpush::detail

#endif

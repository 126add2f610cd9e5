#include "tests/scenario/support/proxy.hpp"

#include <rocketpush/detail/async_event.hpp>
#include <rocketpush/detail/byte_order.hpp>

#include <asio/buffer.hpp>
#include <asio/write.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rocketpush::test {

namespace {

using executor    = manual_runtime::executor_type;
using stream_type = memory_stream<executor>;
using nothing     = detail::awaitable<void, executor>;

constexpr auto await_tuple = detail::await_tuple<executor>;

} // namespace

struct proxy::state {
    /// One client's connection and the one to the broker.
    struct link {
        link(stream_type accepted, const executor& where) : client(std::move(accepted)), broker(where) {}

        void close() {
            client.close();
            broker.close();
        }

        stream_type client;
        stream_type broker;
    };
    using link_ptr  = std::shared_ptr<link>;
    using state_ptr = std::shared_ptr<state>;

    state(manual_runtime& on, memory_acceptor<executor> accept, std::shared_ptr<memory_network> network, endpoint where)
        : runtime(on), acceptor(std::move(accept)), inside(std::move(network)), to(std::move(where)),
          speaks_again(on.get_executor()) {}

    static nothing accept_clients(state_ptr self) {
        for (;;) {
            auto [failure, stream] = co_await self->acceptor.async_accept(await_tuple);
            if (failure)
                co_return;
            auto one = std::make_shared<link>(std::move(stream), self->runtime.get_executor());
            self->links.push_back(one);
            asio::co_spawn(self->runtime.get_executor(), connect(self, one), asio::detached);
        }
    }

    static nothing connect(state_ptr self, link_ptr one) {
        const auto [failure] = co_await self->inside.async_connect(one->broker, self->to, await_tuple);
        if (failure) {
            one->close();
            co_return;
        }
        asio::co_spawn(self->runtime.get_executor(), pass_requests_on(self, one), asio::detached);
        asio::co_spawn(self->runtime.get_executor(), pass_answers_on(self, one), asio::detached);
    }

    static nothing pass_requests_on(state_ptr self, link_ptr one) {
        std::array<char, 4096> bytes;
        for (;;) {
            const auto [failure, size] = co_await one->client.async_read_some(asio::buffer(bytes), await_tuple);
            if (failure)
                break;
            while (self->silent)
                co_await self->speaks_again.async_wait(await_tuple);
            const auto [unsent, sent] = co_await asio::async_write(one->broker, asio::buffer(bytes.data(), size), await_tuple);
            if (unsent)
                break;
        }
        one->close();
    }

    static nothing pass_answers_on(state_ptr self, link_ptr one) {
        std::array<char, 4096> bytes;
        std::string pending;
        for (;;) {
            const auto [failure, size] = co_await one->broker.async_read_some(asio::buffer(bytes), await_tuple);
            if (failure)
                break;
            pending.append(bytes.data(), size);
            bool ended = false;
            while (auto frame = take_frame(pending)) {
                while (self->silent)
                    co_await self->speaks_again.async_wait(await_tuple);
                auto changed = self->change ? self->change(std::move(*frame)) : instead{std::move(*frame)};
                const auto [unsent, sent] = co_await asio::async_write(one->client, asio::buffer(changed.bytes), await_tuple);
                ended                     = unsent || changed.then_close;
                if (ended)
                    break;
            }
            if (ended)
                break;
        }
        one->close();
    }

    static std::optional<std::string> take_frame(std::string& bytes) {
        if (bytes.size() < 4)
            return std::nullopt;
        const auto size = 4 + static_cast<std::size_t>(detail::load_big<std::uint32_t>(bytes.data()));
        if (bytes.size() < size)
            return std::nullopt;
        auto frame = bytes.substr(0, size);
        bytes.erase(0, size);
        return frame;
    }

    void end() {
        acceptor.close();
        for (const auto& weak : links)
            if (const auto one = weak.lock())
                one->close();
        silent = false;
        speaks_again.signal();
    }

    manual_runtime runtime;
    memory_acceptor<executor> acceptor;
    memory_transport inside;
    endpoint to;
    detail::async_event<executor> speaks_again;
    change_function change;
    std::vector<std::weak_ptr<link>> links;
    bool silent = false;
};

proxy::proxy(manual_runtime& runtime, std::shared_ptr<memory_network> outside, const endpoint& at,
             std::shared_ptr<memory_network> inside, const endpoint& to) {
    auto acceptor = memory_transport(std::move(outside)).listen(runtime.get_executor(), at);
    state_        = std::make_shared<state>(runtime, std::move(acceptor.value()), std::move(inside), to);
    asio::co_spawn(runtime.get_executor(), state::accept_clients(state_), asio::detached);
}

proxy::~proxy() {
    state_->end();
    state_->runtime.run_ready();
}

void proxy::change_answers(change_function function) { state_->change = std::move(function); }

void proxy::fall_silent() { state_->silent = true; }

void proxy::speak_again() {
    state_->silent = false;
    state_->speaks_again.signal();
}

void proxy::crash() { state_->end(); }

} // namespace rocketpush::test

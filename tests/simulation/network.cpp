#include "tests/simulation/network.hpp"

#include <asio/post.hpp>

#include <algorithm>

namespace rocketpush::simulation {

void network::wake(std::weak_ptr<detail::waiter>& who) {
    if (const auto waiting = std::exchange(who, {}).lock())
        waiting->event.signal();
}

line_state network::state(const std::string& host) const {
    const auto found = states_.find(host);
    return found == states_.end() ? line_state::open : found->second;
}

std::string_view name_of(line_state how) {
    constexpr std::string_view names[] = {"open", "frozen", "deaf", "mute", "refusing", "dead"};
    return names[static_cast<std::size_t>(how)];
}

void network::set(const std::string& host, line_state state) {
    states_[host] = state;
    if (state == line_state::refusing)
        reset(host);
    for (const auto& each : alive()) // what has waited may arrive
        for (auto& one : each->pipes)
            wake(one.reader);
}

void network::break_off(detail::connection& one) {
    one.broken = true;
    for (auto& each : one.pipes) {
        each.packets.clear();
        each.size = each.begin = 0;
        wake(each.reader);
        wake(each.writer);
    }
}

void network::reset(const std::string& host) {
    for (const auto& each : alive())
        if (each->hosts[0] == host || each->hosts[1] == host)
            break_off(*each);
}

bool network::reset_any() {
    auto all = alive();
    std::erase_if(all, [](const auto& one) { return one->broken; });
    if (all.empty())
        return false;
    break_off(*dice_.one_in(all));
    return true;
}

std::size_t network::connections() { return alive().size(); }

std::vector<std::shared_ptr<detail::connection>> network::alive() {
    std::vector<std::shared_ptr<detail::connection>> all;
    std::erase_if(connections_, [&](const auto& weak) {
        if (auto one = weak.lock()) {
            all.push_back(std::move(one));
            return false;
        }
        return true;
    });
    return all;
}

std::shared_ptr<detail::listener> network::listen(const std::string& host, const endpoint& at) {
    auto made     = std::make_shared<detail::listener>();
    made->host    = host;
    listeners_[at] = made;
    return made;
}

void network::end_listening(const endpoint& at) { listeners_.erase(at); }

network::attempt network::begin_connect(const std::string& from, const endpoint& to) {
    const auto found = listeners_.find(to);
    const auto there = found == listeners_.end() ? line_state::refusing : state(found->second->host);
    const auto here  = state(from);
    if (here != line_state::open || (there != line_state::open && there != line_state::refusing) || happens(now.unanswered))
        return {};
    auto at = runtime_.now() + delay();
    if (happens(now.slow_connect))
        at += now.slow;
    if (there == line_state::refusing || happens(now.refused))
        return {at, asio::error::connection_refused};
    return {at, {}};
}

std::shared_ptr<detail::connection> network::connect(const std::string& from, const endpoint& to) {
    const auto found = listeners_.find(to);
    if (found == listeners_.end() || state(found->second->host) != line_state::open)
        return nullptr;
    auto made      = std::make_shared<detail::connection>();
    made->names[0] = {from, next_port()};
    made->names[1] = to;
    made->hosts[0] = from;
    made->hosts[1] = found->second->host;
    connections_.push_back(made);
    found->second->backlog.push_back(made);
    wake(found->second->acceptor);
    return made;
}

bool network::arrives(const detail::connection& on, std::size_t reader) const {
    const auto at = state(on.hosts[reader]), from = state(on.hosts[1 - reader]);
    using enum line_state;
    const bool heard = at == open || at == mute;
    const bool sent  = from == open || from == deaf;
    return heard && sent;
}

detail::outcome network::read(detail::connection& from, std::size_t side, const asio::mutable_buffer& into,
                              const std::shared_ptr<detail::waiter>& who) {
    auto& pipe = from.pipes[side];
    if (from.broken)
        return std::pair(std::error_code(asio::error::connection_reset), std::size_t(0));
    if (pipe.packets.empty() || pipe.packets.front().arrives > runtime_.now() || !arrives(from, side)) {
        pipe.reader = who;
        return std::nullopt;
    }
    auto& packet = pipe.packets.front();
    if (packet.bytes.empty())
        return std::pair(std::error_code(asio::error::eof), std::size_t(0));
    const auto count = asio::buffer_copy(into, asio::buffer(packet.bytes) + pipe.begin);
    pipe.begin += count;
    pipe.size -= count;
    if (pipe.begin == packet.bytes.size()) {
        pipe.packets.pop_front();
        pipe.begin = 0;
    }
    wake(pipe.writer);
    return std::pair(std::error_code(), count);
}

detail::outcome network::write(const std::shared_ptr<detail::connection>& to, std::size_t side, const asio::const_buffer& bytes,
                               const std::shared_ptr<detail::waiter>& who) {
    auto& pipe = to->pipes[1 - side];
    if (to->broken)
        return std::pair(std::error_code(asio::error::connection_reset), std::size_t(0));
    if (pipe.reader_ended)
        return std::pair(std::error_code(asio::error::broken_pipe), std::size_t(0));
    if (pipe.cut)
        return std::pair(std::error_code(), bytes.size());
    const auto room = capacity - std::min(capacity, pipe.size);
    if (room < std::min(bytes.size(), capacity / 2)) { // as TCP: or a full pipe would be refilled byte by byte for ever after
        pipe.writer = who;
        return std::nullopt;
    }
    const auto count = std::min(room, bytes.size());
    const std::string_view all(static_cast<const char*>(bytes.data()), count);
    const bool resets = happens(now.reset);
    for (std::size_t at = 0; at < count;) {
        const auto most = count - at;
        const auto part = happens(now.split) ? 1 + static_cast<std::size_t>(dice_.number() % most) : most;
        pipe.last       = std::max(pipe.last, runtime_.now() + delay());
        pipe.packets.push_back({pipe.last, std::string(all.substr(at, part))});
        at += part;
        if (resets) { // the rest never comes
            pipe.cut        = true;
            const auto when = pipe.last;
            auto timer      = std::make_shared<manual_runtime::timer>(runtime_);
            timer->expires_at(when);
            timer->async_wait([timer, self = weak_from_this(), weak = std::weak_ptr(to)](std::error_code) {
                const auto alive = self.lock();
                if (const auto one = weak.lock(); one && alive)
                    alive->break_off(*one);
            });
            break;
        }
        wake_at(pipe.last, to, 1 - side);
    }
    pipe.size += count;
    return std::pair(std::error_code(), count);
}

void network::wake_at(time_point at, const std::shared_ptr<detail::connection>& on, std::size_t reader) {
    auto timer = std::make_shared<manual_runtime::timer>(runtime_);
    timer->expires_at(at);
    timer->async_wait([timer, weak = std::weak_ptr(on), reader](std::error_code) {
        if (const auto one = weak.lock())
            wake(one->pipes[reader].reader);
    });
}

void network::end(const std::shared_ptr<detail::connection>& of, std::size_t side) {
    if (of->broken)
        return;
    auto& out       = of->pipes[1 - side];
    out.writer_ended = true;
    out.last         = std::max(out.last, runtime_.now() + delay());
    out.packets.push_back({out.last, {}});
    wake_at(out.last, of, 1 - side);
    auto& in        = of->pipes[side];
    in.reader_ended = true;
    in.packets.clear();
    in.size = in.begin = 0;
    wake(in.writer);
    if (in.writer_ended)
        of->broken = true; // both have gone
}

} // namespace rocketpush::simulation

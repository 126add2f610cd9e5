#ifndef ROCKETPUSH_EMBEDDED_OUTBOX_HPP
#define ROCKETPUSH_EMBEDDED_OUTBOX_HPP

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rocketpush::embedded {

/// Names a client's connection as long as the broker lives; never given twice.
using connection_id = std::uint64_t;

/**
 * @brief What the broker's logic wants to have done: frames to be written, connections to be closed.
 *
 * Frames are encoded in place, one behind the other for each connection; whoever writes them swaps the buffer out.
 */
class outbox {
  public:
    void open(connection_id connection) { connections_.try_emplace(connection); }

    /// Whether the connection is open.
    bool knows(connection_id connection) const { return connections_.contains(connection); }

    /// Where frames for a connection go: append only. What goes to a connection that has ended is dropped.
    std::string& frames_to(connection_id connection) {
        const auto found = connections_.find(connection);
        if (found != connections_.end()) {
            if (found->second.empty())
                fresh_.push_back(connection);
            return found->second;
        }
        nowhere_.clear();
        return nowhere_;
    }

    /// The connection has to be closed; nothing is written to it any more.
    void close(connection_id connection) {
        if (connections_.erase(connection) != 0)
            closing_.push_back(connection);
    }

    /// The connection has ended by itself.
    void forget(connection_id connection) { connections_.erase(connection); }

    /// Bytes that wait for a connection.
    std::size_t waiting_for(connection_id connection) const {
        const auto found = connections_.find(connection);
        return found == connections_.end() ? 0 : found->second.size();
    }

    /// Gives the frames for a connection out, in place of those in `frames`. @return Whether there were any.
    bool take_frames(connection_id connection, std::string& frames) {
        frames.clear();
        if (const auto found = connections_.find(connection); found != connections_.end())
            found->second.swap(frames);
        return !frames.empty();
    }

    /// Connections that have got frames since they were asked for last.
    std::vector<connection_id> take_fresh() { return std::exchange(fresh_, {}); }

    /// Connections that have to be closed.
    std::vector<connection_id> take_closing() { return std::exchange(closing_, {}); }

    /// Connections that are open, oldest first.
    std::vector<connection_id> connections() const {
        std::vector<connection_id> all;
        for (const auto& [id, frames] : connections_)
            all.push_back(id);
        return all;
    }

  private:
    std::map<connection_id, std::string> connections_;
    std::vector<connection_id> fresh_;
    std::vector<connection_id> closing_;
    std::string nowhere_;
};

} // namespace rocketpush::embedded

#endif

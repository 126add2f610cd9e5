// compare_shares FILE : whether our strategies give the shares that Shares.java wrote to FILE.
#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/allocation/circle_allocation.hpp>
#include <rocketpush/allocation/consistent_hash_allocation.hpp>
#include <rocketpush/allocation/fixed_allocation.hpp>
#include <rocketpush/allocation/machine_room_allocation.hpp>
#include <rocketpush/allocation/nearby_allocation.hpp>
#include <rocketpush/detail/java_string.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace rocketpush;

/// As `Shares.room`.
struct room_by_name {
    std::string operator()(const message_queue& queue) const { return (*this)(queue.broker_name); }
    std::string operator()(const std::string& name) const {
        return name.starts_with('@') ? "nameless" : name.substr(0, name.find('@'));
    }
};

/// Java's `String.hashCode`, or its remainder, whose sign is that of the hash.
struct own_hash {
    std::int32_t modulo = 0; ///< 0: none.

    std::int64_t operator()(std::string_view text) const {
        const auto hash = detail::java_hash(text);
        return modulo == 0 ? hash : hash % modulo;
    }
};

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(separator, at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::size_t number(const std::string& word) { return static_cast<std::size_t>(std::stoul(word)); }

class comparison {
  public:
    void take(const std::string& line) {
        auto words      = split(line, '\t');
        const auto what = words.front();
        words.erase(words.begin());
        if (what == "given-members") {
            members_ = std::move(words);
        } else if (what == "given-queues") {
            queues_ = queues_of(words);
        } else if (what == "members") {
            std::ranges::sort(members_, detail::java_less());
            expect("members sort alike", members_ == words, line);
            ++cases_;
        } else if (what == "queues") {
            std::ranges::sort(queues_);
            expect("queues sort alike", queues_ == queues_of(words), line);
        } else if (what == "share") {
            compare(words, line);
        } else {
            throw std::runtime_error("no such line: " + line);
        }
    }

    bool is_good() const {
        for (const auto& [name, shares] : compared_)
            std::printf("ok      %s: %zu shares\n", name.c_str(), shares);
        std::printf("%s  %zu groups and topics, %zu differences\n", failures_ == 0 ? "ok    " : "FAILED", cases_,
                    failures_);
        return failures_ == 0 && compared_.size() == 8 && cases_ == 5 * 7 * 64;
    }

  private:
    void compare(const std::vector<std::string>& words, const std::string& line) {
        const auto& name      = words.at(0);
        const auto& parameter = words.at(1);
        std::vector<message_queue> expected;
        for (std::size_t i = 3; i < words.size(); ++i)
            expected.push_back(queues_.at(number(words[i])));
        const allocation_request request{"billing", members_.at(number(words.at(2))), members_, queues_};
        const auto same = [&](const auto& strategy) {
            const allocation share = strategy.allocate(request);
            expect("equal shares", share && *share == expected && strategy.name() == name, line);
            ++compared_[name];
        };
        if (name == "AVG") {
            same(average_allocation());
        } else if (name == "AVG_BY_CIRCLE") {
            same(circle_allocation());
        } else if (name == "CONSISTENT_HASH" && parameter == "hashCode") {
            same(basic_consistent_hash_allocation(3, own_hash()));
        } else if (name == "CONSISTENT_HASH" && parameter == "hashCode % 7") {
            same(basic_consistent_hash_allocation(3, own_hash{7}));
        } else if (name == "CONSISTENT_HASH") {
            same(consistent_hash_allocation(number(parameter)));
        } else if (name == "CONFIG") {
            std::vector<message_queue> list;
            for (const auto& index : split(parameter, ','))
                list.push_back(queues_.at(number(index)));
            std::ranges::sort(expected); // ours is in the order of the topic
            same(fixed_allocation(list));
        } else if (name == "MACHINE_ROOM") {
            same(machine_room_allocation(split(parameter, ',')));
        } else {
            std::ranges::sort(expected); // Java's is room by room
            compare_nearby(name, same);
        }
    }

    template <class Same>
    static void compare_nearby(const std::string& name, const Same& same) {
        if (name.ends_with("-AVG"))
            same(nearby_allocation{average_allocation(), room_by_name(), room_by_name()});
        else if (name.ends_with("-AVG_BY_CIRCLE"))
            same(nearby_allocation{circle_allocation(), room_by_name(), room_by_name()});
        else
            same(nearby_allocation{consistent_hash_allocation(), room_by_name(), room_by_name()});
    }

    static std::vector<message_queue> queues_of(const std::vector<std::string>& words) {
        std::vector<message_queue> queues;
        for (std::size_t i = 0; i + 2 < words.size(); i += 3)
            queues.push_back({words[i], words[i + 1], static_cast<std::int32_t>(number(words[i + 2]))});
        return queues;
    }

    void expect(const char* what, bool holds, const std::string& line) {
        if (holds)
            return;
        if (++failures_ <= 5)
            std::printf("FAILED  %s: %s\n", what, line.c_str());
    }

    std::vector<std::string> members_;
    std::vector<message_queue> queues_;
    std::map<std::string, std::size_t> compared_; ///< By strategy.
    std::size_t cases_    = 0;
    std::size_t failures_ = 0;
};

} // namespace

int main(int count, char** arguments) try {
    std::ifstream file(count == 2 ? arguments[1] : "");
    comparison all;
    std::string line;
    while (std::getline(file, line) && line != "end")
        all.take(line);
    if (line != "end")
        throw std::runtime_error("the file does not go to its end");
    return all.is_good() ? 0 : 1;
} catch (const std::exception& problem) {
    std::fprintf(stderr, "compare_shares: %s\n", problem.what());
    return 1;
}

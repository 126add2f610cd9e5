#include <rocketpush/detail/bounded_queue.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

namespace {

using rocketpush::detail::bounded_queue;

template <class T>
bool push(bounded_queue<T>& queue, T value) {
    return queue.push([&](T& place) { place = value; });
}
template <class T>
std::vector<T> empty_out(bounded_queue<T>& queue) {
    std::vector<T> found;
    while (queue.pop([&](const T& value) { found.push_back(value); })) {
    }
    return found;
}

TEST_CASE("a bounded queue gives back in order, refuses when it is full, and goes round", "[bounded_queue]") {
    bounded_queue<int> queue(3);
    CHECK(queue.capacity() == 4);
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 4; ++i)
            CHECK(push(queue, i));
        CHECK(queue.size() == 4);
        CHECK_FALSE(push(queue, 9));
        CHECK(empty_out(queue) == std::vector{0, 1, 2, 3});
        CHECK(queue.size() == 0);
    }
}

TEST_CASE("a place keeps what it had, so that its memory is used again", "[bounded_queue]") {
    bounded_queue<std::string> queue(2);
    const char* first = nullptr;
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 2; ++i) {
            queue.push([&](std::string& place) {
                place.assign(100, 'x');
                if (round == 0 && i == 0)
                    first = place.data();
                else if (i == 0)
                    CHECK(place.data() == first);
            });
            queue.pop([](const std::string&) {});
        }
}

TEST_CASE("whoever throws while filling a place leaves an empty one, and the queue goes on", "[bounded_queue]") {
    bounded_queue<int> queue(4);
    CHECK_THROWS_AS(queue.push([](int& place) {
        place = 5;
        throw std::runtime_error("no");
    }),
                    std::runtime_error);
    CHECK(push(queue, 6));
    CHECK(empty_out(queue) == std::vector{0, 6});
}

TEST_CASE("what many threads put in comes out once, each thread's in its order", "[bounded_queue]") {
    constexpr int threads = 3, each = 20'000;
    bounded_queue<int> queue(64);
    std::atomic<int> done{0};
    std::vector<std::thread> fillers;
    for (int t = 0; t < threads; ++t)
        fillers.emplace_back([&, t] {
            for (int i = 0; i < each; ++i)
                while (!push(queue, t * each + i))
                    std::this_thread::yield();
            ++done;
        });
    std::vector<int> next(threads, 0);
    int found      = 0;
    bool in_order  = true;
    const auto see = [&](int value) {
        auto& expected = next[static_cast<std::size_t>(value / each)];
        in_order       = in_order && value % each == expected++;
        ++found;
    };
    while (done < threads || queue.size() != 0)
        if (!queue.pop(see))
            std::this_thread::yield();
    for (auto& one : fillers)
        one.join();
    CHECK(found == threads * each);
    CHECK(in_order);
}

} // namespace

#ifndef ROCKETPUSH_TESTS_SIMULATION_CHANCE_HPP
#define ROCKETPUSH_TESTS_SIMULATION_CHANCE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>

namespace rocketpush::simulation {

/// Everything random of a world. The standard's distributions may differ from library to library; these do not.
class chance {
  public:
    explicit chance(std::uint64_t seed) : random_(seed) {}

    std::uint64_t number() { return random_(); }

    /// True with this probability; nothing is drawn for what never happens.
    bool happens(double rate) {
        constexpr double of_53_bits = 1.0 / static_cast<double>(std::uint64_t{1} << 53);
        return rate > 0 && static_cast<double>(random_() >> 11) * of_53_bits < rate;
    }

    /// From `least` to `most`, both included.
    int between(int least, int most) {
        return least + static_cast<int>(random_() % static_cast<std::uint64_t>(most - least + 1));
    }
    template <class Rep, class Period>
    std::chrono::duration<Rep, Period> between(std::chrono::duration<Rep, Period> least, std::chrono::duration<Rep, Period> most) {
        const auto more = random_() % static_cast<std::uint64_t>((most - least).count() + 1);
        return least + std::chrono::duration<Rep, Period>(static_cast<Rep>(more));
    }

    template <class T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[random_() % values.size()];
    }
    /// One of what a container holds, which is not empty.
    template <class All>
    auto& one_in(All& all) {
        return all[static_cast<std::size_t>(random_() % all.size())];
    }

  private:
    std::mt19937_64 random_;
};

} // namespace rocketpush::simulation

#endif

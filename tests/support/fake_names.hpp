#ifndef ROCKETPUSH_TESTS_SUPPORT_FAKE_NAMES_HPP
#define ROCKETPUSH_TESTS_SUPPORT_FAKE_NAMES_HPP

#include <dlfcn.h>
#include <netdb.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace rocketpush::test {

/**
 * @brief Host names that only this test program knows, in place of DNS: the resolver of the system is asked for everything else.
 *
 * Included by one source of a program, since it defines the system's function.
 *
 * @par Thread safety  All from any thread; Asio resolves in a thread of its own.
 */
class fake_names {
  public:
    static void set(const std::string& name, std::vector<std::string> addresses) {
        const std::lock_guard lock(mutex());
        known()[name] = {std::move(addresses), 0};
    }
    /// How often the name was looked up since it was set.
    static std::size_t times_asked(const std::string& name) {
        const std::lock_guard lock(mutex());
        return known()[name].asked;
    }

    static int look_up(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
        using function         = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
        static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "getaddrinfo"));
        std::vector<std::string> addresses;
        {
            const std::lock_guard lock(mutex());
            const auto here = name ? known().find(name) : known().end();
            if (here == known().end())
                return real(name, service, hints, found);
            ++here->second.asked;
            addresses = here->second.addresses;
        }
        auto** end = found;
        for (const auto& each : addresses) { // the system's lists may be joined, and are freed link by link
            if (const int failure = real(each.c_str(), service, hints, end))
                return failure;
            (*end)->ai_next = nullptr;
            end             = &(*end)->ai_next;
        }
        return addresses.empty() ? EAI_NONAME : 0;
    }

  private:
    struct entry {
        std::vector<std::string> addresses;
        std::size_t asked = 0;
    };
    static std::mutex& mutex() {
        static std::mutex instance;
        return instance;
    }
    static std::map<std::string, entry>& known() {
        static std::map<std::string, entry> instance;
        return instance;
    }
};

} // namespace rocketpush::test

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    return rocketpush::test::fake_names::look_up(name, service, hints, found);
}

#endif

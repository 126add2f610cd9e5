#ifndef ROCKETPUSH_DETAIL_POLICY_ROLES_HPP
#define ROCKETPUSH_DETAIL_POLICY_ROLES_HPP

#include <rocketpush/allocation/average_allocation.hpp>
#include <rocketpush/executor/thread_pool_executor.hpp>
#include <rocketpush/observe/log_observer.hpp>
#include <rocketpush/offset_store/broker_offset_store.hpp>
#include <rocketpush/runtime/asio_runtime.hpp>
#include <rocketpush/transport/tcp_transport.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

/*
 * Sorts policies that are given in any order into their slots. Each function of the overload set `role_of` stands for one
 * role; for a type that has none the compiler lists them all, each with the requirement that the type does not meet.
 */
namespace rocketpush::detail {

enum class role { transport, allocation, offset_store, executor, observer, runtime };

template <role R>
using role_constant = std::integral_constant<role, R>;

template <transport P>
role_constant<role::transport> role_of(std::type_identity<P>);
template <allocation_strategy P>
role_constant<role::allocation> role_of(std::type_identity<P>);
template <offset_store P>
role_constant<role::offset_store> role_of(std::type_identity<P>);
template <executor_policy P>
role_constant<role::executor> role_of(std::type_identity<P>);
template <observer P>
role_constant<role::observer> role_of(std::type_identity<P>);
template <runtime P>
role_constant<role::runtime> role_of(std::type_identity<P>);

/// The one type among `Given` that has role `R`, or `Default`.
template <role R, class Default, class... Given>
struct policy_of {
    using type = Default;
};
template <role R, class Default, class First, class... Rest>
struct policy_of<R, Default, First, Rest...> {
    static constexpr bool here = decltype(role_of(std::type_identity<First>()))::value == R;
    using type = typename std::conditional_t<here, std::type_identity<First>, policy_of<R, Default, Rest...>>::type;
};

template <role R, class... Given>
inline constexpr std::size_t count_of =
    (std::size_t{0} + ... + (decltype(role_of(std::type_identity<Given>()))::value == R));

/// A list of policies, sorted: at most one for each slot, defaults for the others.
template <class... Given>
struct sorted_policies {
    static_assert(count_of<role::transport, Given...> <= 1, "two policies are given for the slot Transport");
    static_assert(count_of<role::allocation, Given...> <= 1, "two policies are given for the slot Allocation");
    static_assert(count_of<role::offset_store, Given...> <= 1, "two policies are given for the slot OffsetStore");
    static_assert(count_of<role::executor, Given...> <= 1, "two policies are given for the slot Executor");
    static_assert(count_of<role::observer, Given...> <= 1,
                  "two policies are given for the slot Observer; join them with observers{}");
    static_assert(count_of<role::runtime, Given...> <= 1, "two policies are given for the slot Runtime");

    using transport    = typename policy_of<role::transport, tcp_transport, Given...>::type;
    using allocation   = typename policy_of<role::allocation, average_allocation, Given...>::type;
    using offset_store = typename policy_of<role::offset_store, broker_offset_store, Given...>::type;
    using executor     = typename policy_of<role::executor, thread_pool_executor, Given...>::type;
    using observer     = typename policy_of<role::observer, log_observer, Given...>::type;
    using runtime      = typename policy_of<role::runtime, asio_runtime, Given...>::type;
};

template <class T, class... Types>
concept one_of = (std::same_as<T, Types> || ...);

/// Takes the value of type `Policy` out of `given`; a default one if there is none.
template <class Policy, class... Given>
Policy take_policy(std::tuple<Given...>& given) {
    if constexpr (one_of<Policy, Given...>) {
        return std::move(std::get<Policy>(given));
    } else {
        static_assert(std::default_initializable<Policy>,
                      "a policy without a default constructor is given to the consumer as a value");
        return Policy();
    }
}

} // namespace rocketpush::detail

#endif

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
 * Sorts policies that are given in any order into their slots. What fits none is an error in words about the role that it seems to
 * be meant for; about all of them if it looks like nothing.
 */
namespace rocketpush::detail {

enum class role { none, transport, allocation, offset_store, executor, observer, runtime };

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

template <class P>
concept has_role = requires { role_of(std::type_identity<P>()); };

template <class P>
constexpr role role_or_none() noexcept {
    if constexpr (has_role<P>)
        return decltype(role_of(std::type_identity<P>()))::value;
    else
        return role::none;
}

// What a type seems to be meant for: each by a member that no other role has.
template <class P>
concept like_a_transport = requires { typename P::template stream<probe_executor>; };
template <class P>
concept like_a_strategy = requires { &P::allocate; };
template <class P>
concept like_a_store = requires { &P::template read<offset_access_archetype>; };
template <class P>
concept like_an_executor = requires(P& policy) { policy.execute(probe_job()); };
template <class P>
concept like_a_runtime = requires { typename P::timer; };
template <class P>
concept like_an_observer = requires { &P::on_started; } || requires { &P::on_pull; } || requires { &P::after_consume; };

template <transport P>
struct slot_transport {};
template <allocation_strategy P>
struct slot_allocation {};
template <offset_store P>
struct slot_offset_store {};
template <executor_policy P>
struct slot_executor {};
template <observer P>
struct slot_observer {};
template <runtime P>
struct slot_runtime {};

/// Compiles for what fits a slot. (Its type is not written down, so that whoever asks for it has it compiled.)
template <class P>
constexpr auto explain_role() noexcept {
    if constexpr (has_role<P>) {
    } else if constexpr (like_a_transport<P>) {
        slot_transport<P>();
    } else if constexpr (like_a_strategy<P>) {
        slot_allocation<P>();
    } else if constexpr (like_a_store<P>) {
        slot_offset_store<P>();
    } else if constexpr (like_an_executor<P>) {
        slot_executor<P>();
    } else if constexpr (like_a_runtime<P>) {
        slot_runtime<P>();
    } else if constexpr (like_an_observer<P>) {
        slot_observer<P>();
    } else {
        role_of(std::type_identity<P>());
    }
}

/// The one type among `Given` that has role `R`, or `Default`.
template <role R, class Default, class... Given>
struct policy_of {
    using type = Default;
};
template <role R, class Default, class First, class... Rest>
struct policy_of<R, Default, First, Rest...> {
    using type = typename std::conditional_t<role_or_none<First>() == R, std::type_identity<First>,
                                             policy_of<R, Default, Rest...>>::type;
};

template <role R, class... Given>
inline constexpr std::size_t count_of = (std::size_t{0} + ... + (role_or_none<Given>() == R));

/// `L`, or an error that says why it is none. (clang does not tell why a deduction guide's class refused it.)
template <class L>
struct explained_listener {
    static_assert(listener<L>, "the value behind the options is no listener: it takes a message or a span of them");
    using type = L;
};

/// A list of policies, sorted: at most one for each slot, defaults for the others.
template <class... Given>
struct sorted_policies {
    using explained = std::void_t<decltype(explain_role<Given>())...>;

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

#ifndef ROCKETPUSH_DETAIL_PLANTED_HPP
#define ROCKETPUSH_DETAIL_PLANTED_HPP

/**
 * @file
 * Whether a known mistake was planted here, so that the tests can be tested: does the simulator find it? Its build defines the macro
 * before anything else (tests/simulation/planted.hpp); everywhere else there is none, and nothing is left of the question.
 */
#ifndef ROCKETPUSH_PLANTED
#define ROCKETPUSH_PLANTED(bug) false
#endif

/// Stands where a consumer asks for memory for messages: the simulator has it fail at times, by `std::bad_alloc`.
#ifndef ROCKETPUSH_TAKES_MEMORY
#define ROCKETPUSH_TAKES_MEMORY() static_cast<void>(0)
#endif

#endif

#ifndef ROCKETPUSH_DETAIL_ASSERT_HPP
#define ROCKETPUSH_DETAIL_ASSERT_HPP

/**
 * A broken precondition is a bug of the caller. Users may define ROCKETPUSH_ASSERT before the first include to
 * route it elsewhere; by default it is the standard `assert`, so a release build does not pay for it.
 */
#ifndef ROCKETPUSH_ASSERT
#include <cassert>
#define ROCKETPUSH_ASSERT(condition, promise) assert((condition) && (promise))
#endif

#endif

// What the precompiled header holds. The everyday build uses it for whole consumers only, which include everything anyway, so that
// each header proves in the tests of its folder that it includes what it uses; the `single-header` and sanitizer builds use it for all.
#include <rocketpush/embedded.hpp>

#include "catch.hpp"

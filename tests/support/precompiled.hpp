// What the precompiled header of the `single-header` and sanitizer builds holds. The everyday build does without it, so that each
// header proves there that it includes what it uses.
#include <rocketpush/embedded.hpp>

#include "catch.hpp"

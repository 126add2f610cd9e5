// The precompiled header needs one unit to be built with; the test programs use it too.

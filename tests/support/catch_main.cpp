// Catch2's main, compiled once for all test programs. Version 3 brings its runner as a library, version 2 as this macro.
#define CATCH_CONFIG_RUNNER
#include "catch.hpp"

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }

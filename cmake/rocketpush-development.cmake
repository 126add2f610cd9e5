# For this project's own tests and examples; users of the library never see it.

option(ROCKETPUSH_WARNINGS_AS_ERRORS "Treat warnings in tests and examples as errors" OFF)
set(ROCKETPUSH_SANITIZE "" CACHE STRING "Sanitizers of tests and examples: address,undefined or thread")

# ccache, when it is there and nobody chose otherwise. Precompiled headers need the looser rules.
find_program(ROCKETPUSH_CCACHE ccache)
mark_as_advanced(ROCKETPUSH_CCACHE)
if(ROCKETPUSH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        # What one clone compiled serves the next: paths count from the source folder.
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${ROCKETPUSH_CCACHE})
endif()

# What tests and examples are compiled with.
add_library(rocketpush_development INTERFACE)
target_compile_options(rocketpush_development INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    # gcc 12 takes a std::variant's unused alternative for an uninitialised read once it optimises.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    $<$<BOOL:${ROCKETPUSH_WARNINGS_AS_ERRORS}>:-Werror>)
target_compile_definitions(rocketpush_development INTERFACE ASIO_NO_DEPRECATED)
if(ROCKETPUSH_SANITIZE)
    target_compile_options(rocketpush_development INTERFACE
        -fsanitize=${ROCKETPUSH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(rocketpush_development INTERFACE -fsanitize=${ROCKETPUSH_SANITIZE})
    if(ROCKETPUSH_SANITIZE STREQUAL "thread") # tests that count allocations have an operator new of their own, and so has that
        target_link_options(rocketpush_development INTERFACE LINKER:--allow-multiple-definition)
    endif()
endif()

# rocketpush_example(NAME SOURCE...) : one program of examples/; it stands at the top of the build folder, where a person looks.
function(rocketpush_example name)
    add_executable(${name} ${ARGN})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_link_libraries(${name} PRIVATE rocketpush::rocketpush rocketpush_development)
endfunction()

# cmake -D COMPILER=... -D ARGUMENTS=FILE -D CASE=FILE.cpp [-D DEFINITION=NAME] -P check.cmake

cmake_minimum_required(VERSION 3.22)

file(STRINGS ${CASE} first_line LIMIT_COUNT 1)
if(NOT first_line MATCHES "^// build error: (.+)$")
    message(FATAL_ERROR "${CASE}: the first line must be `// build error: PATTERN`")
endif()
set(pattern "${CMAKE_MATCH_1}")
set(definition)
if(DEFINITION)
    set(definition -D${DEFINITION})
endif()

execute_process(COMMAND ${COMPILER} @${ARGUMENTS} ${definition} -DCONTROL ${CASE}
    RESULT_VARIABLE status ERROR_VARIABLE diagnostics)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "with -DCONTROL it must compile:\n${diagnostics}")
endif()

execute_process(COMMAND ${COMPILER} @${ARGUMENTS} ${definition} ${CASE} RESULT_VARIABLE status ERROR_VARIABLE diagnostics)
if(status EQUAL 0)
    message(FATAL_ERROR "it compiles, and must not")
endif()
# (CMake's `.` matches line ends: gcc names a concept in the notes after the error's own line.)
if(NOT diagnostics MATCHES "error:.*(${pattern})")
    message(FATAL_ERROR "the diagnostics do not name `${pattern}`:\n${diagnostics}")
endif()
message(STATUS "refused, and the compiler names `${pattern}`")

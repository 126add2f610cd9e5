# Finds what the headers need. Read by the build and, installed, by find_package(rocketpush): both see the same ROCKETPUSH_WITH_*.

include(CMakeFindDependencyMacro)

# In a package a missing dependency makes the package "not found"; in the build it is an error.
macro(rocketpush_need package)
    if(CMAKE_FIND_PACKAGE_NAME STREQUAL "rocketpush")
        find_dependency(${package})
    else()
        find_package(${package} REQUIRED)
    endif()
endmacro()

rocketpush_need(Threads)
rocketpush_need(fmt)

# Standalone Asio has neither a CMake package nor, on Debian, a pkg-config file: its header says where it is.
if(NOT TARGET rocketpush::asio)
    find_path(ROCKETPUSH_ASIO_INCLUDE_DIR asio.hpp DOC "The folder that holds standalone Asio's asio.hpp")
    mark_as_advanced(ROCKETPUSH_ASIO_INCLUDE_DIR)
    if(NOT ROCKETPUSH_ASIO_INCLUDE_DIR)
        message(FATAL_ERROR "rocketpush needs standalone Asio (Debian: libasio-dev); set ROCKETPUSH_ASIO_INCLUDE_DIR to its folder")
    endif()
    add_library(rocketpush::asio INTERFACE IMPORTED)
    set_target_properties(rocketpush::asio PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${ROCKETPUSH_ASIO_INCLUDE_DIR}"
        INTERFACE_COMPILE_DEFINITIONS ASIO_STANDALONE
        INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()

# rocketpush_find_pkg_config(NAME MODULE) : rocketpush::NAME from pkg-config; these three have no CMake package everywhere.
function(rocketpush_find_pkg_config name module)
    if(TARGET rocketpush::${name})
        return()
    endif()
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(rocketpush_${name} REQUIRED QUIET IMPORTED_TARGET ${module})
    add_library(rocketpush::${name} INTERFACE IMPORTED)
    set_target_properties(rocketpush::${name} PROPERTIES INTERFACE_LINK_LIBRARIES PkgConfig::rocketpush_${name})
endfunction()

if(ROCKETPUSH_WITH_ZLIB)
    rocketpush_need(ZLIB)
endif()
if(ROCKETPUSH_WITH_LZ4)
    rocketpush_find_pkg_config(lz4 liblz4)
endif()
if(ROCKETPUSH_WITH_ZSTD)
    rocketpush_find_pkg_config(zstd libzstd)
endif()
if(ROCKETPUSH_WITH_LIBDEFLATE)
    rocketpush_find_pkg_config(libdeflate libdeflate)
endif()
if(ROCKETPUSH_WITH_OPENSSL)
    rocketpush_need(OpenSSL)
endif()

# rocketpush_link_dependencies(TARGET) : links them, and says with ROCKETPUSH_WITH_*=1|0 which are there.
function(rocketpush_link_dependencies target)
    target_link_libraries(${target} INTERFACE rocketpush::asio fmt::fmt)
    set(library_ZLIB ZLIB::ZLIB)
    set(library_LZ4 rocketpush::lz4)
    set(library_ZSTD rocketpush::zstd)
    set(library_LIBDEFLATE rocketpush::libdeflate)
    # A consumer with another strategy and without TLS has nothing of it, and does not load it at every start.
    set(library_OPENSSL "$<$<PLATFORM_ID:Linux>:-Wl,--push-state,--as-needed>" OpenSSL::SSL OpenSSL::Crypto
        "$<$<PLATFORM_ID:Linux>:-Wl,--pop-state>")
    foreach(feature ZLIB LZ4 ZSTD LIBDEFLATE OPENSSL)
        if(ROCKETPUSH_WITH_${feature})
            target_link_libraries(${target} INTERFACE ${library_${feature}})
            target_compile_definitions(${target} INTERFACE ROCKETPUSH_WITH_${feature}=1)
        else()
            target_compile_definitions(${target} INTERFACE ROCKETPUSH_WITH_${feature}=0)
        endif()
    endforeach()
endfunction()

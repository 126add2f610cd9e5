# Installs the headers, a CMake package (find_package(rocketpush)) and rocketpush.pc.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/rocketpush) # share/: nothing here depends on the machine
set(pkg_config_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)

install(DIRECTORY include/rocketpush DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(TARGETS rocketpush rocketpush_requirements EXPORT rocketpush-targets)
install(EXPORT rocketpush-targets NAMESPACE rocketpush:: DESTINATION ${package_dir})

configure_package_config_file(cmake/rocketpush-config.cmake.in ${PROJECT_BINARY_DIR}/rocketpush-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rocketpush-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
    ${PROJECT_BINARY_DIR}/rocketpush-config.cmake
    ${PROJECT_BINARY_DIR}/rocketpush-config-version.cmake
    cmake/rocketpush-dependencies.cmake
    DESTINATION ${package_dir})

set(pkg_config_requires fmt)
set(pkg_config_definitions -DASIO_STANDALONE)
foreach(pair ZLIB:zlib LZ4:liblz4 ZSTD:libzstd LIBDEFLATE:libdeflate "OPENSSL:libssl libcrypto")
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 feature)
    list(GET pair 1 module)
    if(ROCKETPUSH_WITH_${feature})
        list(APPEND pkg_config_requires ${module})
        list(APPEND pkg_config_definitions -DROCKETPUSH_WITH_${feature}=1)
    else()
        list(APPEND pkg_config_definitions -DROCKETPUSH_WITH_${feature}=0)
    endif()
endforeach()
list(JOIN pkg_config_requires " " pkg_config_requires)
list(JOIN pkg_config_definitions " " pkg_config_definitions)
configure_file(cmake/rocketpush.pc.in ${PROJECT_BINARY_DIR}/rocketpush.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rocketpush.pc DESTINATION ${pkg_config_dir})

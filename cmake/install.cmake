# What `make install` leaves: headers, both libraries, pkg-config file, CMake package, program, man pages, completion.
include(CMakePackageConfigHelpers)
install(DIRECTORY include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS weir weir_static EXPORT weir-targets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

configure_file(cmake/weir.pc.in weir.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
set_target_properties(weir_static PROPERTIES EXPORT_NAME static)
install(EXPORT weir-targets NAMESPACE weir:: DESTINATION ${package})
configure_package_config_file(cmake/weir-config.cmake.in weir-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/weir-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/weir-config-version.cmake
        DESTINATION ${package})

if(TARGET weir_program)
  install(TARGETS weir_program DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

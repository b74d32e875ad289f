# libcurl, libwslay and SQLite are loaded when first needed (docs/decisions): only their headers are
# wanted here.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.43)
pkg_check_modules(SSL REQUIRED IMPORTED_TARGET openssl>=3.0)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2>=1.43)
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c>=1.3)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(CURL REQUIRED libcurl>=7.81)
find_path(WSLAY_INCLUDE_DIR wslay/wslay.h REQUIRED) # libwslay-dev has no pkg-config file
pkg_check_modules(SQLITE REQUIRED sqlite3>=3.37)
target_link_libraries(weir_private INTERFACE PkgConfig::UV PkgConfig::SSL PkgConfig::JANSSON PkgConfig::NGHTTP2
                      PkgConfig::PROTOBUF_C PkgConfig::ZLIB Threads::Threads ${CMAKE_DL_LIBS} m)

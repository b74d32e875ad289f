# What every file of weir is compiled with. weir_private carries it, and is never exported.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)

add_library(weir_private INTERFACE)
target_include_directories(weir_private INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR}/src)
target_compile_definitions(weir_private INTERFACE _GNU_SOURCE)

# Generated code (protobuf-c) is compiled without these.
set(WEIR_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wcast-qual -Wundef -Wformat=2 -Wimplicit-fallthrough)
option(WEIR_WERROR "Warnings are errors: for those who change weir" OFF)
if(WEIR_WERROR)
  list(APPEND WEIR_WARNINGS -Werror)
endif()
add_library(weir_warnings INTERFACE)
target_compile_options(weir_warnings INTERFACE ${WEIR_WARNINGS})

if(WEIR_SANITIZE)
  target_compile_options(weir_private INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer
                                                -fno-sanitize-recover=all)
  target_link_options(weir_private INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
  target_compile_options(weir_private INTERFACE -fsanitize=fuzzer-no-link) # what a fuzzer steers by
endif()

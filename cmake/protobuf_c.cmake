# weir_protobuf_c(FILE.proto VARIABLE): C code for its messages, as FILE.pb-c.c and .h in the current binary folder,
# appended to VARIABLE.
#
# Old protobuf-c compilers refuse proto3's `optional`. A copy of the file says instead what `optional` means on the
# wire and in memory: `optional T f = 1;` becomes `oneof _f { T f = 1; }`.
find_program(PROTOC_C protoc-c REQUIRED)
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${INPUT} text)
  string(REGEX REPLACE "optional ([A-Za-z0-9_.]+) ([A-Za-z0-9_]+) = ([0-9]+);" "oneof _\\2 { \\1 \\2 = \\3; }" text "${text}")
  file(WRITE ${OUTPUT} "${text}")
  return()
endif()

set(WEIR_PROTOBUF_C_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(weir_protobuf_c proto variable)
  get_filename_component(name ${proto} NAME_WE)
  set(copy ${CMAKE_CURRENT_BINARY_DIR}/${name}.proto)
  set(outputs ${CMAKE_CURRENT_BINARY_DIR}/${name}.pb-c.c ${CMAKE_CURRENT_BINARY_DIR}/${name}.pb-c.h)
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -DPROTOC_C=${PROTOC_C} -DINPUT=${proto} -DOUTPUT=${copy} -P ${WEIR_PROTOBUF_C_SCRIPT}
    COMMAND ${PROTOC_C} --proto_path=${CMAKE_CURRENT_BINARY_DIR} --c_out=${CMAKE_CURRENT_BINARY_DIR} ${copy}
    DEPENDS ${proto} ${WEIR_PROTOBUF_C_SCRIPT}
    COMMENT "Generating ${name}.pb-c.c")
  set(${variable} ${${variable}} ${outputs} PARENT_SCOPE)
endfunction()

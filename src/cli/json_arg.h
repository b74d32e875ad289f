/* cli/json_arg.h - JSON given on the command line: literal, @FILE, - (stdin), or the path of an
 * existing file. */
#ifndef CLI_JSON_ARG_H
#define CLI_JSON_ARG_H

#include <weir/error.h>

/* The text, checked to be a JSON object; release_memory() it. NULL: WEIR_INVALID with line and
 * column, naming `flag` and the file; WEIR_STORE when a file cannot be read. */
char *json_arg_object(const char *flag, const char *value, weir_error *err);
/* The same for JSON of any kind. */
char *json_arg_value(const char *flag, const char *value, weir_error *err);
/* Is a line of input a JSON object? WEIR_INVALID with line and column. */
weir_status json_arg_check_object(const char *text, size_t len, weir_error *err);
#endif

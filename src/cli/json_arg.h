/* cli/json_arg.h - JSON given on the command line: literal, @FILE, - (stdin), or the path of an
 * existing file. */
#ifndef CLI_JSON_ARG_H
#define CLI_JSON_ARG_H

#include <weir/error.h>

/* The text, checked to be a JSON object; release_memory() it. NULL: WEIR_INVALID with line and
 * column, naming `flag` and the file; WEIR_STORE when a file cannot be read. */
char *json_arg_object(const char *flag, const char *value, weir_error *err);
#endif

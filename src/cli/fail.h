/* cli/fail.h - the one way a command says that it failed: a line on stderr, or with -o json the
 * error document, and an exit status. Set up once, before any thread is started. */
#ifndef CLI_FAIL_H
#define CLI_FAIL_H

#include <weir/error.h>

#define EXIT_USAGE         64
#define EXIT_UNAVAILABLE   69
#define EXIT_FILE          74
#define EXIT_CLOSED_STDOUT 141

/* `area` stands in front of every message ("" for none) and is kept: not copied. */
void fail_setup(const char *area, bool json);

/* Each prints and returns the exit status. */
int fail_with(const weir_error *err);
int fail_usage(const char *fmt, ...) WEIR_PRINTF(1, 2);

/* A line for people on stderr, with -o json, too: what is worth knowing and no failure. */
void fail_note(const char *fmt, ...) WEIR_PRINTF(1, 2);

/* Fills *err, for what the program itself finds out. Returns `status`. */
weir_status fail_set(weir_error *err, weir_status status, const char *fmt, ...) WEIR_PRINTF(3, 4);
/* From errno: "...: No such file or directory"; WEIR_STORE. */
weir_status fail_set_system(weir_error *err, int errnum, const char *fmt, ...) WEIR_PRINTF(3, 4);

/* {"error":{...}} as printed with -o json, without the line's end; free the text with str_free. */
struct str;
void fail_document(struct str *out, const weir_error *err);
#endif

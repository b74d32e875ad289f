/* cli/value.h - how durations, sizes, numbers and switches are written on the command line and in
 * the environment. Each returns NULL when it understood, else what is wrong, to follow the value in
 * a message: "is no duration: ...". Pure; any thread. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <weir/base.h>

/* "250ms", "10s", "5m", "1h30m", "1.5h", "1m0s"; a bare number is milliseconds. Fractions of a
 * millisecond are rounded up, so that no wait becomes none. */
const char *value_duration(const char *text, weir_ms *ms);
/* "64KiB", "1MiB", "2GiB"; a bare number is bytes. */
const char *value_size(const char *text, int64_t *bytes);
const char *value_number(const char *text, int64_t *number);
/* true, false, 1, 0, in any case of letters. */
const char *value_switch(const char *text, bool *on);
/* `choices` as "text|json". */
bool value_is_choice(const char *text, const char *choices);
/* Duration as people write it: "10s", "1m30s", "250ms". `out` has room for 32 bytes. */
void value_show_duration(weir_ms ms, char out[32]);
/* As Go and zbctl write it: "5s", "1m30s", "1h0m0s", "1.5s", "100ms", "0s". Not negative. */
void value_show_go_duration(weir_ms ms, char out[32]);
#endif

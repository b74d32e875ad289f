/* Reads NUMBER[UNIT], repeated. Integers only: a fraction is a numerator over a power of ten of at
 * most nine digits, so nothing depends on a locale or on rounding of doubles. */
#include "sandbox/duration.h"

#include "core/error.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t ms;
};

static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

#define FRACTION_DIGITS 9

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "12" or "12.5" as whole and billionths; returns how many characters, 0: no number. */
static size_t read_number(const char *text, int64_t *whole, int64_t *billionths)
{
    size_t at = 0, digits = 0;
    for (*whole = 0; is_digit(text[at]); at++, digits++) {
        if (*whole > DURATION_MAX)
            return 0;
        *whole = *whole * 10 + (text[at] - '0');
    }
    *billionths = 0;
    if (!digits || text[at] != '.')
        return at;
    int64_t worth = INT64_C(1000000000);
    for (at++, digits = 0; is_digit(text[at]) && digits < FRACTION_DIGITS; at++, digits++) {
        worth /= 10;
        *billionths += worth * (text[at] - '0');
    }
    return digits ? at : 0;
}

/* The unit `text` begins with; "" stands for milliseconds. Longest name first by the table. */
static const struct unit *read_unit(const char *text, size_t *len)
{
    for (*len = 0; text[*len] && !is_digit(text[*len]); (*len)++)
        ;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == *len && strncmp(units[i].name, text, *len) == 0)
            return &units[i];
    }
    return NULL;
}

/* One NUMBER UNIT added to *total; how many characters it took, 0: not understood. */
static size_t read_part(const char *text, int64_t *total)
{
    int64_t whole = 0, billionths = 0;
    size_t unit_len = 0, number = read_number(text, &whole, &billionths);
    const struct unit *unit = number ? read_unit(text + number, &unit_len) : NULL;
    if (!unit || whole > DURATION_MAX / unit->ms)
        return 0;
    int64_t parts = billionths * unit->ms; /* at most 3.6e15 */
    *total += whole * unit->ms + (parts + 999999999) / 1000000000;
    return *total > DURATION_MAX ? 0 : number + unit_len;
}

static bool bare_number(const char *text, weir_ms *out)
{
    int64_t whole = 0, billionths = 0;
    size_t len = read_number(text, &whole, &billionths);
    if (!len || text[len] || strchr(text, '.') || whole > DURATION_MAX)
        return false;
    *out = whole;
    return true;
}

weir_status duration_parse(const char *text, const char *what, weir_ms *out, weir_error *err)
{
    int64_t total = 0;
    const char *rest = text ? text : "";
    if (bare_number(rest, out))
        return error_ok(err);
    size_t len = 0;
    do {
        len = read_part(rest, &total);
        rest += len;
    } while (len && *rest);
    if (!len)
        return error_set(err, WEIR_INVALID,
                         "%s: \"%.64s\" is not a length of time; write it like 250ms, 10s, 1h30m, "
                         "or as a number of milliseconds",
                         what, text ? text : "");
    *out = total;
    return error_ok(err);
}

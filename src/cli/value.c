/* Reading what people write for amounts. Everything is exact integer arithmetic that refuses what
 * does not fit; nothing is guessed. */
#include "cli/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t size;
};

static const struct unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct unit sizes[] = {
    {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}};

static const char no_duration[] =
    "is no duration: write 250ms, 10s, 5m, 1h30m, or a number of milliseconds";
static const char no_size[] = "is no size: write 64KiB, 1MiB, 2GiB, or a number of bytes";
static const char too_long[] = "is too long a duration";
static const char too_large[] = "is too large a size";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal number: whole * 1, and part / scale behind the point. Digits of the fraction beyond the
 * ninth are dropped: no unit is that large. */
struct decimal {
    int64_t whole, part, scale;
};

static bool take_digits(const char **at, int64_t *value)
{
    for (; is_digit(**at); (*at)++) {
        int digit = **at - '0';
        if (*value > (INT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

static void take_fraction(const char **at, struct decimal *number)
{
    for (; is_digit(**at); (*at)++) {
        if (number->scale < 1000000000) {
            number->part = number->part * 10 + (**at - '0');
            number->scale *= 10;
        }
    }
}

/* False when no number stands at *at, or one too large for 64 bits (`overflow`). */
static bool take_decimal(const char **at, struct decimal *number, bool *overflow)
{
    const char *start = *at;
    *number = (struct decimal){.scale = 1};
    if (!take_digits(at, &number->whole)) {
        *overflow = true;
        return false;
    }
    bool digits = *at > start;
    if (**at == '.' && is_digit((*at)[1])) {
        (*at)++;
        take_fraction(at, number);
    }
    return digits || *at > start;
}

/* The unit that stands at *at: letters up to the next digit or the end. */
static const struct unit *take_unit(const char **at, const struct unit *units, size_t count)
{
    size_t len = strcspn(*at, "0123456789.");
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == len && strncmp(*at, units[i].name, len) == 0) {
            *at += len;
            return &units[i];
        }
    return NULL;
}

/* total += number * unit, rounded up. False when it does not fit. */
static bool add_amount(int64_t *total, const struct decimal *number, int64_t unit)
{
    if (number->whole > (INT64_MAX - unit - 1) / unit)
        return false;
    /* part < scale <= 10^9 and unit < 2^31: the product fits. */
    int64_t fraction = (number->part * unit + number->scale - 1) / number->scale;
    int64_t amount = number->whole * unit + fraction;
    if (*total > INT64_MAX - amount)
        return false;
    *total += amount;
    return true;
}

/* NULL, `wrong` or `large`. Several amounts only when each has a unit ("1h30m"). */
static const char *take_amounts(const char *text, const struct unit *units, size_t count,
                                const char *const words[2], int64_t *out)
{
    const char *at = text;
    int64_t total = 0;
    do {
        struct decimal number;
        bool overflow = false;
        if (!take_decimal(&at, &number, &overflow))
            return overflow ? words[1] : words[0];
        bool bare = *at == '\0' && text[strspn(text, "0123456789.")] == '\0';
        const struct unit *unit = bare ? &units[0] : take_unit(&at, units, count);
        if (!unit)
            return words[0];
        if (!add_amount(&total, &number, unit->size))
            return words[1];
    } while (*at);
    *out = total;
    return NULL;
}

const char *value_duration(const char *text, weir_ms *ms)
{
    static const char *const words[] = {no_duration, too_long};
    return take_amounts(text, durations, sizeof durations / sizeof *durations, words, ms);
}

const char *value_size(const char *text, int64_t *bytes)
{
    static const char *const words[] = {no_size, too_large};
    return take_amounts(text, sizes, sizeof sizes / sizeof *sizes, words, bytes);
}

const char *value_number(const char *text, int64_t *number)
{
    bool negative = text[0] == '-';
    const char *at = text + negative;
    int64_t value = 0;
    if (!is_digit(*at) || !take_digits(&at, &value))
        return is_digit(*at) ? "is too large a number" : "is no whole number";
    if (*at)
        return "is no whole number";
    *number = negative ? -value : value;
    return NULL;
}

const char *value_switch(const char *text, bool *on)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"0", "1"}, {"no", "yes"}, {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int yes = 0; yes < 2; yes++)
            if (strcasecmp(text, words[i][yes]) == 0) {
                *on = yes;
                return NULL;
            }
    return "is neither true nor false";
}

bool value_is_choice(const char *text, const char *choices)
{
    size_t len = strlen(text);
    for (const char *at = choices; *at;) {
        size_t choice = strcspn(at, "|");
        if (choice == len && strncmp(at, text, len) == 0)
            return true;
        at += choice + (at[choice] == '|');
    }
    return false;
}

void value_show_duration(weir_ms ms, char out[32])
{
    if (ms == 0 || ms % 1000 != 0)
        (void)snprintf(out, 32, "%" PRId64 "ms", ms);
    else if (ms % 3600000 == 0)
        (void)snprintf(out, 32, "%" PRId64 "h", ms / 3600000);
    else if (ms % 60000 == 0)
        (void)snprintf(out, 32, "%" PRId64 "m", ms / 60000);
    else if (ms > 60000)
        (void)snprintf(out, 32, "%" PRId64 "m%" PRId64 "s", ms / 60000, ms % 60000 / 1000);
    else
        (void)snprintf(out, 32, "%" PRId64 "s", ms / 1000);
}

void value_show_go_duration(weir_ms ms, char out[32])
{
    weir_ms hours = ms / 3600000, minutes = ms / 60000 % 60, seconds = ms / 1000 % 60;
    char fraction[8] = "";
    if (ms > 0 && ms < 1000) {
        (void)snprintf(out, 32, "%" PRId64 "ms", ms);
        return;
    }
    if (ms % 1000) {
        (void)snprintf(fraction, sizeof fraction, ".%03d", (int)(ms % 1000));
        while (fraction[strlen(fraction) - 1] == '0')
            fraction[strlen(fraction) - 1] = '\0';
    }
    if (hours)
        (void)snprintf(out, 32, "%" PRId64 "h%" PRId64 "m%" PRId64 "%ss", hours, minutes, seconds,
                       fraction);
    else if (minutes)
        (void)snprintf(out, 32, "%" PRId64 "m%" PRId64 "%ss", minutes, seconds, fraction);
    else
        (void)snprintf(out, 32, "%" PRId64 "%ss", seconds, fraction);
}

/* Instants as Salesforce writes them: "2026-01-01T10:20:30Z", ".123Z", ".123+0000". The calendar is
 * computed (proleptic Gregorian): the C library's functions for it ask the program's time zone. */
#include "salesforce/dialect.h"

#include <inttypes.h>
#include <stdio.h>

#define DAY_MS INT64_C(86400000)

struct scan {
    const char *at, *end;
    bool failed;
};

static int64_t digits(struct scan *s, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count && !s->failed; i++) {
        s->failed = s->at == s->end || *s->at < '0' || *s->at > '9';
        if (!s->failed)
            value = value * 10 + (*s->at++ - '0');
    }
    return value;
}

static bool skip(struct scan *s, char a, char b)
{
    bool there = s->at < s->end && (*s->at == a || *s->at == b);
    s->at += there;
    return there;
}

static void expect(struct scan *s, char a, char b)
{
    if (!skip(s, a, b))
        s->failed = true;
}

static void limit(struct scan *s, int64_t value, int64_t low, int64_t high)
{
    if (value < low || value > high)
        s->failed = true;
}

/* Days since 1970-01-01. Years begin in March here, so that the leap day comes last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t from_march = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (from_march * 153 + 2) / 5 + day - 1 - 719468;
}

static int64_t date(struct scan *s)
{
    int64_t year = digits(s, 4);
    expect(s, '-', '-');
    int64_t month = digits(s, 2);
    expect(s, '-', '-');
    int64_t day = digits(s, 2);
    limit(s, year, 1970, 9999);
    limit(s, month, 1, 12);
    limit(s, day, 1, 31);
    return days_of(year, month, day);
}

static int64_t time_of_day(struct scan *s)
{
    int64_t hour = digits(s, 2);
    expect(s, ':', ':');
    int64_t minute = digits(s, 2);
    expect(s, ':', ':');
    int64_t second = digits(s, 2);
    limit(s, hour, 0, 23);
    limit(s, minute, 0, 59);
    limit(s, second, 0, 60);
    return ((hour * 60 + minute) * 60 + second) * 1000;
}

/* Of any length; ms. */
static int64_t fraction(struct scan *s)
{
    int64_t ms = 0, unit = 100;
    if (!skip(s, '.', ','))
        return 0;
    ms = digits(s, 1) * unit;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        unit /= 10;
        ms += (*s->at++ - '0') * unit;
    }
    return ms;
}

static int64_t offset(struct scan *s)
{
    if (skip(s, 'Z', 'z'))
        return 0;
    bool west = skip(s, '-', '-');
    if (!west)
        expect(s, '+', '+');
    int64_t hours = digits(s, 2);
    (void)skip(s, ':', ':');
    int64_t minutes = digits(s, 2);
    limit(s, hours, 0, 23);
    limit(s, minutes, 0, 59);
    return (hours * 60 + minutes) * (west ? -60000 : 60000);
}

int64_t stamp_parse(const char *text, size_t len)
{
    struct scan s = {text, text + len, false};
    int64_t ms = date(&s) * DAY_MS;
    expect(&s, 'T', 't');
    ms += time_of_day(&s);
    ms += fraction(&s);
    ms -= offset(&s);
    return s.failed || s.at != s.end || ms < 0 ? 0 : ms;
}

void stamp_format(int64_t ms, char out[STAMP_SIZE])
{
    int64_t day = ms / DAY_MS, rest = ms % DAY_MS;
    int64_t z = day + 719468;
    int64_t era = z / 146097, of_era = z % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* from March */
    int64_t in_month = of_year - (153 * month + 2) / 5 + 1;
    int64_t whole = year + era * 400 + (month >= 10 ? 1 : 0);
    (void)snprintf(out, STAMP_SIZE,
                   "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64
                   ":%02" PRId64 ".%03" PRId64 "Z",
                   whole % 10000, month >= 10 ? month - 9 : month + 3, in_month, rest / 3600000,
                   rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
}

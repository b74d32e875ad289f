/* Dates in HTTP's three forms, and Retry-After: a number of seconds, or a date. Pure. The names of
 * months are compared here, because strptime() would ask the program's locale. */
#include "core/text.h"
#include "http/http_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool month_of(const char *name, int *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (*month = 0; *month < 12; (*month)++) {
        if (strncmp(name, names + (size_t)*month * 3, 3) == 0)
            return true;
    }
    return false;
}

/* Two digits of a year mean the one that is at most 50 years ahead (RFC 9110, 5.6.7). */
static int whole_year(int year, int64_t wall_ns)
{
    int now = 1970 + (int)(wall_ns / NS_PER_S / 31556952);
    if (year >= 100)
        return year;
    year += now / 100 * 100;
    return year > now + 50 ? year - 100 : year;
}

/* "06 Nov 1994 08:49:37 GMT", with blanks or dashes, a year of four digits or two. */
static bool scan_comma(const char *text, struct tm *tm, char month[4])
{
    int end = 0;
    return sscanf(text, " %2d%*1[ -]%3[A-Za-z]%*1[ -]%4d %2d:%2d:%2d GMT%n", &tm->tm_mday, month,
                  &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end) == 6 &&
           end > 0 && !text[end];
}

/* "Sun Nov  6 08:49:37 1994" */
static bool scan_asctime(const char *text, struct tm *tm, char month[4])
{
    int end = 0;
    return sscanf(text, "%*3s %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm->tm_mday, &tm->tm_hour,
                  &tm->tm_min, &tm->tm_sec, &tm->tm_year, &end) == 6 &&
           end > 0 && !text[end];
}

static bool within(int value, int low, int high)
{
    return value >= low && value <= high;
}

/* RFC 9110, 5.6.7: the form of today, and the two that may still come. */
bool http_date(const char *text, int64_t wall_ns, int64_t *seconds)
{
    struct tm tm = {0};
    char month[4] = "";
    const char *comma = strchr(text, ',');
    if (!(comma ? scan_comma(comma + 1, &tm, month) : scan_asctime(text, &tm, month)))
        return false;
    if (!month_of(month, &tm.tm_mon) || !within(tm.tm_mday, 1, 31) || !within(tm.tm_hour, 0, 23) ||
        !within(tm.tm_min, 0, 59) || !within(tm.tm_sec, 0, 60) || tm.tm_year < 0)
        return false;
    tm.tm_year = whole_year(tm.tm_year, wall_ns) - 1900;
    *seconds = (int64_t)timegm(&tm);
    return true;
}

weir_ms answer_retry_after(const char *value, const char *date, int64_t wall_ns)
{
    int64_t seconds, at, now = wall_ns / NS_PER_S;
    if (value[0] && value[strspn(value, "0123456789")] == '\0') {
        if (!text_number(value, 0, INT32_MAX / 1000, &seconds))
            seconds = INT32_MAX / 1000; /* a long time */
        return seconds * 1000;
    }
    if (!http_date(value, wall_ns, &at))
        return -1;
    if (date)
        (void)http_date(date, wall_ns, &now);
    seconds = at > now ? at - now : 0;
    return (seconds < INT32_MAX / 1000 ? seconds : INT32_MAX / 1000) * 1000;
}

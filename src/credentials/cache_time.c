/* Civil dates by counting days from 0000-03-01, so that a leap day ends its year (Hinnant,
 * chrono-compatible low-level date algorithms). */
#include "credentials/cache_time.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define DAY_S       INT64_C(86400)
#define EPOCH_DAYS  INT64_C(719468) /* from 0000-03-01 to 1970-01-01 */
#define EPOCH_MAX_S INT64_C(253402300799)

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + day_of_era - EPOCH_DAYS;
}

static int days_in(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* `width` digits at *at, which moves on. */
static bool digits(const char **at, size_t width, int64_t low, int64_t high, int64_t *out)
{
    char text[8] = "";
    for (size_t i = 0; i < width; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return false;
        text[i] = (*at)[i];
    }
    *at += width;
    return text_number(text, low, high, out);
}

static bool mark(const char **at, const char *any)
{
    bool found = **at && strchr(any, **at);
    *at += found;
    return found;
}

static bool offset(const char **at, int64_t *seconds)
{
    int64_t hours = 0, minutes = 0;
    *seconds = 0;
    if (mark(at, "Zz"))
        return true;
    int64_t sign = **at == '-' ? -1 : 1;
    if (!mark(at, "+-") || !digits(at, 2, 0, 23, &hours) || !mark(at, ":") ||
        !digits(at, 2, 0, 59, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool date(const char **at, int64_t *days)
{
    int64_t year = 0, month = 0, day = 0;
    if (!digits(at, 4, 1, 9999, &year) || !mark(at, "-") || !digits(at, 2, 1, 12, &month) ||
        !mark(at, "-") || !digits(at, 2, 1, days_in(year, month), &day))
        return false;
    *days = days_of(year, month, day);
    return true;
}

static bool fraction(const char **at)
{
    if (!mark(at, "."))
        return true;
    size_t len = strspn(*at, "0123456789");
    *at += len;
    return len > 0;
}

static bool rfc3339(const char *text, int64_t *seconds)
{
    const char *at = text;
    int64_t days = 0, hour = 0, minute = 0, second = 0, east = 0;
    if (!date(&at, &days) || !mark(&at, "Tt ") || !digits(&at, 2, 0, 23, &hour) ||
        !mark(&at, ":") || !digits(&at, 2, 0, 59, &minute) || !mark(&at, ":") ||
        !digits(&at, 2, 0, 60, &second) || !fraction(&at) || !offset(&at, &east) || *at)
        return false;
    *seconds = days * DAY_S + hour * 3600 + minute * 60 + second - east;
    return true;
}

static bool epoch(const char *text, int64_t *seconds)
{
    char whole[16] = "";
    const char *at = text + strspn(text, "0123456789");
    size_t len = (size_t)(at - text);
    if (len == 0 || len >= sizeof whole || !fraction(&at) || *at)
        return false;
    memcpy(whole, text, len);
    return text_number(whole, 0, EPOCH_MAX_S, seconds);
}

bool cache_time_parse(const char *text, int64_t *seconds)
{
    return rfc3339(text, seconds) || epoch(text, seconds);
}

void cache_time_format(int64_t seconds, char out[CACHE_TIME_SIZE])
{
    int64_t clamped = seconds < 0 ? 0 : seconds > EPOCH_MAX_S ? EPOCH_MAX_S : seconds;
    int64_t days = clamped / DAY_S + EPOCH_DAYS, rest = clamped % DAY_S;
    int64_t era = days / 146097, of_era = days % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * of_year + 2) / 153; /* months from March */
    int64_t day = of_year - (153 * shifted + 2) / 5 + 1;
    int64_t month = shifted + (shifted < 10 ? 3 : -9);
    year += era * 400 + (month <= 2);
    (void)snprintf(out, CACHE_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)year % 10000,
                   (unsigned)month % 100, (unsigned)day % 100, (unsigned)(rest / 3600) % 100,
                   (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}

/* Refusals of Salesforce's token endpoint that everybody meets once, and what is behind them. Its
 * own words come first, always; a row adds what they do not say. */
#include "core/clock.h"
#include "core/error.h"
#include "salesforce/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANY_GRANT (-1)
#define OFF_S     60 /* Salesforce takes assertions of up to three minutes */

static const struct row {
    int grant;
    const char *words, *host; /* NULL: any */
    const char *advice;
} rows[] = {
    {WEIR_GRANT_CLIENT_CREDENTIALS, "not supported on this domain", NULL,
     "log in at your My Domain (https://MYDOMAIN.my.salesforce.com), as this grant requires"},
    {WEIR_GRANT_CLIENT_CREDENTIALS, "no client credentials user", NULL,
     "choose the user to run as in the app's client credentials flow"},
    {WEIR_GRANT_CLIENT_CREDENTIALS, NULL, "//login.salesforce.com",
     "this grant works at a My Domain only (https://MYDOMAIN.my.salesforce.com)"},
    {WEIR_GRANT_CLIENT_CREDENTIALS, NULL, "//test.salesforce.com",
     "this grant works at a My Domain only (https://MYDOMAIN--BOX.sandbox.my.salesforce.com)"},
    {WEIR_GRANT_JWT_BEARER, "audience", NULL,
     "the assertion's audience is the login URL, https://login.salesforce.com or "
     "https://test.salesforce.com unless the organisation wants its own"},
    {WEIR_GRANT_JWT_BEARER, "hasn't approved", NULL,
     "approve the app for this user beforehand (permitted users: admin approved)"},
    {ANY_GRANT, "must be installed", NULL, "an administrator has to install the app there first"},
    {ANY_GRANT, "OAUTH_APPROVAL_ERROR", NULL,
     "an administrator has to install the app there first"},
    {ANY_GRANT, "API is not enabled", NULL,
     "the organisation's edition or the user's permissions (API Enabled) have no API access"},
    {ANY_GRANT, "API_DISABLED", NULL,
     "the organisation's edition or the user's permissions (API Enabled) have no API access"},
    {WEIR_GRANT_PASSWORD, "authentication failure", NULL,
     "the security token belongs to the password where the address is not trusted, and "
     "organisations since Summer '23 block this grant until it is allowed"},
};

static bool fits(const struct row *row, const weir_oauth2_options *asked, const char *said)
{
    return (row->grant == ANY_GRANT || row->grant == (int)asked->grant) &&
           (!row->words || strcasestr(said, row->words)) &&
           (!row->host || strstr(asked->token_url, row->host));
}

bool login_clock_is_off(const struct http_answer *answer, int64_t wall_ns, char *out, size_t size)
{
    const char *date = http_header(answer, "Date");
    int64_t server_s = 0;
    if (!date || !http_date(date, wall_ns, &server_s))
        return false;
    int64_t off = wall_ns / NS_PER_S - server_s;
    int64_t far = off < 0 ? -off : off;
    if (far <= OFF_S)
        return false;
    (void)snprintf(out, size, "this machine's clock is %" PRId64 " %s %s",
                   far < 120 ? far : far / 60, far < 120 ? "seconds" : "minutes",
                   off < 0 ? "slow" : "fast");
    return true;
}

void login_advice(const weir_oauth2_options *asked, const struct http_answer *answer,
                  weir_error *err)
{
    char off[96];
    if (err->status != WEIR_BAD_LOGIN && err->status != WEIR_FORBIDDEN &&
        err->status != WEIR_INVALID)
        return;
    if (asked->grant == WEIR_GRANT_JWT_BEARER &&
        login_clock_is_off(answer, clock_wall(clock_system()), off, sizeof off))
        (void)error_append(err, "; %s: set it right", off);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (fits(&rows[i], asked, err->message)) {
            (void)error_append(err, "; %s", rows[i].advice);
            return;
        }
    }
}

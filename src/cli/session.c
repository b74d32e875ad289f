/* The run of one command. The log goes to stderr, a record a line, as text or as JSON. Of a command
 * that ends by itself the warnings wait for the end, unless a level was asked for. */
#include "cli/session.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/held.h"
#include "cli/setting.h"
#include "cli/value.h"

#include <weir/log.h>

static bool log_json, hold, asked, quiet;
static weir_log_level level = WEIR_LOG_WARN;

static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace"};

int64_t session_now(void)
{
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec;
}

static void add_time(struct str *line)
{
    struct timespec now = {0};
    struct tm utc = {0};
    (void)timespec_get(&now, TIME_UTC);
    (void)gmtime_r(&now.tv_sec, &utc);
    char text[32];
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    str_addf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static void write_record(const weir_log_record *record, void *user)
{
    (void)user;
    bool attempt = record->channel && *record->channel;
    if (quiet && attempt)
        return;
    struct str line = {0};
    const char *name = levels[record->level <= WEIR_LOG_TRACE ? record->level : WEIR_LOG_TRACE];
    if (log_json) {
        str_add(&line, "{\"time\":\"");
        add_time(&line);
        str_addf(&line, "\",\"level\":\"%s\",\"part\":", name);
        str_add_json(&line, record->part);
        str_add(&line, ",\"channel\":");
        str_add_json(&line, record->channel ? record->channel : "");
        str_add(&line, ",\"message\":");
        str_add_json(&line, record->message);
        str_add(&line, "}\n");
    } else {
        str_addf(&line, "weir: %s: %s: %s\n", attempt ? record->channel : record->part, name,
                 record->message);
    }
    bool held =
        hold && record->level == WEIR_LOG_WARN && held_add(line.data, record->message, attempt);
    if (!held) {
        (void)fputs(line.data, stderr);
        (void)fflush(stderr);
    }
    str_free(&line);
}

void session_quiet(void)
{
    quiet = !asked;
}

void session_warn(const char *part, const char *fmt, ...)
{
    if (level < WEIR_LOG_WARN)
        return;
    struct str message = {0};
    va_list values;
    va_start(values, fmt);
    str_vaddf(&message, fmt, values);
    va_end(values);
    weir_log_record record = {WEIR_LOG_WARN, part, "", str_text(&message)};
    write_record(&record, NULL);
    str_free(&message);
}

weir_status cli_start(const struct args *args, weir_error *err)
{
    struct setting wanted = {0};
    weir_status status = setting_find(&wanted, args, &group_common, "log-level", err);
    asked = wanted.value != NULL;
    hold = !asked && !args->command->runs_program;
    for (size_t i = 0; wanted.value && i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i], wanted.value) == 0)
            level = (weir_log_level)i;
    setting_free(&wanted);
    log_json = args_switch(args, "log-json");
    weir_log_to(write_record, NULL, level);
    return status;
}

bool session_json(const struct args *args)
{
    const char *output = args_text(args, "output");
    return (output && strcmp(output, "json") == 0) || args_switch(args, "json");
}

weir_ms session_timeout(const struct args *args)
{
    weir_ms limit = 10000;
    const char *given = args_text(args, "request-timeout");
    if (given)
        (void)value_duration(given, &limit);
    return limit == 0 ? WEIR_FOREVER : limit;
}

/* Gateways were seen to answer 0.4 s after the wait they were asked for. */
weir_ms session_wait(weir_ms limit)
{
    weir_ms late = limit / 2 < 500 ? limit / 2 : 500;
    return limit - (limit / 10 > late ? limit / 10 : late);
}

/* `weir salesforce publish`: one event, or a line of standard input each. Of lines each has an
 * answer line on standard output, in order, so that the two can be put side by side: the server's
 * answer, or what was wrong with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/json_arg.h"
#include "cli/lines.h"
#include "cli/out.h"
#include "cli/salesforce_open.h"
#include "cli/session.h"

#define LONGEST_LINE (4 * 1024 * 1024) /* far beyond the largest event */

struct publishing {
    weir_salesforce *handle;
    const char *name; /* argv's */
    weir_ms limit;
    int64_t line; /* number */
    int status;   /* of the first failure */
};

/* ---- answers ------------------------------------------------------------------------------- */

/* On one line, whatever the server wrote. */
static void print_answer(char *answer)
{
    for (char *at = answer; *at; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    out_add(answer);
    out_add("\n");
    out_flush();
}

static int publish_one(const struct publishing *p, const char *json, weir_error *err)
{
    char *answer = NULL;
    if (weir_salesforce_publish(p->handle, p->name, json, &answer, p->limit, err) != WEIR_OK)
        return weir_error_exit_status(err);
    print_answer(answer);
    weir_free(answer);
    return 0;
}

static void print_failure(struct publishing *p, weir_error *err)
{
    struct str document = {0};
    char message[sizeof err->message];
    fail_document(&document, err);
    /* {"error":{...}}: the line's number is one more member of the inner object */
    document.data[document.len - 2] = '\0';
    out_addf("%s,\"line\":%lld}}\n", document.data, (long long)p->line);
    out_flush();
    str_free(&document);
    memcpy(message, err->message, sizeof message);
    (void)snprintf(err->message, sizeof err->message, "line %lld: %.1000s", (long long)p->line,
                   message);
    int status = fail_with(err);
    p->status = p->status ? p->status : status;
}

static void publish_line(void *user, const char *line, size_t len)
{
    struct publishing *p = user;
    weir_error err = {0};
    p->line++;
    if (strspn(line, " \t\r") == len)
        return;
    if (json_arg_check_object(line, len, &err) != WEIR_OK || publish_one(p, line, &err) != 0)
        print_failure(p, &err);
}

/* ---- standard input ------------------------------------------------------------------------ */

static int publish_lines(struct publishing *p)
{
    struct lines lines = {.most = LONGEST_LINE};
    char bytes[16 * 1024];
    ssize_t got;
    weir_error err = {0};
    while ((got = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0 && !lines_read(&lines, bytes, (size_t)got, publish_line, p)) {
            lines_free(&lines);
            p->line++;
            (void)fail_set(&err, WEIR_INVALID,
                           "line %lld is longer than 4 MiB: nothing after it "
                           "is published",
                           (long long)p->line);
            int status = fail_with(&err);
            return p->status ? p->status : status;
        }
    }
    int errnum = errno;
    if (got == 0)
        lines_end(&lines, publish_line, p);
    lines_free(&lines);
    if (got == 0)
        return p->status;
    (void)fail_set_system(&err, errnum, "cannot read standard input");
    return fail_with(&err);
}

/* ---- the command --------------------------------------------------------------------------- */

static weir_salesforce *open_handle(struct salesforce_settings *settings, const struct args *args,
                                    weir_error *err)
{
    weir_salesforce_options options;
    weir_salesforce *handle = NULL;
    weir_credentials *credentials = salesforce_credentials(settings, args, err);
    if (credentials) {
        salesforce_options(settings, credentials, &options);
        handle = cli_salesforce_open(settings, &options, err);
    }
    weir_credentials_free(credentials);
    return handle;
}

static int publish_on(struct publishing *p, const struct args *args, const char *json)
{
    weir_error err = {0};
    struct salesforce_settings settings;
    int status = 0;
    if (salesforce_settings_find(&settings, args, &err) == WEIR_OK)
        p->handle = open_handle(&settings, args, &err);
    salesforce_settings_free(&settings);
    if (!p->handle)
        return fail_with(&err);
    if (!json)
        status = publish_lines(p);
    else if (publish_one(p, json, &err) != 0)
        status = fail_with(&err);
    weir_salesforce_close(p->handle);
    return status;
}

int salesforce_publish_run(const struct args *args)
{
    struct publishing p = {.name = args->words[0], .limit = session_timeout(args)};
    const char *data = args_text(args, "data");
    bool lines = args_switch(args, "lines");
    weir_error err = {0};
    char *json = NULL;
    if (data && lines)
        return fail_usage("--data and --lines contradict each other: give one of them");
    if (!data && !lines)
        return fail_usage("--data is required: --data JSON, or --lines for an event a line");
    if (data && !(json = json_arg_object("data", data, &err)))
        return fail_with(&err);
    int status = publish_on(&p, args, json);
    release_memory(json);
    return status;
}

/* `weir sandbox fault` and `weir sandbox requests`: orders to the sandbox that WEIR_SANDBOX names.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/sandbox_orders.h"
#include "cli/session.h"
#include "cli/str.h"
#include "sandbox/control_client.h"

const char *sandbox_url(weir_error *err)
{
    const char *url = getenv("WEIR_SANDBOX");
    if (url && *url)
        return url;
    (void)fail_set(err, WEIR_MISSING,
                   "WEIR_SANDBOX is not set: run this below weir sandbox -- CMD, or set the "
                   "variables that weir sandbox prints");
    return NULL;
}

/* A line's words may be quoted, and nothing stands for a quote within. */
static bool add_word(struct str *line, const char *word)
{
    str_addf(line, "%s\"%s\"", line->len ? " " : "", word);
    return !strpbrk(word, "\"\r\n");
}

static bool make_line(const struct args *args, struct str *line)
{
    bool good = true;
    const char *after = args_text(args, "after");
    for (size_t i = 0; i < args->word_count; i++)
        good = add_word(line, args->words[i]) && good;
    if (after)
        good = add_word(line, "--after") && add_word(line, after) && good;
    return good;
}

static int run_script(const struct args *args, const char *file)
{
    weir_error err = {0};
    size_t len = 0;
    if (args->word_count || args_has(args, "after"))
        return fail_usage("WHAT N HOW and --after stand in the lines of --script FILE, or alone");
    const char *url = sandbox_url(&err);
    char *lines = url ? cli_read_file(file, &len, &err) : NULL;
    if (lines && memchr(lines, '\0', len))
        (void)fail_set(&err, WEIR_INVALID, "%s holds a NUL byte; it should be text", file);
    else if (lines)
        (void)control_fault(url, lines, session_timeout(args), &err);
    release_memory(lines);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}

int sandbox_fault_run(const struct args *args)
{
    weir_error err = {0};
    struct str line = {0};
    const char *script = args_text(args, "script");
    if (script)
        return run_script(args, script);
    bool forget = args->word_count > 0 && strcmp(args->words[0], "forget") == 0;
    if (!forget && args->word_count < 3)
        return fail_usage("%s: weir sandbox fault WHAT N HOW [--after D]",
                          args->word_count ? "an argument is missing" : "WHAT N HOW is missing");
    const char *url = sandbox_url(&err);
    if (url && !make_line(args, &line))
        (void)fail_set(&err, WEIR_INVALID, "a fault has no quotes and no line breaks in it");
    else if (url)
        (void)control_fault(url, str_text(&line), session_timeout(args), &err);
    str_free(&line);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}

int sandbox_requests_run(const struct args *args)
{
    weir_error err = {0};
    const char *url = sandbox_url(&err);
    char *text = url ? control_requests(url, session_timeout(args), &err) : NULL;
    if (!text)
        return fail_with(&err);
    out_add(text);
    weir_free(text);
    return 0;
}

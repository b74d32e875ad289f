/* What begins like JSON is JSON; anything else may be the path of a file, as zbctl has it. */
#include "cli/json_arg.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/fail.h"
#include "cli/file.h"
#include "cli/str.h"

#include <weir/json.h>

static bool is_file(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && !S_ISDIR(found.st_mode);
}

/* The file that the value means, or NULL: it is the JSON itself. */
static const char *file_meant(const char *value)
{
    if (value[0] == '@')
        return value + 1;
    if (strcmp(value, "-") == 0)
        return value;
    bool literal = strchr("{[\"", value[strspn(value, " \t\r\n")]) != NULL;
    return !literal && is_file(value) ? value : NULL;
}

/* In front of the message: where the JSON came from. */
static void name_source(const char *flag, const char *file, weir_error *err)
{
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    bool from_stdin = file && strcmp(file, "-") == 0;
    (void)snprintf(err->message, sizeof err->message, "--%s%s%.200s: %.700s", flag,
                   file ? ": " : "",
                   from_stdin ? "standard input"
                   : file     ? file
                              : "",
                   message);
}

/* Was a file meant that is not there? */
static void mention_file(const char *value, weir_error *err)
{
    size_t len = strlen(err->message);
    if (strchr("{[\"", value[strspn(value, " \t\r\n")]) || !strpbrk(value, "./"))
        return;
    (void)snprintf(err->message + len, sizeof err->message - len, "; no file has this name");
}

static weir_status check_json(const char *text, size_t len, const char *wanted, weir_error *err)
{
    if (text[strspn(text, " \t\r\n")] == '\0' && strlen(text) == len)
        return fail_set(err, WEIR_INVALID, "line 1, column 1: nothing is there; %s", wanted);
    weir_json *json = weir_json_parse(text, len, err);
    weir_json_free(json);
    return json ? WEIR_OK : err->status;
}

static weir_status check_any(const char *text, size_t len, weir_error *err)
{
    return check_json(text, len, "JSON is wanted", err);
}

weir_status json_arg_check_object(const char *text, size_t len, weir_error *err)
{
    if (check_json(text, len, "a JSON object is wanted: {...}", err) != WEIR_OK)
        return err->status;
    size_t line = 1, column = 1;
    for (; strchr(" \t\r\n", *text); text++) {
        column = *text == '\n' ? 1 : column + 1;
        line += *text == '\n';
    }
    if (*text != '{')
        return fail_set(err, WEIR_INVALID, "line %zu, column %zu: a JSON object is wanted: {...}",
                        line, column);
    return WEIR_OK;
}

typedef weir_status check_fn(const char *text, size_t len, weir_error *err);

static char *read_arg(const char *flag, const char *value, check_fn *check, weir_error *err)
{
    const char *file = file_meant(value);
    if (file && !*file) {
        (void)fail_set(err, WEIR_INVALID, "--%s: no file is named behind @", flag);
        return NULL;
    }
    size_t len = strlen(value);
    char *text = file ? cli_read_file(file, &len, err) : copy_or_exit(value, len);
    if (!text) {
        name_source(flag, NULL, err);
        return NULL;
    }
    if (check(text, len, err) == WEIR_OK)
        return text;
    name_source(flag, file, err);
    if (!file)
        mention_file(value, err);
    release_memory(text);
    return NULL;
}

char *json_arg_object(const char *flag, const char *value, weir_error *err)
{
    return read_arg(flag, value, json_arg_check_object, err);
}

char *json_arg_value(const char *flag, const char *value, weir_error *err)
{
    return read_arg(flag, value, check_any, err);
}

/* Any lines as a command line of weir, and each as a duration, a size, an address, base64: what is
 * understood means the same when it is written again, what is not is complained about. Commands
 * that are one RPC become requests, and those are JSON whatever the words were. */
#include "cli/base64.h"
#include "cli/endpoint.h"
#include "cli/groups.h"
#include "cli/parse.h"
#include "cli/value.h"
#include "cli/zeebe_rpc.h"

#include <stdlib.h>
#include <string.h>
#include <weir/json.h>

#define WORDS 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_amounts(const char *word)
{
    weir_ms ms = -1, again = -1;
    int64_t number = -1;
    char shown[32];
    if (!value_duration(word, &ms)) {
        must(ms >= 0);
        value_show_duration(ms, shown);
        must(!value_duration(shown, &again) && again == ms);
    }
    if (!value_size(word, &number))
        must(number >= 0);
    (void)value_number(word, &number);
}

static void try_address(const char *word)
{
    struct endpoint endpoint, again;
    weir_error err = {0};
    char target[280];
    if (endpoint_parse(&endpoint, word, "--address", &err) != WEIR_OK) {
        must(err.status == WEIR_INVALID && err.message[0] != '\0');
        return;
    }
    if (endpoint.opaque[0]) { /* the library's to judge; it goes there as it is */
        endpoint_target(&endpoint, target);
        must(strcmp(target, word) == 0 && endpoint.host[0] == '\0');
        return;
    }
    must(endpoint.host[0] != '\0' && endpoint.port >= 0 && endpoint.port <= 65535);
    must(endpoint.host[strcspn(endpoint.host, "/?#@ \r\n\t")] == '\0');
    endpoint.port = endpoint.port ? endpoint.port : 1;
    endpoint_target(&endpoint, target);
    must(endpoint_parse(&again, target, "--address", &err) == WEIR_OK);
    must(strcmp(again.host, endpoint.host) == 0 && again.port == endpoint.port);
}

static void try_base64(const char *word)
{
    struct str bytes = {0}, text = {0}, again = {0};
    if (cli_base64_decode(&bytes, word)) {
        cli_base64_encode(&text, str_text(&bytes), bytes.len);
        must(cli_base64_decode(&again, str_text(&text)));
        must(again.len == bytes.len && memcmp(str_text(&again), str_text(&bytes), bytes.len) == 0);
    }
    str_free(&bytes);
    str_free(&text);
    str_free(&again);
}

/* Could a word name a file, or standard input? Nothing is read here. */
static bool names_file(int argc, char **argv)
{
    bool found = false;
    for (int i = 0; i < argc; i++)
        found = found || strpbrk(argv[i], "/.@") || strcmp(argv[i], "-") == 0;
    return found;
}

/* Whatever was typed, a request that is built is one JSON object. */
static void try_request(const struct args *args)
{
    struct zeebe_request request;
    weir_error err = {0};
    if (zeebe_request_build(&request, args, &err) == WEIR_OK) {
        weir_json *json = weir_json_parse(request.json.data, request.json.len, &err);
        must(json && request.json.data[0] == '{');
        weir_json_free(json);
    } else {
        must(err.message[0] != '\0');
    }
    zeebe_request_free(&request);
}

static void try_line(int argc, char **argv)
{
    struct args args;
    struct str complaint = {0};
    (void)args_want_json(argc, argv);
    bool understood = args_parse(&args, &weir_table, argc, argv, &complaint);
    must(understood == (complaint.len == 0));
    must(!understood || args.help || args.version || args.command);
    if (understood && !args.help && !args.version && args.command->rpc && !names_file(argc, argv))
        try_request(&args);
    args_free(&args);
    str_free(&complaint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = copy_or_exit(size ? (const char *)data : "", size);
    char *argv[WORDS + 1] = {NULL};
    int argc = 0;
    char *rest = text;
    for (char *word; argc < WORDS && (word = strsep(&rest, "\n"));) {
        argv[argc++] = word;
        try_amounts(word);
        try_address(word);
        try_base64(word);
    }
    try_line(argc, argv);
    release_memory(text);
    return 0;
}

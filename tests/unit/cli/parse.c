/* The command line: words, flags, complaints; on a small table of its own. */
#include "cli/parse.h"

#include <stdio.h>
#include <string.h>

#include "lib/check.h"

static const struct flag common_flags[] = {
    {.name = "output", .letter = 'o', .kind = FLAG_CHOICE, .value = "text|json", .help = "form"},
    {.name = "json", .help = "form"},
    {.name = "help", .letter = 'h', .help = "help"},
    {0}};
static const struct flag_group common = {"Common", common_flags};
static const struct flag call_flags[] = {
    {.name = "client-id", .kind = FLAG_TEXT, .value = "ID", .help = "who"},
    {.name = "request-timeout",
     .also = "timeout",
     .kind = FLAG_DURATION,
     .value = "D",
     .help = "t"},
    {.name = "verbose", .letter = 'v', .help = "more"},
    {.name = "header", .kind = FLAG_TEXT, .repeat = true, .value = "K: V", .help = "header"},
    {.name = "secret", .kind = FLAG_VARIABLE, .env = "SECRET", .help = "never a flag"},
    {0}};
static const struct flag_group call_group = {"Flags", call_flags};
static const struct flag_group *const call_groups[] = {&call_group, NULL};
static const struct flag fail_flags[] = {
    {.name = "retries", .kind = FLAG_NUMBER, .required = true, .value = "N", .help = "left"}, {0}};
static const struct flag_group fail_group = {"Flags", fail_flags};
static const struct flag_group *const fail_groups[] = {&fail_group, NULL};

static const struct command call = {.path = "zeebe call",
                                    .args = "RPC",
                                    .min_args = 1,
                                    .max_args = 1,
                                    .groups = call_groups,
                                    .summary = "call"};
static const struct command status = {
    .path = "zeebe status", .also = "zeebe topology", .args = "", .summary = "status"};
static const struct command fail_job = {.path = "zeebe fail job",
                                        .args = "KEY",
                                        .min_args = 1,
                                        .max_args = 1,
                                        .groups = fail_groups,
                                        .summary = "fail"};
static const struct command sandbox = {
    .path = "sandbox", .args = "", .summary = "sandbox", .runs_program = true};
static const struct command fault = {
    .path = "sandbox fault", .args = "WHAT N", .min_args = 2, .max_args = 2, .summary = "fault"};
static const struct command *const commands[] = {&call, &status, &fail_job, &sandbox, &fault, NULL};
static const struct section sections[] = {{0}};
static const struct table table = {commands, sections, &common};

struct line {
    struct args args;
    struct str complaint;
    bool understood;
    char *argv[16];
    char text[256];
};

/* Words are separated by blanks; '_' stands for a blank inside a word. */
static void parse(struct line *line, const char *text)
{
    int argc = 0;
    memset(line, 0, sizeof *line);
    (void)snprintf(line->text, sizeof line->text, "%s", text);
    char *rest = line->text;
    for (char *word; (word = strsep(&rest, " "));) {
        for (char *at = word; *at; at++)
            *at = *at == '_' ? ' ' : *at;
        line->argv[argc++] = word;
    }
    line->understood = args_parse(&line->args, &table, argc, line->argv, &line->complaint);
}

static void done(struct line *line)
{
    args_free(&line->args);
    str_free(&line->complaint);
}

static void flags_may_stand_anywhere_after_the_area(void **state)
{
    (void)state;
    static const char *const lines[] = {"weir zeebe call --client-id me -v Topology",
                                        "weir zeebe --client-id me call Topology -v",
                                        "weir zeebe --client-id=me -v call Topology",
                                        "weir zeebe call Topology -v --client-id me",
                                        "weir zeebe -v call --client-id=me -- Topology",
                                        "zbctl --clientId me call -v Topology",
                                        "/usr/bin/zbctl call --clientId=me -v=true Topology"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct line line;
        parse(&line, lines[i]);
        if (!line.understood)
            fail_msg("%s: %s", lines[i], line.complaint.data);
        assert_ptr_equal(line.args.command, &call);
        assert_string_equal(args_text(&line.args, "client-id"), "me");
        assert_true(args_switch(&line.args, "verbose"));
        assert_int_equal(line.args.word_count, 1);
        assert_string_equal(line.args.words[0], "Topology");
        done(&line);
    }
}

static void each_mistake_is_named_with_the_nearest_known_word(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"weir zebee", "unknown area \"zebee\"; the nearest known one is \"zeebe\""},
        {"weir zeebe staus", "unknown verb \"staus\"; the nearest known one is \"status\""},
        {"weir zeebe fail jbo", "unknown noun \"jbo\"; the nearest known one is \"job\""},
        {"weir zeebe call X --clint-id a",
         "unknown flag --clint-id; the nearest known one is --client-id"},
        {"weir zeebe status --client-id a",
         "unknown flag --client-id; the nearest known one is --output"},
        {"weir zeebe call X --secret a",
         "unknown flag --secret; the nearest known one is --header"},
        {"weir zeebe call X -q", "unknown flag -q; the nearest known one is --json"},
        {"weir zeebe call X -verbos", "unknown flag -erbos; the nearest known one is --verbose"},
        {"weir", "the area is missing: one of zeebe, sandbox; see weir --help"},
        {"weir zeebe", "the verb is missing: one of call, status, fail; see weir zeebe --help"},
        {"weir zeebe fail", "the noun is missing: one of job; see weir zeebe fail --help"},
        {"weir zeebe fail job 5", "--retries is required: --retries N"},
        {"weir zeebe call", "RPC is missing: weir zeebe call RPC"},
        {"weir zeebe call A B", "unexpected argument \"B\": weir zeebe call RPC"},
        {"weir zeebe status B", "unexpected argument \"B\"; see weir zeebe status --help"},
        {"weir zeebe call X --client-id", "--client-id needs a value: --client-id ID"},
        {"weir zeebe call X --client-id=", ""},
        {"weir zeebe call X -o xml", "-o: \"xml\" is none of text|json"},
        {"weir zeebe call X --timeout soon",
         "--timeout: \"soon\" is no duration: write 250ms, 10s, 5m, 1h30m, or a number of "
         "milliseconds"},
        {"weir zeebe call X --verbose=maybe", "--verbose: \"maybe\" is neither true nor false"},
        {"weir zeebe fail job 5 --retries many", "--retries: \"many\" is no whole number"},
        {"weir --output json zeebe status",
         "--output comes too early: flags follow the area, as in weir zeebe --output"},
        {"weir sandbox --", "nothing follows --: -- CMD [ARG...]"},
        {"weir sandbox bogus", "unknown verb \"bogus\"; the nearest known one is \"fault\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct line line;
        parse(&line, cases[i][0]);
        if (strcmp(str_text(&line.complaint), cases[i][1]) != 0)
            fail_msg("%s\n said: %s\n not: %s", cases[i][0], str_text(&line.complaint),
                     cases[i][1]);
        assert_int_equal(line.understood, *cases[i][1] == '\0');
        done(&line);
    }
}

static void camel_case_is_for_zeebe_only(void **state)
{
    (void)state;
    struct line line;
    parse(&line, "weir zeebe call X --requestTimeout 5s");
    assert_true(line.understood);
    assert_string_equal(args_text(&line.args, "request-timeout"), "5s");
    done(&line);
    parse(&line, "weir sandbox --clientId 5s");
    assert_false(line.understood);
    done(&line);
}

static void help_needs_no_arguments_and_no_required_flags(void **state)
{
    (void)state;
    static const char *const lines[] = {"weir --help",
                                        "weir -h",
                                        "weir zeebe --help",
                                        "weir zeebe fail --help",
                                        "weir zeebe fail job -h",
                                        "zbctl -h",
                                        "weir zeebe call --help",
                                        "weir sandbox --help"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct line line;
        parse(&line, lines[i]);
        if (!line.understood || !line.args.help)
            fail_msg("%s: %s", lines[i], str_text(&line.complaint));
        done(&line);
    }
}

static void what_follows_two_dashes_is_a_program_or_arguments(void **state)
{
    (void)state;
    struct line line;
    parse(&line, "weir sandbox --json -- sh -c exit_3");
    assert_true(line.understood);
    assert_string_equal(line.args.program[0], "sh");
    assert_string_equal(line.args.program[2], "exit 3");
    assert_null(line.args.program[3]);
    done(&line);
    parse(&line, "weir zeebe call -- -v");
    assert_true(line.understood);
    assert_string_equal(line.args.words[0], "-v");
    assert_false(args_switch(&line.args, "verbose"));
    done(&line);
}

static void a_repeated_flag_keeps_all_values_and_others_the_last(void **state)
{
    (void)state;
    struct line line;
    parse(&line, "weir zeebe call X --header a:_b --header=c:_d --client-id one --client-id two");
    assert_true(line.understood);
    assert_string_equal(args_each(&line.args, "header", 0), "a: b");
    assert_string_equal(args_each(&line.args, "header", 1), "c: d");
    assert_null(args_each(&line.args, "header", 2));
    assert_string_equal(args_text(&line.args, "client-id"), "two");
    done(&line);
}

static void the_wish_for_json_is_seen_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *word, *next;
        bool json;
    } cases[] = {{"--json", NULL, true},        {"-o", "json", true},
                 {"-ojson", NULL, true},        {"-o=json", NULL, true},
                 {"--output=json", NULL, true}, {"--output", "json", true},
                 {"-o", "text", false},         {"--", "--json", false},
                 {"json", NULL, false},         {"--json=false", NULL, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char words[3][32] = {"weir"};
        (void)snprintf(words[1], 32, "%s", cases[i].word);
        (void)snprintf(words[2], 32, "%s", cases[i].next ? cases[i].next : "");
        char *argv[] = {words[0], words[1], words[2], NULL};
        assert_int_equal(args_want_json(cases[i].next ? 3 : 2, argv), cases[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_may_stand_anywhere_after_the_area),
        cmocka_unit_test(each_mistake_is_named_with_the_nearest_known_word),
        cmocka_unit_test(camel_case_is_for_zeebe_only),
        cmocka_unit_test(help_needs_no_arguments_and_no_required_flags),
        cmocka_unit_test(what_follows_two_dashes_is_a_program_or_arguments),
        cmocka_unit_test(a_repeated_flag_keeps_all_values_and_others_the_last),
        cmocka_unit_test(the_wish_for_json_is_seen_in_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What must hold for the real table of commands, and for what is made from it. */
#include "cli/table.h"

#include <string.h>

#include "cli/groups.h"
#include "cli/help.h"
#include "lib/check.h"

static void every_command_can_be_shown_and_run(void **state)
{
    (void)state;
    for (size_t i = 0; weir_table.commands[i]; i++) {
        const struct command *command = weir_table.commands[i];
        if (!command->run || !command->summary || !command->args ||
            command->min_args > command->max_args)
            fail_msg("%s is not complete", command->path);
        if (strchr(command->summary, '\n') || command->summary[strlen(command->summary) - 1] == '.')
            fail_msg("%s: a summary is a line without full stop", command->path);
        struct str text = {0};
        help_show(&text, &weir_table, command->path);
        assert_non_null(strstr(text.data, command->summary));
        str_free(&text);
    }
}

static void no_line_of_help_is_wider_than_a_terminal(void **state)
{
    (void)state;
    for (size_t i = 0; weir_table.commands[i]; i++) {
        if (weir_table.commands[i]->hidden)
            continue;
        struct str text = {0};
        help_show(&text, &weir_table, weir_table.commands[i]->path);
        for (const char *at = text.data; *at; at += strcspn(at, "\n") + 1)
            if (strcspn(at, "\n") > 100)
                fail_msg("%s: %.*s", weir_table.commands[i]->path, (int)strcspn(at, "\n"), at);
        str_free(&text);
    }
}

/* Parsing tells words from flags before it knows the verb: a name must mean the same kind, value or
 * none, in every command of an area. */
static void a_name_takes_a_value_everywhere_in_an_area_or_nowhere(void **state)
{
    (void)state;
    for (size_t i = 0; weir_table.commands[i]; i++) {
        const struct command *one = weir_table.commands[i];
        struct flag_walk walk = {.table = &weir_table, .command = one};
        for (const struct flag *flag; (flag = flag_next(&walk));) {
            for (size_t k = 0; weir_table.commands[k]; k++) {
                const struct command *other = weir_table.commands[k];
                size_t area = strcspn(one->path, " ");
                if (strncmp(one->path, other->path, area) != 0)
                    continue;
                const struct flag *same = flag_find(&weir_table, other, flag->name, true);
                if (flag->kind != FLAG_VARIABLE && same &&
                    flag_takes_value(same) != flag_takes_value(flag))
                    fail_msg("--%s of %s and %s", flag->name, one->path, other->path);
            }
        }
    }
}

static void flags_that_take_a_value_say_which(void **state)
{
    (void)state;
    for (size_t i = 0; weir_table.commands[i]; i++) {
        struct flag_walk walk = {.table = &weir_table, .command = weir_table.commands[i]};
        for (const struct flag *flag; (flag = flag_next(&walk));)
            if (flag->kind != FLAG_SWITCH && flag->kind != FLAG_VARIABLE && !flag->value)
                fail_msg("--%s of %s", flag->name, weir_table.commands[i]->path);
    }
}

static void camel_case_is_made_from_kebab_case(void **state)
{
    (void)state;
    char out[16];
    flag_camel("max-jobs-to-activate", out, sizeof out);
    assert_string_equal(out, "maxJobsToActiva");
    flag_camel("client-id", out, sizeof out);
    assert_string_equal(out, "clientId");
    flag_camel("port", out, sizeof out);
    assert_string_equal(out, "port");
    flag_camel("x-", out, sizeof out);
    assert_string_equal(out, "x-");
}

static void completion_names_every_command_and_flag(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t s = 0; s < COUNT(shells); s++) {
        struct str script = {0};
        completion_script(&script, &weir_table, shells[s]);
        const struct command *command;
        for (size_t i = 0; (command = help_command(&weir_table, "", i)); i++) {
            assert_non_null(strstr(script.data, command->path));
            struct flag_walk walk = {.table = &weir_table, .command = command};
            for (const struct flag *flag; (flag = flag_next(&walk));)
                if (flag->help && flag->kind != FLAG_VARIABLE && !strstr(script.data, flag->name))
                    fail_msg("%s: --%s", shells[s], flag->name);
        }
        str_free(&script);
    }
}

static void wrapped_lines_end_before_column_80(void **state)
{
    (void)state;
    struct str out = {0};
    help_wrap(&out,
              "one two three four five six seven eight nine ten eleven twelve thirteen fourteen\n"
              "\nlast",
              10);
    assert_string_equal(out.data, "          one two three four five six seven eight nine ten "
                                  "eleven twelve\n          thirteen fourteen\n\n          last\n");
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_can_be_shown_and_run),
        cmocka_unit_test(no_line_of_help_is_wider_than_a_terminal),
        cmocka_unit_test(a_name_takes_a_value_everywhere_in_an_area_or_nowhere),
        cmocka_unit_test(flags_that_take_a_value_say_which),
        cmocka_unit_test(camel_case_is_made_from_kebab_case),
        cmocka_unit_test(completion_names_every_command_and_flag),
        cmocka_unit_test(wrapped_lines_end_before_column_80),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

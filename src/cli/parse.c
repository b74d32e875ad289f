/* Parsing the command line in three steps: words and flags are told apart by what the area's
 * commands know (flags may stand before the verb); the words name the command; then every flag is
 * held against that command. Guarantees: nothing is ignored; each complaint names what was wrong
 * and the nearest known word. */
#include "cli/parse.h"

#include <string.h>

#include "cli/nearest.h"
#include "cli/value.h"

struct parser {
    struct args *args;
    struct str *complaint;
    int argc, at;
    char **argv;
};

static bool complain(struct parser *p, const char *fmt, ...) WEIR_PRINTF(2, 3);

static bool complain(struct parser *p, const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    str_vaddf(p->complaint, fmt, values);
    va_end(values);
    return false;
}

const char *args_area(const struct args *args, char out[32])
{
    const char *path = args->path ? args->path : "";
    size_t len = strcspn(path, " ");
    len = len < 31 ? len : 31;
    memcpy(out, path, len);
    out[len] = '\0';
    return out;
}

static bool is_zeebe(const struct args *args)
{
    char area[32];
    return strcmp(args_area(args, area), "zeebe") == 0;
}

static void join(char **path, const char *word)
{
    struct str joined = {0};
    if (*path)
        str_addf(&joined, "%s ", *path);
    str_add(&joined, word);
    release_memory(*path);
    *path = joined.data;
}

/* ---- nearest known words ------------------------------------------------------------- */

static void offer_flags(struct nearest *nearest, const struct args *args,
                        const struct command *command)
{
    struct flag_walk walk = {.table = args->table, .command = command};
    for (const struct flag *flag; (flag = flag_next(&walk));) {
        if (flag->kind == FLAG_VARIABLE)
            continue;
        nearest_offer(nearest, flag->name);
        if (flag->also)
            nearest_offer(nearest, flag->also);
    }
}

static const char *dashes(const char *name)
{
    return name[0] && name[1] ? "--" : "-";
}

/* Of the command when it is known, else of everything below the path. */
static bool complain_flag(struct parser *p, const char *before, const char *name)
{
    const struct args *args = p->args;
    const char *path = args->path ? args->path : "";
    struct nearest nearest = {.meant = name};
    const struct command *known = table_command(args->table, path);
    for (size_t i = 0; args->table->commands[i]; i++) {
        const struct command *command = args->table->commands[i];
        if (known ? command == known : table_is_below(command->path, path) && !command->hidden)
            offer_flags(&nearest, args, command);
    }
    return complain(p, "unknown flag %s%s; the nearest known one is --%s", before, name,
                    nearest.word);
}

/* The word of `path` that follows `prefix`. */
static void offer_word(struct nearest *nearest, const char *path, const char *prefix,
                       char words[][32], size_t *count)
{
    if (!path || !table_is_below(path, prefix) || *count == 64)
        return;
    const char *next = path + strlen(prefix);
    next += *next == ' ';
    size_t len = strcspn(next, " ");
    if (len == 0 || len > 31)
        return;
    memcpy(words[*count], next, len);
    words[*count][len] = '\0';
    nearest_offer(nearest, words[(*count)++]);
}

static const char *what_follows(const char *path)
{
    if (!path)
        return "area";
    return strchr(path, ' ') ? "noun" : "verb";
}

static bool complain_word(struct parser *p, const char *word)
{
    const struct args *args = p->args;
    const char *path = args->path ? args->path : "";
    struct nearest nearest = {.meant = word};
    char words[64][32];
    size_t count = 0;
    for (size_t i = 0; args->table->commands[i]; i++) {
        const struct command *command = args->table->commands[i];
        if (command->hidden)
            continue;
        offer_word(&nearest, command->path, path, words, &count);
        offer_word(&nearest, command->also, path, words, &count);
    }
    if (!nearest.word)
        return complain(p, "unexpected argument \"%s\"; see weir %s --help", word, path);
    return complain(p, "unknown %s \"%s\"; the nearest known one is \"%s\"",
                    what_follows(args->path), word, nearest.word);
}

static bool complain_nothing(struct parser *p)
{
    const struct args *args = p->args;
    const char *path = args->path ? args->path : "";
    struct str known = {0};
    char last[32] = "";
    for (size_t i = 0; args->table->commands[i]; i++) {
        const struct command *command = args->table->commands[i];
        struct nearest nearest = {.meant = ""};
        char word[1][32] = {""};
        size_t count = 0;
        bool below = table_is_below(command->path, path);
        if (!command->hidden)
            offer_word(&nearest, below ? command->path : command->also, path, word, &count);
        if (count == 0 || strcmp(last, word[0]) == 0)
            continue;
        memcpy(last, word[0], sizeof last);
        str_addf(&known, "%s%s", known.len ? ", " : "", last);
    }
    (void)complain(p, "the %s is missing: one of %s; see weir%s%s --help", what_follows(args->path),
                   str_text(&known), *path ? " " : "", path);
    str_free(&known);
    return false;
}

/* ---- step one: words and flags -------------------------------------------------------- */

static void add_given(struct args *args, const struct flag *flag, const char *spelled,
                      const char *value)
{
    args->given = memory_or_exit(args->given, args->given_count + 1, sizeof *args->given);
    args->given[args->given_count++] =
        (struct given){.flag = flag, .spelled = spelled, .value = value};
}

/* A flag of this name in any command below the path: while the verb is not known, all that counts
 * is whether a value follows, and that is the same in every command of an area. */
static const struct flag *find_below(const struct args *args, const char *name)
{
    const char *path = args->path ? args->path : "";
    for (size_t i = 0; args->table->commands[i]; i++) {
        const struct command *command = args->table->commands[i];
        if (!table_is_below(command->path, path) &&
            !(command->also && table_is_below(command->also, path)))
            continue;
        const struct flag *flag = flag_find(args->table, command, name, is_zeebe(args));
        if (flag)
            return flag;
    }
    return NULL;
}

static const struct flag *find_flag(const struct args *args, const char *name)
{
    const struct command *known = args->path ? table_command(args->table, args->path) : NULL;
    const struct flag *flag = known ? flag_find(args->table, known, name, is_zeebe(args)) : NULL;
    return flag ? flag : find_below(args, name);
}

/* `text` is behind its dashes; `value` what follows '=' or the letter, or NULL. */
static bool take_named(struct parser *p, const char *name, const char *value)
{
    const struct flag *flag = find_flag(p->args, name);
    if (!flag)
        return complain_flag(p, dashes(name), name);
    if (!value && !flag_takes_value(flag))
        value = flag->kind == FLAG_SWITCH ? "true" : "";
    if (!value && p->at < p->argc)
        value = p->argv[p->at++];
    if (!value)
        return complain(p, "%s%s needs a value: %s%s %s", dashes(name), name, dashes(name), name,
                        flag->value ? flag->value : "VALUE");
    add_given(p->args, flag, name, value);
    return true;
}

/* The part of argv in front of '=' must end by itself: '=' is overwritten, once, by NUL. */
static bool take_long(struct parser *p, char *text)
{
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    return take_named(p, text, value);
}

/* "-o json", "-ojson", "-o=json"; switches may stand together: "-vo json". */
static bool take_short(struct parser *p, const char *text)
{
    static const char *const letters[] = {"h", "o", "v", NULL};
    for (; *text; text++) {
        const char *name = NULL;
        for (size_t i = 0; letters[i]; i++)
            if (letters[i][0] == *text)
                name = letters[i];
        const struct flag *flag = name ? find_flag(p->args, name) : NULL;
        if (!flag)
            return complain_flag(p, "-", text);
        if (flag_takes_value(flag))
            return take_named(p, name, text[1] ? text + 1 + (text[1] == '=') : NULL);
        if (text[1] == '=')
            return take_named(p, name, text + 2);
        add_given(p->args, flag, name, "true");
    }
    return true;
}

/* What follows are the flags of `weir version`. */
static void take_version(struct args *args)
{
    args->version = true;
    join(&args->path, "version");
}

static bool take_early(struct parser *p, const char *text)
{
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
        p->args->help = true;
    else if (strcmp(text, "--version") == 0)
        take_version(p->args);
    else if (find_flag(p->args, text + strspn(text, "-")))
        return complain(p, "%s comes too early: flags follow the area, as in weir zeebe %s", text,
                        text);
    else
        return complain(p, "unknown flag %s; the nearest known one is --help", text);
    return true;
}

/* The path grows by the word as long as commands lie below it; the rest are arguments. */
static bool take_word(struct parser *p, char *word)
{
    struct args *args = p->args;
    if (args->word_count == 0) {
        struct str longer = {0};
        str_addf(&longer, "%s%s%s", args->path ? args->path : "", args->path ? " " : "", word);
        bool known = *word && !strchr(word, ' ') && table_has(args->table, str_text(&longer));
        str_free(&longer);
        if (known) {
            join(&args->path, word);
            return true;
        }
        const struct command *here = args->path ? table_command(args->table, args->path) : NULL;
        if (!here || here->max_args == 0)
            return complain_word(p, word);
    }
    args->words = memory_or_exit(args->words, args->word_count + 1, sizeof *args->words);
    args->words[args->word_count++] = word;
    return true;
}

/* What follows --: a program where the command runs one, else arguments. */
static bool take_rest(struct parser *p)
{
    const struct command *command =
        p->args->path ? table_command(p->args->table, p->args->path) : NULL;
    if (command && command->runs_program) {
        p->args->program = &p->argv[p->at];
        p->at = p->argc;
        return *p->args->program != NULL || complain(p, "nothing follows --: -- CMD [ARG...]");
    }
    while (p->at < p->argc)
        if (!take_word(p, p->argv[p->at++]))
            return false;
    return true;
}

static bool take_one(struct parser *p)
{
    char *text = p->argv[p->at++];
    if (strcmp(text, "--") == 0)
        return take_rest(p);
    if (text[0] != '-' || text[1] == '\0')
        return take_word(p, text);
    if (!p->args->path)
        return take_early(p, text);
    return text[1] == '-' ? take_long(p, text + 2) : take_short(p, text + 1);
}

/* ---- steps two and three: the command, and its flags ----------------------------------- */

static bool check_flags(struct parser *p)
{
    struct args *args = p->args;
    for (size_t i = 0; i < args->given_count; i++) {
        struct given *given = &args->given[i];
        given->flag = flag_find(args->table, args->command, given->spelled, is_zeebe(args));
        if (!given->flag)
            return complain_flag(p, dashes(given->spelled), given->spelled);
        if (strcmp(given->flag->name, "help") == 0)
            args->help = strcmp(given->value, "false") != 0;
        const char *wrong = flag_check(given->flag, given->value);
        if (wrong)
            return complain(p, "%s%s: \"%s\" %s%s%s", dashes(given->spelled), given->spelled,
                            given->value, wrong, given->flag->kind == FLAG_CHOICE ? " " : "",
                            given->flag->kind == FLAG_CHOICE ? given->flag->value : "");
    }
    return true;
}

static bool check_required(struct parser *p)
{
    struct args *args = p->args;
    struct flag_walk walk = {.table = args->table, .command = args->command};
    for (const struct flag *flag; (flag = flag_next(&walk));)
        if (flag->required && !args_has(args, flag->name))
            return complain(p, "--%s is required: --%s %s", flag->name, flag->name, flag->value);
    if (args->word_count < args->command->min_args)
        return complain(p, "%s is missing: weir %s %s", args->command->args, args->path,
                        args->command->args);
    if (args->word_count > args->command->max_args)
        return complain(p, "unexpected argument \"%s\": weir %s %s",
                        args->words[args->command->max_args], args->path, args->command->args);
    return true;
}

static bool asks_for_help(const struct args *args)
{
    for (size_t i = 0; i < args->given_count; i++)
        if (strcmp(args->given[i].flag->name, "help") == 0 &&
            strcmp(args->given[i].value, "true") == 0)
            return true;
    return args->help;
}

static bool settle(struct parser *p)
{
    struct args *args = p->args;
    args->help = asks_for_help(args);
    args->command = args->path ? table_command(args->table, args->path) : NULL;
    if (args->version)
        return true;
    if (!args->command)
        return args->help || complain_nothing(p);
    if (!check_flags(p))
        return false;
    return args->help || check_required(p);
}

/* "zbctl" in argv[0] stands for `weir zeebe`. */
static void take_program_name(struct args *args, const char *name)
{
    const char *slash = name ? strrchr(name, '/') : NULL;
    const char *base = slash ? slash + 1 : name;
    if (base && strcmp(base, "zbctl") == 0)
        join(&args->path, "zeebe");
}

bool args_parse(struct args *args, const struct table *table, int argc, char **argv,
                struct str *complaint)
{
    *args = (struct args){.table = table};
    struct parser p = {.args = args, .complaint = complaint, .argc = argc, .at = 1, .argv = argv};
    take_program_name(args, argc > 0 ? argv[0] : NULL);
    while (p.at < argc)
        if (!take_one(&p))
            return false;
    return settle(&p);
}

void args_free(struct args *args)
{
    release_memory(args->path);
    release_memory(args->given);
    release_memory(args->words);
    *args = (struct args){0};
}

/* ---- asking ----------------------------------------------------------------------------- */

static bool value_is_json(const char *text)
{
    return text && strcmp(text, "json") == 0;
}

bool args_want_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *text = argv[i];
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(text, "--json") == 0 || strcmp(text, "--json=true") == 0)
            return true;
        if ((strcmp(text, "-o") == 0 || strcmp(text, "--output") == 0) && value_is_json(next))
            return true;
        if (strcmp(text, "--output=json") == 0 || strcmp(text, "-ojson") == 0 ||
            strcmp(text, "-o=json") == 0)
            return true;
    }
    return false;
}

const char *args_each(const struct args *args, const char *name, size_t index)
{
    for (size_t i = 0; i < args->given_count; i++)
        if (strcmp(args->given[i].flag->name, name) == 0 && index-- == 0)
            return args->given[i].value;
    return NULL;
}

const char *args_text(const struct args *args, const char *name)
{
    const char *last = NULL;
    for (size_t i = 0; i < args->given_count; i++)
        if (strcmp(args->given[i].flag->name, name) == 0)
            last = args->given[i].value;
    return last;
}

bool args_has(const struct args *args, const char *name)
{
    return args_text(args, name) != NULL;
}

bool args_switch(const struct args *args, const char *name)
{
    bool on = false;
    const char *value = args_text(args, name);
    return value && !value_switch(value, &on) && on;
}

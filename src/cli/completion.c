/* Completion scripts. Everything a shell needs is written into the script, so that completing
 * starts no process. Each finds the command by the words in front of the cursor, leaving flags and
 * their values out, and then knows its flags, choices and next words. Pure. */
#include <string.h>

#include "cli/help.h"

/* Every path once: "", "zeebe", "zeebe call", ... to `visit`. Second paths count. */
struct visit {
    struct str *out;
    const struct table *table;
    void (*one)(struct str *out, const struct table *table, const char *path);
};

/* Was this prefix seen among the commands before `index`? */
static bool seen_before(const struct table *table, size_t index, const char *prefix)
{
    for (size_t i = 0; i < index; i++)
        if (!table->commands[i]->hidden && table_is_below(table->commands[i]->path, prefix))
            return true;
    return false;
}

static void visit_prefixes(const struct visit *visit, size_t index, const char *path, bool second)
{
    for (size_t len = 0; path[len]; len++) {
        if (path[len + 1] != ' ' && path[len + 1] != '\0')
            continue;
        char *prefix = copy_or_exit(path, len + 1);
        if (!seen_before(visit->table, index + second, prefix))
            visit->one(visit->out, visit->table, prefix);
        release_memory(prefix);
    }
}

static void visit_paths(const struct visit *visit)
{
    visit->one(visit->out, visit->table, "");
    for (size_t i = 0; visit->table->commands[i]; i++) {
        const struct command *command = visit->table->commands[i];
        if (command->hidden)
            continue;
        visit_prefixes(visit, i, command->path, false);
        if (command->also)
            visit_prefixes(visit, i, command->also, true);
    }
}

/* The words that may follow a path, each once, separated by blanks. */
static void add_next_of(struct str *words, const char *command, const char *path)
{
    if (!command || !table_is_below(command, path) || strcmp(command, path) == 0)
        return;
    const char *next = command + strlen(path) + (*path != '\0');
    struct str word = {0};
    str_addf(&word, " %.*s ", (int)strcspn(next, " "), next);
    if (!strstr(str_text(words), word.data))
        str_add(words, words->len ? word.data + 1 : word.data);
    str_free(&word);
}

/* "bash|zsh|fish" as a command's argument: each of them. */
static void add_argument(struct str *words, const struct command *command)
{
    const char *args = command ? command->args : "";
    if (!strchr(args, '|'))
        return;
    str_add(words, " ");
    for (; *args; args++)
        if (!strchr("[]", *args))
            str_addf(words, "%c", *args == '|' ? ' ' : *args);
    str_add(words, " ");
}

/* Are its arguments files or folders? */
static bool takes_files(const struct command *command)
{
    return command && (strstr(command->args, "PATH") || strstr(command->args, "FOLDER"));
}

static void add_next(struct str *out, const struct table *table, const char *path)
{
    struct str words = {0};
    add_argument(&words, table_command(table, path));
    for (size_t i = 0; table->commands[i]; i++) {
        if (table->commands[i]->hidden)
            continue;
        add_next_of(&words, table->commands[i]->path, path);
        add_next_of(&words, table->commands[i]->also, path);
    }
    const char *text = str_text(&words);
    text += *text == ' ';
    size_t len = strlen(text);
    str_add_bytes(out, text, len - (len > 0));
    str_free(&words);
}

/* Flags of a command, or the common ones where there is none. */
static const struct flag *next_shown(struct flag_walk *walk)
{
    const struct flag *flag;
    do
        flag = flag_next(walk);
    while (flag && (!flag->help || flag->kind == FLAG_VARIABLE));
    return flag;
}

static const struct command no_command = {.path = "", .args = ""};

static struct flag_walk walk_flags(const struct table *table, const char *path)
{
    const struct command *command = table_command(table, path);
    return (struct flag_walk){.table = table, .command = command ? command : &no_command};
}

static void add_choices(struct str *out, const char *choices)
{
    for (; *choices; choices++)
        str_addf(out, "%c", *choices == '|' ? ' ' : *choices);
}

/* Every flag of any command that takes a value, once: "--a|--b", for leaving values out. */
static void add_value_flags(struct str *out, const struct table *table)
{
    struct str seen = {0};
    str_add(&seen, "|-o|");
    for (size_t i = 0; table->commands[i]; i++) {
        struct flag_walk walk = {.table = table, .command = table->commands[i]};
        for (const struct flag *flag; (flag = next_shown(&walk));) {
            struct str name = {0};
            str_addf(&name, "|--%s|", flag->name);
            if (flag_takes_value(flag) && !strstr(str_text(&seen), name.data))
                str_add(&seen, name.data + 1);
            str_free(&name);
        }
    }
    str_add_bytes(out, seen.data + 1, seen.len - 2);
    str_free(&seen);
}

/* ---- bash ------------------------------------------------------------------------------- */

static void bash_path(struct str *out, const struct table *table, const char *path)
{
    str_addf(out, "        \"%s\")\n            words=\"", path);
    add_next(out, table, path);
    str_add(out, takes_files(table_command(table, path)) ? "\"\n            paths=1" : "\"");
    str_add(out, "\n            flags=\"");
    struct flag_walk walk = walk_flags(table, path);
    const char *between = "";
    for (const struct flag *flag; (flag = next_shown(&walk)); between = " ")
        str_addf(out, "%s--%s", between, flag->name);
    str_add(out, "\"\n            case $previous in\n");
    walk = walk_flags(table, path);
    for (const struct flag *flag; (flag = next_shown(&walk));) {
        if (flag->kind == FLAG_CHOICE) {
            str_addf(out, "                --%s) choices=\"", flag->name);
            add_choices(out, flag->value);
            str_add(out, "\" ;;\n");
        } else if (flag->kind == FLAG_FILE || flag->kind == FLAG_JSON) {
            str_addf(out, "                --%s) files=1 ;;\n", flag->name);
        } else if (flag_takes_value(flag)) {
            str_addf(out, "                --%s) return ;;\n", flag->name);
        }
    }
    str_add(out, "            esac ;;\n");
}

static const char bash_head[] =
    "# bash completion for weir (and zbctl, a link to it). Made by: weir completion bash\n"
    "_weir() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local path=\"\" longer word words=\"\" flags=\"\" choices=\"\" files=\"\" paths=\"\"\n"
    "    local value=\"\" at\n"
    "    [[ ${COMP_WORDS[0]##*/} == zbctl ]] && path=zeebe\n"
    "    [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    [[ $current == = ]] && current=\"\"\n"
    "    [[ $previous == -o ]] && previous=--output\n"
    "    COMPREPLY=()\n"
    "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
    "        word=${COMP_WORDS[at]}\n"
    "        if [[ -n $value ]]; then value=\"\"; continue; fi\n"
    "        case $word in\n"
    "            =) value=1; continue ;;\n"
    "            ";

static const char bash_middle[] =
    ") [[ ${COMP_WORDS[at+1]} != = ]] && value=1; continue ;;\n"
    "            -*) continue ;;\n"
    "        esac\n"
    "        longer=\"${path:+$path }$word\"\n"
    "        [[ \" $_weir_paths \" == *\"|$longer|\"* ]] && path=$longer\n"
    "    done\n"
    "    case $path in\n";

static const char bash_tail[] =
    "    esac\n"
    "    if [[ -n $choices ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$choices\" -- \"$current\"))\n"
    "    elif [[ -n $files && $current == @* ]]; then\n"
    "        _weir_files @ \"${current#@}\"\n"
    "    elif [[ -n $files ]]; then\n"
    "        _weir_files '' \"$current\"\n"
    "    elif [[ $current == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
    "    else\n"
    "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
    "        [[ -z $paths ]] || _weir_files '' \"$current\"\n"
    "    fi\n"
    "}\n"
    "# Adds the files that begin with $2, each behind $1; folders stay open.\n"
    "_weir_files() {\n"
    "    local file\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    while IFS= read -r file; do COMPREPLY+=(\"$1$file\"); done < <(compgen -f -- \"$2\")\n"
    "}\n"
    "complete -F _weir weir zbctl\n";

static void bash_known(struct str *out, const struct table *table, const char *path)
{
    (void)table;
    str_addf(out, "%s|", path);
}

static void bash_script(struct str *out, const struct table *table)
{
    str_add(out, bash_head);
    add_value_flags(out, table);
    str_add(out, bash_middle);
    visit_paths(&(struct visit){out, table, bash_path});
    str_add(out, bash_tail);
    str_add(out, "_weir_paths=\"");
    visit_paths(&(struct visit){out, table, bash_known});
    str_add(out, "\"\n");
}

/* ---- zsh and fish -------------------------------------------------------------------------- */

/* Inside '...' of both shells; brackets and colons mean something to zsh's _arguments. */
static void add_quoted(struct str *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            str_add(out, "'\\''");
        else if (strchr("[]:\\", *text))
            str_addf(out, "\\%c", *text);
        else
            str_addf(out, "%c", *text);
    }
}

static void zsh_flag(struct str *out, const struct flag *flag)
{
    static const char *const value[] = {[FLAG_SWITCH] = "", [FLAG_OPTIONAL] = "=-"};
    str_addf(out, "                '%s--%s%s[", flag->repeat ? "*" : "", flag->name,
             flag_takes_value(flag) ? "=" : value[flag->kind]);
    add_quoted(out, flag->help);
    str_add(out, "]");
    if (flag->kind == FLAG_CHOICE) {
        str_addf(out, ":%s:(", flag->name);
        add_choices(out, flag->value);
        str_add(out, ")");
    } else if (flag->kind == FLAG_FILE || flag->kind == FLAG_JSON) {
        str_addf(out, ":%s:_files", flag->name);
    } else if (flag->kind != FLAG_SWITCH) {
        str_addf(out, "%s:%s: ", flag->kind == FLAG_OPTIONAL ? ":" : "", flag->name);
    }
    str_add(out, "' \\\n");
}

static void zsh_path(struct str *out, const struct table *table, const char *path)
{
    str_addf(out, "        \"%s\")\n            words_below=(", path);
    add_next(out, table, path);
    str_add(out, ")\n            _arguments \\\n");
    struct flag_walk walk = walk_flags(table, path);
    for (const struct flag *flag; (flag = next_shown(&walk));)
        zsh_flag(out, flag);
    str_add(out,
            "                '*:word:{ (( $#words_below )) && compadd -a words_below || _files }' "
            ";;\n");
}

static const char zsh_head[] = "#compdef weir zbctl\n"
                               "# zsh completion for weir. Made by: weir completion zsh\n"
                               "_weir() {\n"
                               "    local path_of= word longer value= at\n"
                               "    local -a words_below\n"
                               "    [[ ${words[1]:t} == zbctl ]] && path_of=zeebe\n"
                               "    for ((at = 2; at < CURRENT; at++)); do\n"
                               "        word=${words[at]}\n"
                               "        if [[ -n $value ]]; then value=; continue; fi\n"
                               "        case $word in\n"
                               "            ";

static const char zsh_middle[] =
    ") value=1; continue ;;\n"
    "            -*) continue ;;\n"
    "        esac\n"
    "        longer=\"${path_of:+$path_of }$word\"\n"
    "        [[ \"$_weir_paths\" == *\"|$longer|\"* ]] && path_of=$longer\n"
    "    done\n"
    "    case $path_of in\n";

static void zsh_script(struct str *out, const struct table *table)
{
    str_add(out, zsh_head);
    add_value_flags(out, table);
    str_add(out, zsh_middle);
    visit_paths(&(struct visit){out, table, zsh_path});
    str_add(out, "    esac\n}\n_weir_paths=\"");
    visit_paths(&(struct visit){out, table, bash_known});
    str_add(out, "\"\nif [[ $funcstack[1] == _weir ]]; then _weir \"$@\"; else compdef _weir weir "
                 "zbctl; fi\n");
}

static bool has_flag(const struct table *table, const struct command *command,
                     const struct flag *flag)
{
    struct flag_walk walk = {.table = table, .command = command};
    const struct flag *own;
    while ((own = next_shown(&walk)) && own != flag)
        continue;
    return own != NULL;
}

/* The paths of commands from `index` on that have this row; false: one in front of it has it. */
static bool fish_paths(struct str *out, const struct table *table, size_t index,
                       const struct flag *flag)
{
    const struct command *command;
    for (size_t i = 0; (command = help_command(table, "", i)); i++) {
        if (!has_flag(table, command, flag))
            continue;
        if (i < index)
            return false;
        str_addf(out, " \"%s\"", command->path);
        if (command->also)
            str_addf(out, " \"%s\"", command->also);
    }
    return true;
}

static void fish_flag(struct str *out, const char *paths, const struct flag *flag)
{
    str_add(out, "complete -c weir");
    if (paths)
        str_addf(out, " -n '__weir_at%s'", paths);
    str_addf(out, " -l %s -d '", flag->name);
    for (const char *at = flag->help; *at; at++)
        str_addf(out, "%s%c", *at == '\'' || *at == '\\' ? "\\" : "", *at);
    str_add(out, "'");
    if (flag->letter)
        str_addf(out, " -s %c", flag->letter);
    if (flag->kind == FLAG_CHOICE) {
        str_add(out, " -x -a '");
        add_choices(out, flag->value);
        str_add(out, "'");
    } else if (flag_takes_value(flag)) {
        str_add(out, flag->kind == FLAG_FILE || flag->kind == FLAG_JSON ? " -r -F" : " -x");
    }
    str_add(out, "\n");
}

static void fish_path(struct str *out, const struct table *table, const char *path)
{
    struct str words = {0};
    add_next(&words, table, path);
    if (words.len)
        str_addf(out, "complete -c weir -n '__weir_at \"%s\"' -f -a '%s'\n", path,
                 str_text(&words));
    str_free(&words);
}

/* Each row once, whatever commands share it: fish asks all conditions at every key. */
static void fish_flags(struct str *out, const struct table *table)
{
    const struct command *command;
    struct flag_walk walk = walk_flags(table, "");
    for (const struct flag *flag; (flag = next_shown(&walk));)
        fish_flag(out, NULL, flag);
    for (size_t i = 0; (command = help_command(table, "", i)); i++) {
        walk = (struct flag_walk){.table = table, .command = command};
        for (const struct flag *flag; (flag = next_shown(&walk)) && walk.in != table->common;) {
            struct str paths = {0};
            if (fish_paths(&paths, table, i, flag))
                fish_flag(out, str_text(&paths), flag);
            str_free(&paths);
        }
    }
}

static const char fish_head[] = "# fish completion for weir. Made by: weir completion fish\n"
                                "function __weir_at\n"
                                "    set -l words (commandline -opc)\n"
                                "    set -l path ''\n"
                                "    set -l value 0\n"
                                "    for word in $words[2..-1]\n"
                                "        if test $value = 1\n"
                                "            set value 0\n"
                                "            continue\n"
                                "        end\n"
                                "        if string match -qr -- '^(";

static const char fish_middle[] =
    ")$' $word\n"
    "            set value 1\n"
    "            continue\n"
    "        end\n"
    "        string match -q -- '-*' $word; and continue\n"
    "        set -l longer (string trim \"$path $word\")\n"
    "        contains -- $longer $__weir_paths; and set path $longer\n"
    "    end\n"
    "    contains -- \"$path\" $argv\n"
    "end\n"
    "set -g __weir_paths";

static void fish_known(struct str *out, const struct table *table, const char *path)
{
    (void)table;
    if (*path)
        str_addf(out, " '%s'", path);
}

static void fish_script(struct str *out, const struct table *table)
{
    str_add(out, fish_head);
    add_value_flags(out, table);
    str_add(out, fish_middle);
    visit_paths(&(struct visit){out, table, fish_known});
    str_add(out, "\ncomplete -c zbctl -w 'weir zeebe'\n");
    visit_paths(&(struct visit){out, table, fish_path});
    fish_flags(out, table);
}

void completion_script(struct str *out, const struct table *table, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        bash_script(out, table);
    else if (strcmp(shell, "zsh") == 0)
        zsh_script(out, table);
    else
        fish_script(out, table);
}

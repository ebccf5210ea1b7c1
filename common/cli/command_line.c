/* SPDX-License-Identifier: MIT
 *
 * Parses options of the forms --NAME, --NAME VALUE, --NAME=VALUE, --help and -h, in any order; the
 * words after -- are not options. Does not use getopt_long(), because getopt_long() accepts the
 * beginning of a name, so that a new option could change what an existing command line means.
 * Rejects unknown and abbreviated options, a missing, empty or superfluous value, missing required
 * options, arguments that are not options, and unknown names of commands. */
#include "cli/command_line.h"

#include "cli/help_text.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

enum {
    HELP_MAX = 64 * 1024,
    NAMES_MAX = 4096,
    COMMAND_SIZE = 64,
    SAME_START_MIN = 4,   /* a name is suggested if it has at least this number of first letters in
                             common with the unknown word */
    LETTERS_PER_TYPO = 3, /* a name is also suggested if the word has at most one typo for each
                             three letters */
    TYPOS_MAX = 2,        /* the limit of typos for a word of any length */
};

static const struct ria_option help_switch = {.name = "help"};

/* -- misspelled names ------------------------------------------------------------------------ */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Returns the largest number of typos with which a word of `len` letters leads to a suggestion. */
static size_t most_typos(size_t len)
{
    return len > RIA_TYPO_WORD_MAX ? 0 : smaller(len / LETTERS_PER_TYPO, TYPOS_MAX);
}

static size_t count_same_start(const char *word, const char *name)
{
    size_t len = 0;
    while (word[len] != '\0' && word[len] == name[len]) {
        len++;
    }
    return len;
}

/* Returns the advice for a word of `len` letters, or NULL. */
static const char *find_advice(const struct ria_syntax *syntax, const char *word, size_t len)
{
    for (const struct ria_hint *hint = syntax->hints; hint != NULL && hint->word != NULL; hint++) {
        if (strlen(hint->word) == len && strncmp(hint->word, word, len) == 0) {
            return hint->advice;
        }
    }
    return NULL;
}

/* -- options --------------------------------------------------------------------------------- */

static int print_help(const struct ria_buf *text)
{
    return text->failed ? ria_out_of_memory() : ria_print(text->data);
}

/* Returns the option at the index; the index `count` is --help. */
static const struct ria_option *option_at(const struct ria_syntax *syntax, size_t index)
{
    return index < syntax->count ? &syntax->options[index] : &help_switch;
}

/* Returns the length of an option's name. In a word with one dash, the name is the first character,
 * because the other characters could be a password, as in -pPASSWORD of the MySQL tools. */
static size_t name_len(const char *word, const char *name)
{
    uint32_t code = 0;
    size_t len = ria_text_decode(name, &code);
    return name - word > 1 ? strcspn(name, "=") : len > 0 ? len : 1;
}

/* Appends the names of the options that begin with the first `len` letters of `name`. */
static void add_longer_names(
    const struct ria_syntax *syntax, const char *name, size_t len, struct ria_buf *names)
{
    for (size_t i = 0; len > 0 && i <= syntax->count; i++) {
        const struct ria_option *option = option_at(syntax, i);
        if (strncmp(option->name, name, len) == 0) {
            ria_buf_addf(names, "%s--%s", names->len == 0 ? "" : " or ", option->name);
        }
    }
}

/* Appends the names of the options that differ from the first `len` letters of `name` by the fewest
 * typos. Appends nothing if each option differs by too many typos. */
static void add_similar_names(
    const struct ria_syntax *syntax, const char *name, size_t len, struct ria_buf *names)
{
    size_t fewest = most_typos(len);
    for (size_t i = 0; i <= syntax->count; i++) {
        fewest = smaller(fewest, ria_typos(name, len, option_at(syntax, i)->name));
    }
    for (size_t i = 0; i <= syntax->count; i++) {
        const struct ria_option *option = option_at(syntax, i);
        if (fewest > 0 && ria_typos(name, len, option->name) == fewest) {
            ria_buf_addf(names, "%s--%s", names->len == 0 ? "" : " or ", option->name);
        }
    }
}

/* Fills err for an unknown option. The message contains the advice of the table for this option, if
 * the table has one. Otherwise it names the options that begin with the letters of the unknown
 * option. If none begins with these letters, it names the options of which the unknown option may
 * be a misspelling. It does not contain the value, which could be a secret. */
static int unknown_option(
    const char *command, const struct ria_syntax *syntax, const char *word, struct ria_error *err)
{
    const char *name = word + strspn(word, "-");
    size_t len = name_len(word, name);
    RIA_AUTO(buf) names = {.max = NAMES_MAX};
    int shown = (int)((size_t)(name - word) + len);
    const char *advice = find_advice(syntax, word, (size_t)shown);
    if (advice != NULL) {
        return ria_usage_error(err, command, "unknown option %.*s; %s", shown, word, advice);
    }
    add_longer_names(syntax, name, len, &names);
    if (names.len == 0) {
        add_similar_names(syntax, name, len, &names);
    }
    const char *list = ria_buf_text(&names);
    return names.len == 0 || list == NULL
               ? ria_usage_error(err, command, "unknown option %.*s", shown, word)
               : ria_usage_error(err, command, "unknown option %.*s; write %s", shown, word, list);
}

/* Finds the option that a word names. The word begins with a dash. Returns NULL if no option has
 * this name. */
static const struct ria_option *find_option(const struct ria_syntax *syntax, const char *word)
{
    size_t len = strcspn(word, "=");
    if (strcmp(word, "-h") == 0) {
        return &help_switch;
    }
    for (size_t i = 0; i <= syntax->count && strncmp(word, "--", 2) == 0; i++) {
        const struct ria_option *option = option_at(syntax, i);
        if (strlen(option->name) == len - 2 && strncmp(option->name, word + 2, len - 2) == 0) {
            return option;
        }
    }
    return NULL;
}

static const char **value_place(const struct ria_option *option, void *values)
{
    return (const char **)((char *)values + option->place);
}

/* Stores the value of an option. `value` is NULL if the command line has no value for the option.
 * Returns RIA_CONTINUE, or the exit status. */
static int options_set(
    const char *command,
    const struct ria_option *option,
    const char *value,
    void *values,
    struct ria_error *err)
{
    if (option->argument == NULL) {
        if (value != NULL) {
            return ria_usage_error(err, command, "--%s takes no value", option->name);
        }
        *(bool *)((char *)values + option->place) = true;
        return RIA_CONTINUE;
    }
    if (value == NULL) {
        return ria_usage_error(err, command, "--%s needs a value", option->name);
    }
    if (*value == '\0') {
        return ria_usage_error(err, command, "the value of --%s is empty", option->name);
    }
    *value_place(option, values) = value;
    return RIA_CONTINUE;
}

static int options_check_required(
    char **argv, const struct ria_syntax *syntax, void *values, struct ria_error *err)
{
    for (size_t i = 0; i < syntax->count; i++) {
        const struct ria_option *option = &syntax->options[i];
        if (option->is_required && *value_place(option, values) == NULL) {
            return ria_usage_error(err, argv[0], "--%s is missing", option->name);
        }
    }
    return RIA_CONTINUE;
}

/* Returns the option of this name, or NULL if the command has none. */
static const struct ria_option *find_named(const struct ria_syntax *syntax, const char *name)
{
    for (size_t i = 0; i < syntax->count; i++) {
        if (strcmp(syntax->options[i].name, name) == 0) {
            return &syntax->options[i];
        }
    }
    return NULL;
}

static bool has_hostname(const struct ria_syntax *syntax)
{
    return find_named(syntax, "hostname") != NULL;
}

/* Fills err for an argument that is not an option. If the command has --hostname and --username,
 * names those of the two that are not given. */
static int unexpected_argument(
    const char *command,
    const struct ria_syntax *syntax,
    void *values,
    const char *word,
    struct ria_error *err)
{
    const struct ria_option *host = find_named(syntax, "hostname");
    const struct ria_option *user = find_named(syntax, "username");
    bool has_both = host != NULL && user != NULL;
    bool lacks_host = has_both && *value_place(host, values) == NULL;
    bool lacks_user = has_both && *value_place(user, values) == NULL;
    return ria_usage_error(
        err,
        command,
        "unexpected argument \"%s\"%s%s%s",
        word,
        lacks_host || lacks_user ? "; write" : "",
        lacks_host ? " --hostname HOST" : "",
        lacks_user ? " --username USER" : "");
}

/* Prints the help. If the command has --hostname, rejects -h before a value, because with psql and
 * mariadb this value is the host. `next` is the next word, or NULL. */
static int print_help_of(
    const char *command,
    const char *word,
    const char *next,
    const struct ria_syntax *syntax,
    struct ria_error *err)
{
    if (word[1] == 'h' && next != NULL && next[0] != '-' && has_hostname(syntax)) {
        return ria_usage_error(err, command, "-h is help; the host is --hostname");
    }
    RIA_AUTO(buf) text = {.max = HELP_MAX};
    ria_help_of_command(syntax, &text);
    return print_help(&text);
}

/* Parses the option in the word argv[*at]. If the next word is the option's value, moves *at to
 * that word. Returns RIA_CONTINUE, or the exit status. */
static int parse_option(
    int argc,
    char **argv,
    int *at,
    const struct ria_syntax *syntax,
    void *values,
    struct ria_error *err)
{
    const char *word = argv[*at];
    const struct ria_option *option = find_option(syntax, word);
    if (option == NULL) {
        return unknown_option(argv[0], syntax, word, err);
    }
    const char *equals = strchr(word, '=');
    if (option == &help_switch && equals == NULL) {
        return print_help_of(argv[0], word, *at + 1 < argc ? argv[*at + 1] : NULL, syntax, err);
    }
    const char *value = equals == NULL ? NULL : equals + 1;
    if (value == NULL && option->argument != NULL && *at + 1 < argc) {
        value = argv[++*at];
    }
    return options_set(argv[0], option, value, values, err);
}

/* Returns the first option that has taken another option of the command as its value, or NULL. If
 * the command line has an error, the user probably forgot the value. If it has none, the other
 * option may be the value that the user meant. */
static const struct ria_option *find_forgotten(
    int argc, char **argv, const struct ria_syntax *syntax)
{
    for (int i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct ria_option *option = find_option(syntax, argv[i]);
        if (option == NULL || option->argument == NULL || strchr(argv[i], '=') != NULL) {
            continue;
        }
        if (find_option(syntax, argv[++i]) != NULL) {
            return option;
        }
    }
    return NULL;
}

int ria_options_read(
    int argc, char **argv, const struct ria_syntax *syntax, void *values, struct ria_error *err)
{
    const char *unexpected = NULL; /* the first argument that is not an option */
    bool has_ended = false;        /* -- was read */
    int status = RIA_CONTINUE;
    for (int i = 1; status == RIA_CONTINUE && i < argc; i++) {
        const char *word = argv[i];
        if (has_ended || word[0] != '-' || word[1] == '\0') {
            unexpected = unexpected == NULL ? word : unexpected;
        } else if (strcmp(word, "--") == 0) {
            has_ended = true;
        } else {
            status = parse_option(argc, argv, &i, syntax, values, err);
        }
    }
    if (status != RIA_CONTINUE) {
        return status;
    }
    status = unexpected != NULL ? unexpected_argument(argv[0], syntax, values, unexpected, err)
                                : options_check_required(argv, syntax, values, err);
    const struct ria_option *forgotten = find_forgotten(argc, argv, syntax);
    return status == RIA_CONTINUE || forgotten == NULL
               ? status
               : ria_usage_error(err, argv[0], "--%s needs a value", forgotten->name);
}

int ria_options_parse(int argc, char **argv, const struct ria_syntax *syntax, void *values)
{
    struct ria_error err = {0};
    int status = ria_options_read(argc, argv, syntax, values, &err);
    if (err.text[0] != '\0') {
        ria_print_error(argv[0], &err);
    }
    return status;
}

int ria_options_read_port(
    const char *command, const char *text, unsigned *port, struct ria_error *err)
{
    *port = ria_port_parse(text);
    return *port > 0
               ? RIA_CONTINUE
               : ria_usage_error(err, command, "--port \"%s\" is not between 1 and 65535", text);
}

int ria_options_port(const char *command, const char *text, unsigned *port)
{
    struct ria_error err;
    int status = ria_options_read_port(command, text, port, &err);
    if (status != RIA_CONTINUE) {
        ria_print_error(command, &err);
    }
    return status;
}

/* Returns the name in the table that is most similar to the word, or NULL if no name is similar. A
 * name with few typos is preferred to a name that only begins with the same letters. */
static const char *nearest_name(const struct ria_command_group *group, const char *word)
{
    const char *nearest = NULL;
    size_t most = SAME_START_MIN - 1;
    size_t fewest = most_typos(strlen(word)) + 1;
    for (size_t i = 0; i < group->count; i++) {
        const char *name = group->rows[i].name;
        size_t typos = ria_typos(word, strlen(word), name);
        size_t same = count_same_start(word, name);
        if (typos < fewest) {
            fewest = typos;
            most = SIZE_MAX;
            nearest = name;
        } else if (same > most) {
            most = same;
            nearest = name;
        }
    }
    return nearest;
}

/* Prints the usage error for an unknown name of a command. */
static int refuse_name(const struct ria_command_group *group, const char *word)
{
    const char *advice = find_advice(&group->syntax, word, strlen(word));
    const char *nearest = nearest_name(group, word);
    if (advice != NULL) {
        return ria_usage(group->name, "unknown %s \"%s\"; %s", group->noun, word, advice);
    }
    return nearest == NULL
               ? ria_usage(group->name, "unknown %s \"%s\"", group->noun, word)
               : ria_usage(group->name, "unknown %s \"%s\"; write %s", group->noun, word, nearest);
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Prints the usage error for an unknown option before the name of a command. */
static int refuse_option(const struct ria_command_group *group, const char *word)
{
    struct ria_error err;
    int status = unknown_option(group->name, &group->syntax, word, &err);
    ria_print_error(group->name, &err);
    return status;
}

int ria_command_run(
    const struct ria_command_group *group, int argc, char **argv, const struct ria_world *world)
{
    static char help_word[] = "--help";
    if (argc < 2) {
        return ria_usage(group->name, "no %s given", group->noun);
    }
    if (asks_for_help(argv[1]) && (argc == 2 || asks_for_help(argv[2]))) {
        RIA_AUTO(buf) text = {.max = HELP_MAX};
        ria_help_of_group(group, &text);
        return print_help(&text);
    }
    if (asks_for_help(argv[1])) { /* "help COMMAND" means "COMMAND --help" */
        argv[1] = argv[2];
        argv[2] = help_word;
    }
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(argv[1], group->rows[i].name) == 0) {
            char command[COMMAND_SIZE];
            (void)snprintf(command, sizeof(command), "%s %s", group->name, group->rows[i].name);
            argv[1] = command;
            return group->rows[i].run(argc - 1, argv + 1, world);
        }
    }
    return *argv[1] == '-' ? refuse_option(group, argv[1]) : refuse_name(group, argv[1]);
}

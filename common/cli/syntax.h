/* SPDX-License-Identifier: MIT
 *
 * The types of the tables of options and of commands. Each command has, in its own file, one table
 * of its options. ria_options_parse() parses the command line according to this table, and
 * ria_help_of_command() makes the text of --help from it. tests/lint/test_options.py compares the
 * tables with the manual pages and with the completions.
 *
 *     struct arguments {
 *         const char *file;
 *         bool is_quiet;
 *     };
 *     static const struct ria_option options[] = {
 *         {"file", "FILE", "the file to read", RIA_REQUIRED(struct arguments, file)},
 *         {"quiet", NULL, "print nothing", RIA_FLAG(struct arguments, is_quiet)},
 *     };
 */
#ifndef RIA_CLI_SYNTAX_H
#define RIA_CLI_SYNTAX_H

#include "rds_iam.h"

#include <stddef.h>

/* One option. Every command also has --help, which is not in its table. */
struct ria_option {
    const char *name;     /* without the dashes */
    const char *argument; /* the name of the option's value in the help text, such as "FILE"; NULL:
                             the option has no value */
    const char *help;     /* what it does; --help breaks the text into lines */
    size_t place;         /* where the value is stored: its offset in the struct */
    bool is_required;
};

/* Each of these macros sets the last two members of an option. `member` is the member of the
 * command's struct that stores the value. If the type of `member` is not const char * (bool for a
 * flag), the compiler reports an error. */
#define RIA_VALUE(type, member) RIA_VALUE_PLACE(type, member), false
#define RIA_REQUIRED(type, member) RIA_VALUE_PLACE(type, member), true
#define RIA_FLAG(type, member)                                                                     \
    _Generic(((type *)NULL)->member, bool : offsetof(type, member)), false

#define RIA_VALUE_PLACE(type, member)                                                              \
    _Generic(((type *)NULL)->member, const char * : offsetof(type, member))

/* A word that users write by habit, and what to write instead. */
struct ria_hint {
    const char *word;   /* an option, with its dashes, or the name of a command */
    const char *advice; /* "write ..." */
};

/* The command line of one command. The texts have lines of at most 80 characters, and end with a
 * newline. */
struct ria_syntax {
    const char *usage; /* the forms of the command, one on each line: "rds-iam token [OPTION...]" */
    const char *about; /* what the command does */
    const struct ria_option *options;
    size_t count;
    const struct ria_hint *hints; /* the last row is zero; NULL: none */
    const char *notes;            /* printed after the options; NULL: none */
    const char *exit_status;      /* what the exit statuses mean; NULL: those of cli/output.h */
};

/* Runs a command. argv[0] is its full name, "rds-iam setup mysql". Returns the exit status. */
typedef int ria_command(int argc, char **argv, const struct ria_world *world);

struct ria_command_row {
    const char *name;
    const char *help; /* one line */
    ria_command *run;
};

/* The commands of a program ("rds-iam token"), or the kinds of a command ("rds-iam setup mysql").
 */
struct ria_command_group {
    const char *name; /* "rds-iam" */
    const char *noun; /* "command" or "kind" */
    struct ria_syntax syntax;
    const struct ria_command_row *rows;
    size_t count;
};

#endif

/* SPDX-License-Identifier: MIT
 *
 * Parses options with getopt_long(). The value that getopt_long() returns for an option is FIRST
 * plus the option's index in the table. Rejects unknown options, empty values, missing required
 * options, arguments that are not options, and unknown names of commands. */
#include "cli/command_line.h"

#include "cli/help_text.h"
#include "cli/output.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum {
    FIRST = 256, /* greater than every character, so that no short option has the same value */
    HELP_MAX = 64 * 1024,
    COMMAND_SIZE = 64,
};

static int print_help(const struct ria_buf *text)
{
    return text->failed ? ria_out_of_memory() : ria_print(text->data);
}

static void fill_table(const struct ria_syntax *syntax, struct option *out)
{
    for (size_t i = 0; i < syntax->count; i++) {
        out[i] = (struct option){
            syntax->options[i].name,
            syntax->options[i].argument != NULL ? required_argument : no_argument,
            NULL,
            FIRST + (int)i};
    }
    out[syntax->count] = (struct option){"help", no_argument, NULL, 'h'};
    out[syntax->count + 1] = (struct option){0};
}

/* Prints the usage error for an unknown option. For a short option, prints the letter, because the
 * letter can be in the middle of an argument such as -abc, and optind still points at that
 * argument. For --name=value where --name takes no value, optopt is the number that getopt_long()
 * returns for the option, and this number is at least FIRST. */
static int unknown_option(char **argv, struct ria_error *err)
{
    if (optopt > 0 && optopt < FIRST && optopt != 'h') {
        return ria_usage_error(err, argv[0], "unknown option -%c", optopt);
    }
    return ria_usage_error(err, argv[0], "unknown option %s", argv[optind - 1]);
}

static const char **value_place(const struct ria_option *option, void *values)
{
    return (const char **)((char *)values + option->place);
}

static int options_set(
    char **argv, const struct ria_option *option, void *values, struct ria_error *err)
{
    if (option->argument == NULL) {
        *(bool *)((char *)values + option->place) = true;
        return RIA_CONTINUE;
    }
    if (*optarg == '\0') {
        return ria_usage_error(err, argv[0], "the value of --%s is empty", option->name);
    }
    *value_place(option, values) = optarg;
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

int ria_options_read(
    int argc, char **argv, const struct ria_syntax *syntax, void *values, struct ria_error *err)
{
    struct option table[RIA_OPTIONS_MAX + 2];
    fill_table(syntax, table);
    opterr = 0;
    int found;
    int status = RIA_CONTINUE;
    while ((found = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if (found == 'h') {
            RIA_AUTO(buf) text = {.max = HELP_MAX};
            ria_help_of_command(syntax, &text);
            return print_help(&text);
        }
        if (found == ':') {
            return ria_usage_error(err, argv[0], "%s needs a value", argv[optind - 1]);
        }
        if (found < FIRST) {
            return unknown_option(argv, err);
        }
        status = options_set(argv, &syntax->options[found - FIRST], values, err);
        if (status != RIA_CONTINUE) {
            return status;
        }
    }
    if (optind < argc) {
        return ria_usage_error(err, argv[0], "unexpected argument \"%s\"", argv[optind]);
    }
    return options_check_required(argv, syntax, values, err);
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

int ria_command_run(
    const struct ria_command_group *group, int argc, char **argv, const struct ria_world *world)
{
    if (argc < 2) {
        return ria_usage(group->name, "no %s given", group->noun);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        RIA_AUTO(buf) text = {.max = HELP_MAX};
        ria_help_of_group(group, &text);
        return print_help(&text);
    }
    for (size_t i = 0; i < group->count; i++) {
        if (strcmp(argv[1], group->rows[i].name) == 0) {
            char command[COMMAND_SIZE];
            (void)snprintf(command, sizeof(command), "%s %s", group->name, group->rows[i].name);
            argv[1] = command;
            return group->rows[i].run(argc - 1, argv + 1, world);
        }
    }
    return ria_usage(group->name, "unknown %s \"%s\"", group->noun, argv[1]);
}

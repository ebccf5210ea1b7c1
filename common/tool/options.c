/* SPDX-License-Identifier: MIT
 *
 * Parses options with getopt_long(). The value that getopt_long() returns for an option is FIRST
 * plus the option's index in the table. Rejects unknown options, empty values, missing required
 * options and arguments that are not options. */
#include "tool/options.h"

#include "tool/tool.h"

#include <getopt.h>
#include <stdint.h>
#include <string.h>

enum {
    FIRST = 256 /* above every character, so that no short option has the same value */
};

static void fill_table(const struct ria_option *options, size_t count, struct option *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct option){
            options[i].name,
            options[i].value != NULL ? required_argument : no_argument,
            NULL,
            FIRST + (int)i};
    }
    out[count] = (struct option){"help", no_argument, NULL, 'h'};
    out[count + 1] = (struct option){0};
}

/* Prints the usage error for an unknown option. For a short option, prints the letter, because the
 * letter can be in the middle of an argument such as -abc, and optind still points at that
 * argument. For --name=value where --name takes no value, optopt is the number that getopt_long()
 * returns for the option, which is at least FIRST. */
static int unknown_option(char **argv, struct ria_error *err)
{
    if (optopt > 0 && optopt < FIRST && optopt != 'h') {
        return ria_usage_error(err, argv[0], "unknown option -%c", optopt);
    }
    return ria_usage_error(err, argv[0], "unknown option %s", argv[optind - 1]);
}

static int options_set(char **argv, const struct ria_option *option, struct ria_error *err)
{
    if (option->flag != NULL) {
        *option->flag = true;
        return RIA_CONTINUE;
    }
    if (*optarg == '\0') {
        return ria_usage_error(err, argv[0], "the value of --%s is empty", option->name);
    }
    *option->value = optarg;
    return RIA_CONTINUE;
}

static int options_check_required(
    char **argv, const struct ria_option *options, size_t count, struct ria_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].is_required && *options[i].value == NULL) {
            return ria_usage_error(err, argv[0], "--%s is missing", options[i].name);
        }
    }
    return RIA_CONTINUE;
}

int ria_options_read(
    int argc,
    char **argv,
    const struct ria_option *options,
    size_t count,
    const char *help,
    struct ria_error *err)
{
    struct option table[RIA_OPTIONS_MAX + 2];
    fill_table(options, count, table);
    opterr = 0;
    int found;
    int status = RIA_CONTINUE;
    while ((found = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if (found == 'h') {
            return ria_print(help);
        }
        if (found == ':') {
            return ria_usage_error(err, argv[0], "%s needs a value", argv[optind - 1]);
        }
        if (found < FIRST) {
            return unknown_option(argv, err);
        }
        status = options_set(argv, &options[found - FIRST], err);
        if (status != RIA_CONTINUE) {
            return status;
        }
    }
    if (optind < argc) {
        return ria_usage_error(err, argv[0], "unexpected argument \"%s\"", argv[optind]);
    }
    return options_check_required(argv, options, count, err);
}

int ria_options_parse(
    int argc, char **argv, const struct ria_option *options, size_t count, const char *help)
{
    struct ria_error err = {0};
    int status = ria_options_read(argc, argv, options, count, help, &err);
    if (err.text[0] != '\0') {
        ria_print_error(&err);
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
        ria_print_error(&err);
    }
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * getopt_long() behind a table. An option's number in its table is its value for getopt_long(). */
#include "tool/options.h"

#include "tool/tool.h"

#include <getopt.h>
#include <stdint.h>
#include <string.h>

enum {
    FIRST = 256 /* above every letter, so that none is taken for an option */
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

/* getopt_long() has not yet gone past a word of several letters, so the letter is named. It leaves
 * the option's own value for --name=value where none is taken. */
static int unknown_option(char **argv)
{
    if (optopt > 0 && optopt < FIRST && optopt != 'h') {
        return ria_usage(argv[0], "unknown option -%c", optopt);
    }
    return ria_usage(argv[0], "unknown option %s", argv[optind - 1]);
}

static int take(char **argv, const struct ria_option *option)
{
    if (option->flag != NULL) {
        *option->flag = true;
        return RIA_EXIT_OK;
    }
    if (*optarg == '\0') {
        return ria_usage(argv[0], "the value of --%s is empty", option->name);
    }
    *option->value = optarg;
    return RIA_EXIT_OK;
}

static int check_required(char **argv, const struct ria_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].is_required && *options[i].value == NULL) {
            return ria_usage(argv[0], "--%s is missing", options[i].name);
        }
    }
    return RIA_EXIT_OK;
}

int ria_options_parse(
    int argc, char **argv, const struct ria_option *options, size_t count, bool *wants_help)
{
    struct option table[RIA_OPTIONS_MAX + 2];
    fill_table(options, count, table);
    opterr = 0;
    int found;
    int status = RIA_EXIT_OK;
    while ((found = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if (found == 'h') {
            *wants_help = true;
            return RIA_EXIT_OK;
        }
        if (found == ':') {
            return ria_usage(argv[0], "%s needs a value", argv[optind - 1]);
        }
        if (found < FIRST) {
            return unknown_option(argv);
        }
        status = take(argv, &options[found - FIRST]);
        if (status != RIA_EXIT_OK) {
            return status;
        }
    }
    if (optind < argc) {
        return ria_usage(argv[0], "unexpected argument \"%s\"", argv[optind]);
    }
    return check_required(argv, options, count);
}

int ria_options_port(const char *command, const char *text, unsigned *port)
{
    *port = ria_port_parse(text);
    return *port > 0 ? RIA_EXIT_OK
                     : ria_usage(command, "--port \"%s\" is not between 1 and 65535", text);
}

/* SPDX-License-Identifier: MIT
 *
 * Makes the text of --help. Each row has a label on the left ("--file FILE") and a text on the
 * right, which is broken at blanks. The texts of all rows of a list begin at the same column; a
 * label that is too long has a line of its own. */
#include "cli/help_text.h"

#include <string.h>

enum {
    WIDTH = 80,
    INDENT = 2, /* the number of blanks before a label, and the least number of blanks after it */
    LABEL_MAX = 18 /* a longer label has a line of its own */
};

static const char usual_exit_status[] =
    "exit status: 0 (success), 1 (failure, one message on stderr), 2 (usage error)\n";
static const char help_option[] = "print this text";

static void help_fill(size_t count, struct ria_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        ria_buf_add_char(out, ' ');
    }
}

/* Appends a text. Its first line continues the last line of the output, which has `column`
 * characters. Each further line is indented to the same column. */
static void add_wrapped(const char *text, size_t column, struct ria_buf *out)
{
    size_t at = column;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (at > column && at + 1 + len > WIDTH) {
            ria_buf_add_char(out, '\n');
            help_fill(column, out);
            at = column;
        } else if (at > column) {
            ria_buf_add_char(out, ' ');
            at++;
        }
        ria_buf_add(out, text, len);
        at += len;
        text += len + strspn(text + len, " ");
    }
    ria_buf_add_char(out, '\n');
}

/* Appends a row. `width` is the number of characters that each row of the list reserves for its
 * label. */
static void add_row(
    const char *dashes,
    const char *name,
    const char *argument,
    const char *help,
    size_t width,
    struct ria_buf *out)
{
    const char *between = argument == NULL ? "" : " ";
    const char *value = argument == NULL ? "" : argument;
    size_t len = strlen(dashes) + strlen(name) + strlen(between) + strlen(value);
    help_fill(INDENT, out);
    ria_buf_addf(out, "%s%s%s%s", dashes, name, between, value);
    if (len > width) {
        ria_buf_add_char(out, '\n');
        help_fill(INDENT + width + INDENT, out);
    } else {
        help_fill(width - len + INDENT, out);
    }
    add_wrapped(help, INDENT + width + INDENT, out);
}

/* Widens *width for a label, unless the label is too long. */
static void widen(size_t *width, size_t len)
{
    if (len <= LABEL_MAX && len > *width) {
        *width = len;
    }
}

static void add_options(const struct ria_syntax *syntax, struct ria_buf *out)
{
    size_t width = strlen("--help");
    for (size_t i = 0; i < syntax->count; i++) {
        const struct ria_option *option = &syntax->options[i];
        widen(
            &width,
            strlen("--") + strlen(option->name) +
                (option->argument == NULL ? 0 : 1 + strlen(option->argument)));
    }
    for (size_t i = 0; i < syntax->count; i++) {
        const struct ria_option *option = &syntax->options[i];
        add_row("--", option->name, option->argument, option->help, width, out);
    }
    add_row("--", "help", NULL, help_option, width, out);
}

/* Appends the forms of a command, and what it does. */
static void add_head(const struct ria_syntax *syntax, struct ria_buf *out)
{
    const char *form = syntax->usage;
    while (*form != '\0') {
        size_t len = strcspn(form, "\n") + 1;
        ria_buf_add_text(out, form == syntax->usage ? "usage: " : "       ");
        ria_buf_add(out, form, len);
        form += len;
    }
    ria_buf_addf(out, "\n%s\n", syntax->about);
}

static void add_notes(const struct ria_syntax *syntax, struct ria_buf *out)
{
    if (syntax->notes != NULL) {
        ria_buf_addf(out, "\n%s", syntax->notes);
    }
}

void ria_help_of_command(const struct ria_syntax *syntax, struct ria_buf *out)
{
    add_head(syntax, out);
    add_options(syntax, out);
    add_notes(syntax, out);
    ria_buf_addf(
        out, "\n%s", syntax->exit_status == NULL ? usual_exit_status : syntax->exit_status);
}

void ria_help_of_group(const struct ria_command_group *group, struct ria_buf *out)
{
    size_t width = 0;
    for (size_t i = 0; i < group->count; i++) {
        widen(&width, strlen(group->rows[i].name));
    }
    add_head(&group->syntax, out);
    ria_buf_addf(out, "%ss:\n", group->noun);
    for (size_t i = 0; i < group->count; i++) {
        add_row("", group->rows[i].name, NULL, group->rows[i].help, width, out);
    }
    ria_buf_add_text(out, "\noptions:\n");
    add_options(&group->syntax, out);
    add_notes(&group->syntax, out);
}

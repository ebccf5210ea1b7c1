/* SPDX-License-Identifier: MIT
 *
 * Finds a program in a table by its name, and prints the program's text with the values for this
 * machine. Compares letters and digits only, without case. An unknown name is a usage error. The
 * error names the program whose name is most similar to the unknown name, and lists the first name
 * of each program. If the name is in the table of the other kind of server, the error names the
 * command for this kind. */
#include "tool/setup_programs.h"

#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_SIZE = 32, /* more than the longest name in a table */
    PROGRAMS_MAX = 96,
    LINE_WIDTH = 80,
    PART_MIN = 3, /* if an unknown name is a part of a known name and has at least this many
                     letters, the two names count as similar */
};

/* -- placeholders ---------------------------------------------------------------------------- */

/* `text` follows an @. Returns the placeholder whose name is at `text`, or NULL. */
static const struct ria_setup_value *find_placeholder(
    const char *text, const struct ria_setup_value *values)
{
    size_t len = strspn(text, RIA_LETTERS "_");
    for (; text[len] == '@' && values->name != NULL; values++) {
        if (strlen(values->name) == len && strncmp(values->name, text, len) == 0) {
            return values;
        }
    }
    return NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion): the placeholders of our texts make no loop */
void ria_setup_expand(const char *text, const struct ria_setup_value *values, struct ria_buf *out)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "@");
        ria_buf_add(out, text, plain);
        text += plain;
        const struct ria_setup_value *found =
            *text == '@' ? find_placeholder(text + 1, values) : NULL;
        if (found != NULL && found->is_text) {
            ria_setup_expand(found->value, values, out);
        } else if (found != NULL) {
            ria_buf_add_text(out, found->value);
        }
        if (found != NULL) {
            text += strlen(found->name) + 2;
        } else if (*text == '@') {
            ria_buf_add_char(out, *text++);
        }
    }
}

/* -- names ----------------------------------------------------------------------------------- */

/* Writes the letters and digits of a name, in lower case. A name that is too long is cut. */
static void simplify(const char *name, size_t len, char out[NAME_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < len && used < NAME_SIZE - 1; i++) {
        if (ria_ascii_is_alnum(name[i])) {
            out[used++] = ria_ascii_lower(name[i]);
        }
    }
    out[used] = '\0';
}

/* Returns the least distance between the simplified name and any name of the program. 0: the
 * simplified name is a name of the program. 1 is also the distance of a name that contains the
 * simplified name (PART_MIN). */
static size_t program_distance(const struct ria_setup_program *program, const char *simple)
{
    size_t found = NAME_SIZE;
    for (const char *at = program->names; *at != '\0'; at += *at == ' ' ? 1 : 0) {
        char own[NAME_SIZE];
        size_t len = strcspn(at, " ");
        simplify(at, len, own);
        bool is_part = strlen(simple) >= PART_MIN && strstr(own, simple) != NULL;
        size_t distance = is_part ? 1 : ria_typos(simple, strlen(simple), own);
        distance = strcmp(own, simple) == 0 ? 0 : distance;
        found = distance < found ? distance : found;
        if (found == 0) {
            return 0;
        }
        at += len;
    }
    return found;
}

/* -- printing -------------------------------------------------------------------------------- */

struct candidate {
    const struct ria_setup_program *program;
    size_t distance;
};

static int compare_candidates(const void *left, const void *right)
{
    const struct candidate *a = left;
    const struct candidate *b = right;
    if (a->distance != b->distance) {
        return a->distance < b->distance ? -1 : 1;
    }
    return a->program < b->program ? -1 : 1; /* in the order of the table */
}

static int compare_first_names(const void *left, const void *right)
{
    char a[NAME_SIZE];
    char b[NAME_SIZE];
    const char *names = ((const struct candidate *)left)->program->names;
    simplify(names, strcspn(names, " "), a);
    names = ((const struct candidate *)right)->program->names;
    simplify(names, strcspn(names, " "), b);
    return strcmp(a, b);
}

/* Prints the first name of each program on stderr, in lines of at most LINE_WIDTH columns. */
static void print_candidates(const struct candidate *found, size_t count)
{
    size_t column = 0;
    for (size_t i = 0; i < count; i++) {
        int len = (int)strcspn(found[i].program->names, " ");
        bool fits = column > 0 && column + 1 + (size_t)len <= LINE_WIDTH;
        (void)fprintf(
            stderr,
            "%s%.*s",
            fits     ? " "
            : i == 0 ? "  "
                     : "\n  ",
            len,
            found[i].program->names);
        column = (fits ? column + 1 : 2) + (size_t)len;
    }
    (void)fputc('\n', stderr);
}

/* Returns the program with this simplified name, or the row at the end of the table. */
static const struct ria_setup_program *find_program(
    const struct ria_setup_program *programs, const char *simple)
{
    while (programs->names != NULL && program_distance(programs, simple) != 0) {
        programs++;
    }
    return programs;
}

/* Prints the usage error for a name that is only in the table of the other kind of server. */
static int refuse_other_kind(const char *command, const char *name, bool is_mysql)
{
    return ria_usage(
        command,
        "unknown program \"%.64s\"; write rds-iam setup %s --program %.64s",
        name,
        is_mysql ? "postgres" : "mysql",
        name);
}

/* Prints the usage error for an unknown name: the first name of the program with the least
 * distance, and the first names of all programs in alphabetical order. */
static int setup_programs_refuse(
    const char *command,
    const char *name,
    const char *simple,
    const struct ria_setup_program *programs)
{
    struct candidate found[PROGRAMS_MAX];
    size_t count = 0;
    for (; programs->names != NULL && count < PROGRAMS_MAX; programs++) {
        found[count++] = (struct candidate){programs, program_distance(programs, simple)};
    }
    qsort(found, count, sizeof(found[0]), compare_candidates);
    const char *nearest = found[0].program->names;
    int status = ria_usage(
        command,
        "unknown program \"%.64s\"; the nearest name is %.*s",
        name,
        (int)strcspn(nearest, " "),
        nearest);
    qsort(found, count, sizeof(found[0]), compare_first_names);
    (void)fputs("The names are:\n", stderr);
    print_candidates(found, count);
    return status;
}

/* Prints the first name of each program, and its other names in parentheses. */
static int print_program_names(const struct ria_setup_program *programs)
{
    RIA_AUTO(buf) text = {.max = RIA_SETUP_TEXT_MAX};
    for (; programs->names != NULL; programs++) {
        size_t len = strcspn(programs->names, " ");
        const char *others = programs->names + len;
        ria_buf_add(&text, programs->names, len);
        if (*others != '\0') {
            ria_buf_addf(&text, " (also:%s)", others);
        }
        ria_buf_add_char(&text, '\n');
    }
    const char *whole = ria_buf_text(&text);
    return whole == NULL ? ria_out_of_memory() : ria_print(whole);
}

int ria_setup_print_program(
    const char *command,
    const char *name,
    const struct ria_setup_program *programs,
    const struct ria_setup_value *values)
{
    char simple[NAME_SIZE];
    RIA_AUTO(buf) text = {.max = RIA_SETUP_TEXT_MAX};
    simplify(name, strlen(name), simple);
    if (strcmp(simple, "list") == 0) {
        return print_program_names(programs);
    }
    const struct ria_setup_program *program = find_program(programs, simple);
    bool is_mysql = programs == ria_setup_mysql_programs;
    const struct ria_setup_program *others =
        is_mysql ? ria_setup_postgres_programs : ria_setup_mysql_programs;
    if (program->names == NULL && find_program(others, simple)->names != NULL) {
        return refuse_other_kind(command, name, is_mysql);
    }
    if (program->names == NULL) {
        return setup_programs_refuse(command, name, simple, programs);
    }
    ria_setup_expand(program->text, values, &text);
    const char *whole = ria_buf_text(&text);
    return whole == NULL ? ria_out_of_memory() : ria_print(whole);
}

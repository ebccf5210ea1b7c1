/* SPDX-License-Identifier: MIT
 *
 * Reads MySQL's option files as the clients do: runs my_print_defaults, a program of MySQL and
 * MariaDB. my_print_defaults does not list the names of the groups. So this code reads the names
 * from the option files that my_print_defaults names, and from the files that these option files
 * include. */
#include "check/facts.h"

#include "tool/program.h"

#include <glob.h>
#include <limits.h>
#include <string.h>

enum {
    READER_MS = 5000,
    OPTION_FILE_MAX = 1024 * 1024,
    OPTION_FILES_MAX = 200, /* once the queue has this many files, included files are ignored;
                               without this limit, files that include each other would be read
                               forever */
};

static bool run_my_print_defaults(
    const struct ria_world *world,
    const char *first,
    const char *second,
    const char *third,
    struct ria_probe *output)
{
    char path[PATH_MAX];
    struct ria_error err;
    const char *arguments[] = {path, first, second, third, NULL};
    bool ok =
        ria_program_find("my_print_defaults", world, path) &&
        ria_probe_run(arguments, NULL, ria_deadline_in(world, READER_MS), world, output, &err);
    ria_buf_add_char(&output->lines, '\n');
    return ok;
}

bool ria_check_print_defaults(
    const struct ria_world *world, const char *group, const char *other, struct ria_probe *output)
{
    /* After "--", my_print_defaults does not take the name of a group for an option. */
    return run_my_print_defaults(world, "--", group, other, output);
}

/* -- options ---------------------------------------------------------------------------------- */

/* Returns the value in a line "--NAME=VALUE", "" for "--NAME", or NULL if the line has another
 * option. */
static const char *value_in_line(const char *line, const char *name)
{
    if (strncmp(line, "--", 2) != 0) {
        return NULL;
    }
    const char *at = line + 2;
    for (; *name != '\0'; name++, at++) {
        if (*at != *name && !(*name == '-' && *at == '_')) {
            return NULL;
        }
    }
    if (*at == '=') {
        return at + 1;
    }
    return *at == '\n' ? at : NULL;
}

bool ria_check_find_option(const char *lines, const char *name, char *out, size_t size)
{
    bool is_found = false;
    for (const char *at = lines; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += strspn(at, "\n");
        const char *value = value_in_line(at, name);
        if (value != NULL) {
            size_t len = strcspn(value, "\n");
            len = len < size ? len : size - 1;
            memcpy(out, value, len);
            out[len] = '\0';
            is_found = true;
        }
    }
    return is_found;
}

bool ria_check_group_has_endpoint(const struct ria_world *world, const char *group)
{
    RIA_AUTO(probe) output = RIA_PROBE_INIT;
    char host[256];
    struct ria_error err;
    const struct ria_login login = {
        .host = host, .port = RIA_MYSQL_PORT, .channel = RIA_CHANNEL_NONE};
    return ria_check_print_defaults(world, group, NULL, &output) &&
           ria_check_find_option(ria_buf_text(&output.lines), "host", host, sizeof(host)) &&
           ria_login_has_endpoint(&login, world, &err) != RIA_ABSENT;
}

/* Returns whether the group itself contains an option. Ignores the path of a local server's socket,
 * which Debian's option file contains in [client-server]. */
static bool has_options(const struct ria_world *world, const char *group)
{
    RIA_AUTO(probe) output = RIA_PROBE_INIT;
    if (!ria_check_print_defaults(world, group, NULL, &output)) {
        return false;
    }
    const char *at = ria_buf_text(&output.lines);
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, "\n");
        if (len > 0 && value_in_line(at, "socket") == NULL) {
            return true;
        }
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return false;
}

/* -- the names of the groups ------------------------------------------------------------------ */

static void add_name_once(struct ria_buf *names, const char *name, size_t len)
{
    char line[RIA_CHECK_NAME_SIZE + 2];
    const char *known = ria_buf_text(names);
    if (len > 0 && len < RIA_CHECK_NAME_SIZE) {
        (void)ria_text_format(line, sizeof(line), "\n%.*s\n", (int)len, name);
        /* No newline precedes the first name. */
        bool is_known = known != NULL &&
                        (strncmp(known, line + 1, len + 1) == 0 || strstr(known, line) != NULL);
        if (!is_known) {
            ria_buf_add_text(names, line + 1);
        }
    }
}

/* `line` is "!include FILE" or "!includedir DIRECTORY". Appends the files that this line names to
 * the queue `files`. */
static void queue_included(const char *line, glob_t *files)
{
    char pattern[PATH_MAX];
    size_t word = strcspn(line, " \t\n");
    const char *name = line + word + strspn(line + word, " \t");
    bool is_directory = strncmp(line, "!includedir", strlen("!includedir")) == 0;
    int len = (int)strcspn(name, "\r\n");
    if (len > 0 && files->gl_pathc < OPTION_FILES_MAX &&
        ria_text_format(
            pattern, sizeof(pattern), "%.*s%s", len, name, is_directory ? "/*.cnf" : "")) {
        (void)glob(pattern, GLOB_APPEND, NULL, files);
    }
}

static void list_groups_of_file(
    const struct ria_world *world, const char *path, glob_t *files, struct ria_buf *names)
{
    RIA_AUTO(buf) text = {.max = OPTION_FILE_MAX};
    struct ria_error err;
    if (world->read_file(world->self, path, &text, NULL, &err) != RIA_FOUND) {
        return;
    }
    const char *at = ria_buf_text(&text);
    while (at != NULL && *at != '\0') {
        at += strspn(at, " \t\r\n");
        size_t len = strcspn(at, "\n");
        const char *end = memchr(at, ']', len);
        if (*at == '[' && end != NULL) {
            add_name_once(names, at + 1, (size_t)(end - at) - 1);
        } else if (strncmp(at, "!include", strlen("!include")) == 0) {
            queue_included(at, files);
        }
        at += len;
    }
}

/* Appends to the queue the files that the help text of my_print_defaults lists after "in the given
 * order:". */
static void queue_files(const struct ria_world *world, const char *help, glob_t *files)
{
    char path[PATH_MAX];
    const char *home = ria_world_home(world);
    const char *at = help == NULL ? NULL : strstr(help, "in the given order:");
    at = at == NULL ? NULL : strchr(at, '\n');
    at = at == NULL ? "" : at + 1;
    for (size_t len = strcspn(at, " \n"); len > 0; len = strcspn(at, " \n")) {
        size_t tilde = strncmp(at, "~/", 2) == 0 && home != NULL ? 1 : 0;
        if (ria_text_format(
                path,
                sizeof(path),
                "%s%.*s",
                tilde > 0 ? home : "",
                (int)(len - tilde),
                at + tilde)) {
            (void)glob(path, GLOB_APPEND, NULL, files);
        }
        at += len + strspn(at + len, " ");
    }
}

void ria_check_list_groups(const struct ria_world *world, struct ria_buf *names)
{
    RIA_AUTO(probe) help = RIA_PROBE_INIT;
    glob_t files = {0};
    (void)glob("", 0, NULL, &files); /* matches nothing; the later calls append */
    if (run_my_print_defaults(world, "--help", NULL, NULL, &help)) {
        queue_files(world, ria_buf_text(&help.lines), &files);
        for (size_t i = 0; i < files.gl_pathc; i++) {
            list_groups_of_file(world, files.gl_pathv[i], &files, names);
        }
    }
    globfree(&files);
}

bool ria_check_list_client_groups(const struct ria_world *world, struct ria_buf *list)
{
    RIA_AUTO(buf) names = {.max = RIA_PROBE_OUTPUT_MAX};
    char name[RIA_CHECK_NAME_SIZE];
    ria_check_list_groups(world, &names);
    const char *at = ria_buf_text(&names);
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, "\n");
        (void)ria_text_format(name, sizeof(name), "%.*s", (int)len, at);
        if (strncmp(name, "client", strlen("client")) == 0 && has_options(world, name)) {
            ria_buf_add_text(list, list->len > 0 ? ", " : "");
            ria_buf_add_text(list, name);
        }
        at += len + (at[len] == '\n' ? 1 : 0);
    }
    return list->len > 0;
}

/* SPDX-License-Identifier: MIT
 *
 * Finds the client library of a program, with --list of the dynamic loader that the program names.
 * That loads the program's libraries and does not run the program. But the loader itself is run, so
 * the program must be one that the user trusts. Rejects a program that is not linked with a
 * client library: a script, or a program that contains its library. */
#include "check/facts.h"

#include "tool/program.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LIST_MS = 5000
};

/* The libraries by the beginning of their names, and the engine that they serve. */
static const struct {
    const char *name;
    enum ria_engine engine;
} libraries[] = {
    {"libpq.so", RIA_ENGINE_POSTGRES},
    {"libmariadb.so", RIA_ENGINE_MYSQL},
    {"libmysqlclient.so", RIA_ENGINE_MYSQL},
};

/* Copies the path from a line "NAME => PATH (ADDRESS)". Returns false if the line is not about this
 * library. */
static bool read_listed_path(const char *line, const char *name, char *path, size_t size)
{
    line += strspn(line, " \t");
    const char *arrow = strstr(line, " => ");
    const char *end = strchr(line, '\n');
    if (strncmp(line, name, strlen(name)) != 0 || arrow == NULL || (end != NULL && arrow > end)) {
        return false;
    }
    arrow += 4;
    size_t len = strcspn(arrow, " \n");
    (void)snprintf(path, size, "%.*s", (int)len, arrow);
    return *path == '/';
}

/* Reads one line of the loader's list. Returns whether it is about a library of the engine. */
static bool find_in_line(const char *line, struct ria_target *target)
{
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        bool fits = target->engine == RIA_ENGINE_UNKNOWN || target->engine == libraries[i].engine;
        if (fits &&
            read_listed_path(line, libraries[i].name, target->library, sizeof(target->library))) {
            target->engine = libraries[i].engine;
            return true;
        }
    }
    return false;
}

static bool find_in_output(const char *lines, struct ria_target *target)
{
    const char *at = lines;
    while (at != NULL && *at != '\0') {
        if (find_in_line(at, target)) {
            return true;
        }
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return false;
}

/* Reads the ELF file at `path`. Returns false if it is not one for this machine. */
static bool read_elf_at(const char *path, struct ria_elf *elf)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok = fd >= 0 && ria_elf_read(fd, elf) && !elf->is_foreign;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

/* Finds the program and its dynamic loader. A module of an interpreter names no loader; it has the
 * one of this process. Returns false if there is none. */
static bool find_loader(
    const char *program, const struct ria_world *world, char path[PATH_MAX], struct ria_elf *elf)
{
    bool is_path = strchr(program, '/') != NULL && ria_text_copy(path, PATH_MAX, program);
    bool ok = (is_path || ria_program_find(program, world, path)) && read_elf_at(path, elf);
    if (ok && elf->interpreter[0] == '\0') {
        ok = read_elf_at("/proc/self/exe", elf);
    }
    return ok && elf->interpreter[0] == '/';
}

bool ria_check_find_library(
    struct ria_target *target, const struct ria_world *world, struct ria_error *err)
{
    RIA_AUTO(probe) list = RIA_PROBE_INIT;
    char path[PATH_MAX];
    struct ria_elf elf = {0};
    const char *arguments[] = {elf.interpreter, "--list", path, NULL};
    struct ria_deadline deadline = ria_deadline_in(world, LIST_MS);
    const char *lines = NULL;
    if (find_loader(target->program, world, path, &elf)) {
        if (!ria_probe_run(arguments, NULL, deadline, world, &list, err)) {
            return false;
        }
        ria_buf_add_char(&list.lines, '\n');
        lines = ria_buf_text(&list.lines);
    }
    return (lines != NULL && find_in_output(lines, target)) ||
           ria_fail(
               err,
               RIA_E_USAGE,
               "%s is not linked with libpq, libmariadb or libmysqlclient; name the program that "
               "is, such as the interpreter's module",
               target->program);
}

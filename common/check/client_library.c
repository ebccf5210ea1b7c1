/* SPDX-License-Identifier: MIT
 *
 * Finds the client library of a program. Runs the dynamic loader that the program names, with the
 * option --list, which lists the program's libraries and does not run the program. The program
 * chooses the loader, so the user must trust the program. If the program is a script, inspects the
 * script's interpreter. Debian's psql is a script that starts another program; in this case,
 * inspects the started program. Rejects a program that is not linked with a client library. A
 * program that contains a copy of the library is rejected, too. */
#include "check/facts.h"

#include "tool/program.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LIST_MS = 5000
};

#define LIBRARIES "libpq, libmariadb or libmysqlclient"
#define PG_WRAPPER "postgresql-common/pg_wrapper"
#define PG_PROGRAMS "/usr/lib/postgresql/"

/* The client libraries: the beginning of each library's file name, and the engine to which the
 * library connects. */
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

/* Reads one line of the loader's list. Returns whether the line is about a library of the engine.
 * If the engine is not known, sets it. */
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

/* Reads the file at `path`. Returns false if it is not an ELF file for this machine. */
static bool read_elf_at(const char *path, struct ria_elf *elf)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool ok = fd >= 0 && ria_elf_read(fd, elf) && !elf->is_foreign;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

/* Returns the version in a path of the form /usr/lib/postgresql/VERSION/bin/NAME. */
static double version_in_path(const char *path)
{
    return strtod(path + strlen(PG_PROGRAMS), NULL);
}

/* Debian's postgresql-client-common installs the script pg_wrapper, to which psql and other names
 * are links. If `path` is such a link, replaces it by the path of the real program. If several
 * versions of the program are installed, uses the newest, as pg_wrapper does for a login with a
 * host. */
static void follow_pg_wrapper(char path[PATH_MAX])
{
    char real[PATH_MAX];
    char pattern[PATH_MAX];
    glob_t found = {0};
    const char *end = realpath(path, real) == NULL ? NULL : strstr(real, "/" PG_WRAPPER);
    const char *name = strrchr(path, '/');
    if (end == NULL || strcmp(end, "/" PG_WRAPPER) != 0 || name == NULL ||
        !ria_text_format(pattern, sizeof(pattern), PG_PROGRAMS "*/bin%s", name) ||
        glob(pattern, 0, NULL, &found) != 0) {
        return;
    }
    const char *newest = found.gl_pathv[0];
    for (size_t i = 1; i < found.gl_pathc; i++) {
        newest = version_in_path(found.gl_pathv[i]) > version_in_path(newest) ? found.gl_pathv[i]
                                                                              : newest;
    }
    (void)ria_text_copy(path, PATH_MAX, newest);
    globfree(&found);
}

/* Finds the file of the program that the user named. If this file is a script, also finds the
 * program that the script starts. Returns false if there is no such file. */
static bool find_program_file(struct ria_target *target, const struct ria_world *world)
{
    char named[PATH_MAX];
    bool is_path = strchr(target->program, '/') != NULL;
    bool ok = is_path ? ria_text_copy(named, sizeof(named), target->program)
                      : ria_program_find(target->program, world, named);
    (void)ria_text_copy(target->program_file, sizeof(target->program_file), ok ? named : "");
    if (ok) {
        follow_pg_wrapper(target->program_file);
        ok = ria_program_follow(target->program_file, world);
        target->is_started = strcmp(named, target->program_file) != 0;
    }
    return ok;
}

/* Finds the dynamic loader of the program. A module of an interpreter names no loader, so for a
 * module the result is the loader of this process. Returns false if no loader is found. */
static bool find_loader(const char *path, struct ria_elf *elf)
{
    bool ok = read_elf_at(path, elf);
    if (ok && elf->interpreter[0] == '\0') {
        ok = read_elf_at("/proc/self/exe", elf);
    }
    return ok && elf->interpreter[0] == '/';
}

/* Returns false with err filled. Names the program that the user gave; if that is a script, also
 * the program that the script starts. */
static bool refuse_program(const struct ria_target *target, struct ria_error *err)
{
    if (target->program_file[0] == '\0') {
        return ria_fail(
            err,
            RIA_E_USAGE,
            "no directory in PATH has a program %s; give the path of its file, or no --program",
            target->program);
    }
    if (!target->is_started && access(target->program_file, R_OK) != 0) {
        return ria_fail(err, RIA_E_USAGE, "--program %s: %s", target->program, strerror(errno));
    }
    if (target->is_started) {
        return ria_fail(
            err,
            RIA_E_USAGE,
            "%s is a script for %s, which is not linked with " LIBRARIES
            "; name the program that the script starts, or the interpreter's module",
            target->program,
            target->program_file);
    }
    return ria_fail(
        err,
        RIA_E_USAGE,
        "%s is not linked with " LIBRARIES "; it may contain its own copy, as mariadb and mysql "
        "do, or use none of them, as Node.js, Go and Java do; give no --program, or name one that "
        "is linked, such as an interpreter's module",
        target->program);
}

bool ria_check_find_library(
    struct ria_target *target, const struct ria_world *world, struct ria_error *err)
{
    RIA_AUTO(probe) list = RIA_PROBE_INIT;
    struct ria_elf elf = {0};
    const char *arguments[] = {elf.interpreter, "--list", target->program_file, NULL};
    struct ria_deadline deadline = ria_deadline_in(world, LIST_MS);
    const char *lines = NULL;
    if (find_program_file(target, world) && find_loader(target->program_file, &elf)) {
        if (!ria_probe_run(arguments, NULL, deadline, world, &list, err)) {
            return false;
        }
        ria_buf_add_char(&list.lines, '\n');
        lines = ria_buf_text(&list.lines);
    }
    return (lines != NULL && find_in_output(lines, target)) || refuse_program(target, err);
}

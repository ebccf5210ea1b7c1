/* SPDX-License-Identifier: MIT
 *
 * Finds the file of a command as execvp(3) does, follows scripts to their interpreters as the
 * kernel does, and inspects the ELF headers of the resulting program. rds-iam's objects are linked
 * against glibc, so a program cannot load them if its dynamic loader is not glibc's. If this code
 * cannot read the file, it assumes that the program can load the objects, and execvp(3) later
 * reports any error. The exception is a program that runs with more rights than its caller
 * (set-user-ID, set-group-ID or capabilities): such a program never loads the objects. */
#include "tool/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 64,             /* program headers; programs have about a dozen */
    DYNAMIC_MAX = 4096,           /* entries; the largest programs have some hundred */
    SCRIPTS_MAX = 5,              /* levels of interpreters; the limit of Linux */
    FIRST_LINE_MAX = 256,         /* bytes of a script that Linux reads: BINPRM_BUF_SIZE */
    LOADER_MAX = 4 * 1024 * 1024, /* bytes; glibc's ld.so has a quarter of a megabyte */
};

/* -- the ELF file ---------------------------------------------------------------------------- */

/* These functions read the program headers: PT_INTERP names the interpreter, and the entries of
 * PT_DYNAMIC name the libraries. They support only files of this program's own class, byte order
 * and processor. They reject a header, a segment or a name that is not entirely within the file. */

/* The ELF header of this program itself; the linker defines this symbol. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct headers {
    ElfW(Phdr) at[HEADERS_MAX];
    size_t count;
};

static bool program_read_at(int fd, uint64_t offset, void *out, size_t size)
{
    return offset <= INT64_MAX && pread(fd, out, size, (off_t)offset) == (ssize_t)size;
}

/* Reads a name and its zero byte. The file may end less than RIA_ELF_NAME_MAX bytes after the
 * offset. Returns false if the name has no zero byte within the file, or if the name is too long.
 */
static bool program_read_name(int fd, uint64_t offset, char out[RIA_ELF_NAME_MAX])
{
    ssize_t len = offset <= INT64_MAX ? pread(fd, out, RIA_ELF_NAME_MAX, (off_t)offset) : -1;
    return len > 0 && memchr(out, '\0', (size_t)len) != NULL;
}

static bool read_headers(int fd, const ElfW(Ehdr) * file, struct headers *out)
{
    out->count = file->e_phnum;
    return file->e_phentsize == sizeof(out->at[0]) && out->count <= HEADERS_MAX &&
           program_read_at(fd, file->e_phoff, out->at, out->count * sizeof(out->at[0]));
}

static const ElfW(Phdr) * find_segment(const struct headers *headers, uint32_t type)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (headers->at[i].p_type == type) {
            return &headers->at[i];
        }
    }
    return NULL;
}

/* Converts an address in memory to an offset in the file. */
static bool to_offset(const struct headers *headers, uint64_t address, uint64_t *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        const ElfW(Phdr) *segment = &headers->at[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz) {
            return !__builtin_add_overflow(segment->p_offset, address - segment->p_vaddr, out);
        }
    }
    return false;
}

struct dynamic {
    int fd;
    uint64_t offset; /* of the first entry */
    size_t count;
};

/* Finds the address of the string table. Returns false if the file has none. */
static bool find_names(const struct dynamic *dynamic, uint64_t *address)
{
    ElfW(Dyn) entry = {.d_tag = DT_NEEDED};
    for (size_t i = 0; i < dynamic->count && entry.d_tag != DT_NULL; i++) {
        if (!program_read_at(
                dynamic->fd, dynamic->offset + (i * sizeof(entry)), &entry, sizeof(entry))) {
            return false;
        }
        if (entry.d_tag == DT_STRTAB) {
            *address = entry.d_un.d_ptr;
            return true;
        }
    }
    return false;
}

static bool is_asan(int fd, uint64_t names, uint64_t at)
{
    char name[RIA_ELF_NAME_MAX];
    uint64_t offset;
    return !__builtin_add_overflow(names, at, &offset) && program_read_name(fd, offset, name) &&
           (strncmp(name, "libasan.so", strlen("libasan.so")) == 0 ||
            strncmp(name, "libclang_rt.asan", strlen("libclang_rt.asan")) == 0);
}

static bool needs_asan(const struct dynamic *dynamic, uint64_t names)
{
    ElfW(Dyn) entry = {.d_tag = DT_NEEDED};
    for (size_t i = 0; i < dynamic->count && entry.d_tag != DT_NULL; i++) {
        if (!program_read_at(
                dynamic->fd, dynamic->offset + (i * sizeof(entry)), &entry, sizeof(entry))) {
            return false;
        }
        if (entry.d_tag == DT_NEEDED && is_asan(dynamic->fd, names, entry.d_un.d_val)) {
            return true;
        }
    }
    return false;
}

static bool has_asan_library(int fd, const struct headers *headers)
{
    const ElfW(Phdr) *segment = find_segment(headers, PT_DYNAMIC);
    if (segment == NULL || segment->p_offset > INT64_MAX / 2) {
        return false;
    }
    size_t count = segment->p_filesz / sizeof(ElfW(Dyn));
    struct dynamic dynamic = {fd, segment->p_offset, count < DYNAMIC_MAX ? count : DYNAMIC_MAX};
    uint64_t address;
    uint64_t names;
    return find_names(&dynamic, &address) && to_offset(headers, address, &names) &&
           needs_asan(&dynamic, names);
}

static bool is_foreign(const ElfW(Ehdr) * file)
{
    return file->e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
           file->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
           file->e_machine != __ehdr_start.e_machine;
}

bool ria_elf_read(int fd, struct ria_elf *out)
{
    ElfW(Ehdr) file;
    struct headers headers;
    *out = (struct ria_elf){0};
    /* A 32-bit header is shorter, but every program has more bytes after its header. */
    if (!program_read_at(fd, 0, &file, sizeof(file)) ||
        memcmp(file.e_ident, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    out->is_foreign = is_foreign(&file);
    if (out->is_foreign) {
        return true;
    }
    if (!read_headers(fd, &file, &headers)) {
        return false;
    }
    const ElfW(Phdr) *interpreter = find_segment(&headers, PT_INTERP);
    if (interpreter != NULL && !program_read_name(fd, interpreter->p_offset, out->interpreter)) {
        return false;
    }
    out->needs_asan = has_asan_library(fd, &headers);
    return true;
}

/* -- the command's file ---------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat status;
    return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Finds the program file of a command. Returns false if no such file exists. */
bool ria_program_find(const char *name, const struct ria_world *world, char out[PATH_MAX])
{
    if (strchr(name, '/') != NULL) {
        return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX && is_program(out);
    }
    const char *at = ria_world_env(world, "PATH");
    at = at == NULL ? "/bin:/usr/bin" : at;
    for (;;) {
        size_t len = strcspn(at, ":");
        const char *between = len == 0 ? "" : "/";
        if (snprintf(out, PATH_MAX, "%.*s%s%s", (int)len, at, between, name) < PATH_MAX &&
            is_program(out)) {
            return true;
        }
        if (at[len] == '\0') {
            return false;
        }
        at += len + 1;
    }
}

/* Opens a regular file, without blocking on a device or a FIFO. Returns -1 if it cannot be read or
 * is not a regular file. */
static int program_open_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* -- scripts --------------------------------------------------------------------------------- */

/* Returns the next word of a script's first line, or NULL at the end of the line. */
static char *program_next_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    size_t len = strcspn(word, " \t");
    *at = word + len + (word[len] == '\0' ? 0 : 1);
    word[len] = '\0';
    return len == 0 ? NULL : word;
}

/* Returns the command in the arguments of env(1): the first word that is neither an option nor an
 * assignment. */
static char *next_env_command(char **at)
{
    char *word;
    do {
        word = program_next_word(at);
    } while (word != NULL && (*word == '-' || strchr(word, '=') != NULL));
    return word;
}

/* Finds the program file of a script's interpreter. Returns false if the file is not a script, or
 * if its first line names no existing program. */
static bool find_interpreter(int fd, const struct ria_world *world, char out[PATH_MAX])
{
    char line[FIRST_LINE_MAX + 1] = "";
    ssize_t len = pread(fd, line, FIRST_LINE_MAX, 0);
    if (len < 2 || memcmp(line, "#!", 2) != 0) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    char *at = line + 2;
    const char *name = program_next_word(&at);
    const char *slash = name == NULL ? NULL : strrchr(name, '/');
    if (slash != NULL && strcmp(slash, "/env") == 0) {
        name = next_env_command(&at);
    }
    return name != NULL && ria_program_find(name, world, out);
}

/* Follows scripts from `path` to the last interpreter and opens it. Changes `path` to that
 * interpreter. Returns -1 if a file cannot be opened, or if SCRIPTS_MAX scripts follow each other.
 */
static int open_program(char path[PATH_MAX], const struct ria_world *world)
{
    char interpreter[PATH_MAX];
    for (int i = 0; i < SCRIPTS_MAX; i++) {
        int fd = program_open_file(path);
        if (fd < 0 || !find_interpreter(fd, world, interpreter)) {
            return fd;
        }
        (void)close(fd);
        (void)snprintf(path, PATH_MAX, "%s", interpreter);
    }
    return -1;
}

bool ria_program_follow(char path[PATH_MAX], const struct ria_world *world)
{
    int fd = open_program(path, world);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

/* -- classification -------------------------------------------------------------------------- */

/* The callback of dl_iterate_phdr(), whose first call is for the program itself. */
static int find_own_loader(struct dl_phdr_info *program, size_t size, void *out)
{
    (void)size;
    const char **loader = out;
    for (size_t i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        if (segment->p_type == PT_INTERP) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
            *loader = (const char *)(program->dlpi_addr + segment->p_vaddr);
        }
    }
    return 1;
}

/* Returns the path of the dynamic loader of the rds-iam program, or "" if the program names none.
 */
static const char *own_loader(void)
{
    const char *loader = "";
    (void)dl_iterate_phdr(find_own_loader, &loader);
    return loader;
}

/* Returns true if a dynamic loader is glibc's, or if the loader's file cannot be read. The loader
 * of rds-iam itself is glibc's, and almost every program has the same loader. In any other file,
 * searches for the symbol version GLIBC_PRIVATE, which every ld.so of glibc defines, because the
 * name of the file differs between releases and systems. */
static bool is_glibc(const char *loader)
{
    static const char mark[] = "GLIBC_PRIVATE";
    if (strcmp(loader, own_loader()) == 0) {
        return true;
    }
    RIA_AUTO(buf) text = {.max = LOADER_MAX};
    struct stat status;
    bool is_unknown = true;
    int fd = program_open_file(loader);
    if (fd < 0) {
        return is_unknown;
    }
    if (fstat(fd, &status) == 0 && status.st_size > 0 && status.st_size <= LOADER_MAX) {
        size_t size = (size_t)status.st_size;
        char *room = ria_buf_reserve(&text, size);
        is_unknown = room == NULL || pread(fd, room, size, 0) != (ssize_t)size;
        if (!is_unknown) {
            ria_buf_grown(&text, size);
        }
    }
    (void)close(fd);
    return is_unknown || memmem(text.data, text.len, mark, sizeof(mark)) != NULL;
}

/* Classifies a program without an interpreter. Such a program is statically linked, with one
 * exception: glibc's ld.so. If ld.so is run as a command, it loads the objects in LD_PRELOAD. */
static enum ria_program classify_without_interpreter(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    bool is_loader = strncmp(name, "ld-linux", strlen("ld-linux")) == 0 ||
                     strncmp(name, "ld.so", strlen("ld.so")) == 0;
    return is_loader ? RIA_PROGRAM_LOADS : RIA_PROGRAM_STATIC;
}

static enum ria_program program_classify(const char *path, const struct ria_elf *elf)
{
    if (elf->is_foreign) {
        return RIA_PROGRAM_OTHER_MACHINE;
    }
    if (elf->interpreter[0] == '\0') {
        return classify_without_interpreter(path);
    }
    if (!is_glibc(elf->interpreter)) {
        return RIA_PROGRAM_OTHER_LIBC;
    }
    return elf->needs_asan ? RIA_PROGRAM_ASAN : RIA_PROGRAM_LOADS;
}

/* Returns true if running a file of this file system cannot give this process more rights. There
 * are two such cases: no_new_privs is set for the process (some containers and services set it), or
 * the file system is mounted with nosuid. */
static bool grants_no_rights(const char *path)
{
    struct statvfs status;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
           (statvfs(path, &status) == 0 && (status.f_flag & ST_NOSUID) != 0);
}

/* Returns whether the kernel runs the program in secure-execution mode (ld.so(8)). There are two
 * such cases: the program's file changes the effective user or group, or the file has capabilities
 * and the user is not root. This function does not read the file, because the user may not be
 * allowed to read it: on some systems, sudo has the mode 4111. */
static bool gains_rights(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || grants_no_rights(path)) {
        return false;
    }
    bool is_group_changed = (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
                            status.st_gid != getegid();
    return ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid()) || is_group_changed ||
           (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0);
}

#define OTHER_WAYS                                                                                 \
    "a libpq program needs the passfile of rds-iam-agent (rds-iam setup postgres) or a token in "  \
    "PGPASSWORD (rds-iam token), a MySQL program needs a token as its password"

static void program_warn(
    enum ria_program program,
    const char *path,
    const struct ria_elf *elf,
    const struct ria_world *world)
{
    switch (program) {
    case RIA_PROGRAM_STATIC:
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s is statically linked and loads no library, so it makes no tokens "
            "itself; " OTHER_WAYS,
            path);
        break;
    case RIA_PROGRAM_PRIVILEGED:
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s runs with more rights than its caller (set-user-ID, set-group-ID or capabilities) "
            "and cannot load librds-iam-pq.so, so it makes no tokens; " OTHER_WAYS,
            path);
        break;
    case RIA_PROGRAM_OTHER_LIBC:
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s uses another C library (%s) and cannot load librds-iam-pq.so; the program runs "
            "without this library, so neither this program nor the programs that it starts make "
            "tokens; " OTHER_WAYS,
            path,
            elf->interpreter);
        break;
    case RIA_PROGRAM_OTHER_MACHINE:
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s is built for another processor or word size and cannot load librds-iam-pq.so; the "
            "program runs without this library, so neither this program nor the programs that it "
            "starts make tokens; " OTHER_WAYS,
            path);
        break;
    case RIA_PROGRAM_LOADS:
    case RIA_PROGRAM_ASAN:
        break;
    }
}

enum ria_program ria_program_inspect(const char *command, const struct ria_world *world)
{
    char path[PATH_MAX];
    struct ria_elf elf = {0};
    if (!ria_program_find(command, world, path)) {
        return RIA_PROGRAM_LOADS;
    }
    int fd = open_program(path, world);
    enum ria_program program =
        fd >= 0 && ria_elf_read(fd, &elf) ? program_classify(path, &elf) : RIA_PROGRAM_LOADS;
    if (fd >= 0) {
        (void)close(fd);
    }
    if ((program == RIA_PROGRAM_LOADS || program == RIA_PROGRAM_ASAN) && gains_rights(path)) {
        program = RIA_PROGRAM_PRIVILEGED;
    }
    program_warn(program, path, &elf, world);
    return program;
}

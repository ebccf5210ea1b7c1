/* SPDX-License-Identifier: MIT
 *
 * Finds the command's file as execvp(3) does, goes from scripts to their interpreters as the kernel
 * does, and judges the program at the end of that way by its ELF header. The objects of ours are
 * made for glibc, so an interpreter that is not glibc's cannot load them. Where something cannot be
 * read the answer is that the program loads them, and the start of the command tells the rest. */
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
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 64,             /* programs have about a dozen */
    DYNAMIC_MAX = 4096,           /* entries; the largest programs have some hundred */
    SCRIPTS_MAX = 5,              /* as many interpreters of interpreters as Linux runs */
    FIRST_LINE_MAX = 256,         /* BINPRM_BUF_SIZE: what Linux reads of a script */
    LOADER_MAX = 4 * 1024 * 1024, /* glibc's ld.so has a quarter of a megabyte */
};

/* -- its file -------------------------------------------------------------------------------- */

/* The program headers: PT_INTERP names the interpreter, and the entries of PT_DYNAMIC name the
 * libraries. Only files of this program's own class, byte order and processor are read so far. A
 * header, a segment or a name that does not lie within the file is refused. */

/* The linker's name for the header of this program itself. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct headers {
    ElfW(Phdr) at[HEADERS_MAX];
    size_t count;
};

static bool program_read_at(int fd, uint64_t offset, void *out, size_t size)
{
    return offset <= INT64_MAX && pread(fd, out, size, (off_t)offset) == (ssize_t)size;
}

/* A name that ends within the file and fits. The end of the file may be near. */
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

/* Where in the file the byte is that will be at this address in memory. */
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

/* The address of the table of names; false: there is none. */
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

static bool look_at_libraries(int fd, const struct headers *headers)
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
    /* A 32-bit header is shorter, but no program ends with it. */
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
    out->needs_asan = look_at_libraries(fd, &headers);
    return true;
}

/* -- the file that is run -------------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat status;
    return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* False: there is none. */
static bool program_find(const char *name, const struct ria_world *world, char out[PATH_MAX])
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

/* A device or a FIFO could make open() wait. -1: it cannot be read, or is not a file. */
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

/* The next word of a first line; NULL at its end. */
static char *program_take_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    size_t len = strcspn(word, " \t");
    *at = word + len + (word[len] == '\0' ? 0 : 1);
    word[len] = '\0';
    return len == 0 ? NULL : word;
}

/* env(1): the first word that is neither an option nor an assignment. */
static char *take_name_behind_env(char **at)
{
    char *word;
    do {
        word = program_take_word(at);
    } while (word != NULL && (*word == '-' || strchr(word, '=') != NULL));
    return word;
}

/* False: it is not a script, or its first line names no program. */
static bool find_interpreter(int fd, const struct ria_world *world, char out[PATH_MAX])
{
    char line[FIRST_LINE_MAX + 1] = "";
    ssize_t len = pread(fd, line, FIRST_LINE_MAX, 0);
    if (len < 2 || memcmp(line, "#!", 2) != 0) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    char *at = line + 2;
    const char *name = program_take_word(&at);
    const char *slash = name == NULL ? NULL : strrchr(name, '/');
    if (slash != NULL && strcmp(slash, "/env") == 0) {
        name = take_name_behind_env(&at);
    }
    return name != NULL && program_find(name, world, out);
}

/* Goes on from path to the interpreter at the end, which it opens; -1: there is none. */
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

/* -- the verdict ----------------------------------------------------------------------------- */

/* Names that change between releases and systems tell less than the version that every ld.so of
 * glibc defines for its own use. */
static bool is_glibc(const char *loader)
{
    static const char mark[] = "GLIBC_PRIVATE";
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

/* glibc's own ld.so, run by hand, has no interpreter and loads what the environment names. */
static enum ria_program judge_without_interpreter(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    bool is_loader = strncmp(name, "ld-linux", strlen("ld-linux")) == 0 ||
                     strncmp(name, "ld.so", strlen("ld.so")) == 0;
    return is_loader ? RIA_PROGRAM_LOADS : RIA_PROGRAM_STATIC;
}

static enum ria_program judge(const char *path, const struct ria_elf *elf)
{
    if (elf->is_foreign) {
        return RIA_PROGRAM_OTHER_MACHINE;
    }
    if (elf->interpreter[0] == '\0') {
        return judge_without_interpreter(path);
    }
    if (!is_glibc(elf->interpreter)) {
        return RIA_PROGRAM_OTHER_LIBC;
    }
    return elf->needs_asan ? RIA_PROGRAM_ASAN : RIA_PROGRAM_LOADS;
}

#define OTHER_WAYS                                                                                 \
    "a libpq program then needs the passfile of an agent (rds-iam setup postgres), or a token in " \
    "PGPASSWORD (rds-iam token)"

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
    case RIA_PROGRAM_OTHER_LIBC:
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s runs on another C library (%s), which cannot load librds-iam-pq.so; it is run "
            "without it, and neither it nor what it starts makes tokens; " OTHER_WAYS,
            path,
            elf->interpreter);
        break;
    case RIA_PROGRAM_OTHER_MACHINE:
        ria_world_log(
            world,
            RIA_LOG_WARNING,
            "%s is a program for another processor or word size and cannot load librds-iam-pq.so; "
            "it is run without it, and neither it nor what it starts makes tokens; " OTHER_WAYS,
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
    struct ria_elf elf;
    int fd = program_find(command, world, path) ? open_program(path, world) : -1;
    if (fd < 0) {
        return RIA_PROGRAM_LOADS;
    }
    enum ria_program program = ria_elf_read(fd, &elf) ? judge(path, &elf) : RIA_PROGRAM_LOADS;
    (void)close(fd);
    program_warn(program, path, &elf, world);
    return program;
}

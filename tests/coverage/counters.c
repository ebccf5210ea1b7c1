// SPDX-License-Identifier: MIT
/* Keeps the coverage counters of an executable or a library in a file. Only the coverage build
 * links this object, into each program and each library.
 *
 * gcc's own support writes the counters when a process calls exit(). The counts of a process that
 * ends by _exit(), execve() or a signal are lost. Also, gcc's support opens files, which disturbs a
 * test that counts the open descriptors of its process. Here, a constructor maps a file over the
 * counters instead (counters.ld collects them on pages of their own). All processes that run the
 * same object count in the same pages, so no count is lost, however a process ends.
 *
 * If RIA_COVERAGE_WRITE in the environment is the path of the file, the constructor writes gcc's
 * .gcda files from the counters, and an executable ends before its main().
 *
 * If the file cannot be opened or mapped, the process counts in its own memory, and these counts
 * are lost. System calls are made directly, because a test may replace the functions of libc in its
 * program. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

struct gcov_info;
void __gcov_init(struct gcov_info *info);
void __gcov_dump(void);

/* From the linker: the section of -fprofile-info-section=ria_gcov_info, the pages of counters.ld,
 * the ELF header. */
extern struct gcov_info *__start_ria_gcov_info[] HIDDEN __attribute__((weak));
extern struct gcov_info *__stop_ria_gcov_info[] HIDDEN __attribute__((weak));
extern uint64_t ria_counters_start[] HIDDEN;
extern uint64_t ria_counters_end[] HIDDEN;
extern const ElfW(Ehdr) __ehdr_start HIDDEN;

/* Writes DIRECTORY/BUILD-ID, the path of this object's file. Returns false if the object has no
 * build ID. */
static bool write_path(char *path, size_t size)
{
    static const char directory[] = RIA_COVERAGE_COUNTS "/";
    const ElfW(Phdr) *segment = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    const char *base = __ehdr_start.e_type == ET_EXEC ? NULL : (const char *)&__ehdr_start;
    for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
        const char *at = base + segment[i].p_vaddr;
        const char *end = segment[i].p_type == PT_NOTE ? at + segment[i].p_filesz : at;
        while (at < end) {
            const ElfW(Nhdr) *note = (const void *)at;
            const char *name = at + sizeof(*note);
            const unsigned char *id = (const unsigned char *)name + ((note->n_namesz + 3U) & ~3U);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
                memcmp(name, "GNU", 4) == 0 && size > sizeof(directory) + 2U * note->n_descsz) {
                memcpy(path, directory, sizeof(directory));
                char *to = path + sizeof(directory) - 1;
                for (size_t n = 0; n < note->n_descsz; n++) {
                    *to++ = "0123456789abcdef"[id[n] >> 4U];
                    *to++ = "0123456789abcdef"[id[n] & 15U];
                }
                *to = '\0';
                return true;
            }
            at = (const char *)id + ((note->n_descsz + 3U) & ~3U);
        }
    }
    return false;
}

/* Opens the file; the first process creates it, for all users. */
static int open_file(const char *path, size_t size)
{
    int flags = O_RDWR | O_CLOEXEC;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags);
    if (fd < 0) {
        fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CREAT | O_EXCL, 0666);
        fd = fd >= 0 ? fd : (int)syscall(SYS_openat, AT_FDCWD, path, flags);
        (void)syscall(SYS_fchmod, fd, 0666);
    }
    /* Every process does this, so that none maps a file that another has created and not yet
     * enlarged. */
    if (fd >= 0 && syscall(SYS_ftruncate, fd, size) != 0) {
        (void)syscall(SYS_close, fd);
        fd = -1;
    }
    return fd;
}

/* Maps the file over the counters. What other constructors have counted before is added to the
 * file. */
static bool map_file(const char *path, size_t size)
{
    int fd = open_file(path, size);
    if (fd < 0) {
        return false;
    }
    uint64_t *shared =
        (uint64_t *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    bool ok = shared != MAP_FAILED;
    for (size_t i = 0; ok && i < size / sizeof(*shared); i++) {
        if (ria_counters_start[i] != 0) {
            (void)__atomic_fetch_add(&shared[i], ria_counters_start[i], __ATOMIC_RELAXED);
        }
    }
    ok = ok &&
         syscall(
             SYS_mremap, shared, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, ria_counters_start) !=
             -1;
    (void)syscall(SYS_close, fd);
    return ok;
}

static void write_gcda(void)
{
    for (struct gcov_info **info = __start_ria_gcov_info; info < __stop_ria_gcov_info; info++) {
        __gcov_init(*info);
    }
    __gcov_dump();
    if (getauxval(AT_PHDR) == (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff) {
        (void)syscall(SYS_exit_group, 0);
    }
}

__attribute__((constructor(101))) static void start(int argc, char **argv, char **environment)
{
    (void)argc;
    (void)argv;
    int saved = errno;
    char path[1024];
    size_t size = (size_t)(ria_counters_end - ria_counters_start) * sizeof(*ria_counters_start);
    if (size != 0 && write_path(path, sizeof(path)) && map_file(path, size)) {
        for (char **each = environment; each != NULL && *each != NULL; each++) {
            if (strncmp(*each, "RIA_COVERAGE_WRITE=", strlen("RIA_COVERAGE_WRITE=")) == 0 &&
                strcmp(*each + strlen("RIA_COVERAGE_WRITE="), path) == 0) {
                write_gcda();
                break;
            }
        }
    }
    errno = saved;
}

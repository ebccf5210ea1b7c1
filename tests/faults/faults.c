/* SPDX-License-Identifier: MIT
 *
 * Maps the page that controls the faults, decides which call fails, and has the wrappers that
 * make_wrappers.py cannot generate: the functions of the heap, functions of libc with a variable
 * number of arguments, and clock_gettime(), which returns the time of the page. Every call here is
 * to a function that is not wrapped, or to the true function. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The linker defines the names with __real_. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_reallocarray(void *block, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);
void __real_free(void *block);
void __wrap_free(void *block);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int directory, const char *path, int flags, ...);
int __wrap_openat64(int directory, const char *path, int flags, ...);
int __real_close(int fd);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __real_execl(const char *path, const char *argument, ...);
int __wrap_execl(const char *path, const char *argument, ...);
int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
void *__real_mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset);

/* -- the page ------------------------------------------------------------------------------- */

static struct ria_fault_page no_page;

/* Returns NULL if no page is mapped. Does not call open64(), because the preload implements it. */
static struct ria_fault_page *map_page(void)
{
    const char *path = getenv(RIA_FAULT_VARIABLE);
    int fd =
        path == NULL
            ? -1
            : (int)__real_syscall(SYS_openat, (long)AT_FDCWD, path, (long)(O_RDWR | O_CLOEXEC));
    if (fd < 0) {
        return NULL;
    }
    const int protection = PROT_READ | PROT_WRITE;
    void *page = __real_mmap64(NULL, sizeof(no_page), protection, MAP_SHARED, fd, 0);
    (void)__real_close(fd);
    return page == MAP_FAILED ? NULL : page;
}

/* Two threads may map the page at the same time; both mappings are of the same file. */
static struct ria_fault_page *get_page(void)
{
    static struct ria_fault_page *mapped;
    struct ria_fault_page *page = __atomic_load_n(&mapped, __ATOMIC_ACQUIRE);
    if (page == NULL) {
        int saved = errno;
        page = map_page();
        __atomic_store_n(&mapped, page, __ATOMIC_RELEASE);
        errno = saved;
    }
    return page == NULL ? &no_page : page;
}

static struct ria_fault_page *armed_page(void)
{
    struct ria_fault_page *page = get_page();
    bool is_armed = page->role == RIA_FAULT_ROLE && page->is_armed != 0;
    return is_armed && getpid() != page->tester ? page : NULL;
}

static void record(struct ria_fault_page *page, const char *name, const void *caller)
{
    Dl_info object;
    if (__atomic_fetch_add(&page->injected, 1, __ATOMIC_RELAXED) == 0) {
        int found = dladdr(caller, &object);
        page->caller = (uintptr_t)caller - (found != 0 ? (uintptr_t)object.dli_fbase : 0);
        (void)strncpy(page->name, name, sizeof(page->name) - 1);
    }
}

enum ria_fault ria_fault_step(const char *name, unsigned marks, const void *caller)
{
    static const struct {
        unsigned needs;
        enum ria_fault fault;
    } modes[RIA_FAULT_MODES] = {
        [RIA_FAULT_COUNT] = {0, RIA_FAULT_NONE},
        [RIA_FAULT_ONCE] = {0, RIA_FAULT_ERROR},
        [RIA_FAULT_ALL] = {0, RIA_FAULT_ERROR},
        [RIA_FAULT_INTERRUPT] = {RIA_FAULT_CAN_EINTR, RIA_FAULT_EINTR},
        [RIA_FAULT_CUT] = {RIA_FAULT_CAN_SHORT, RIA_FAULT_SHORT},
    };
    struct ria_fault_page *page = armed_page();
    if (page == NULL || (marks & modes[page->mode].needs) != modes[page->mode].needs) {
        return RIA_FAULT_NONE;
    }
    int saved = errno;
    uint64_t number = __atomic_add_fetch(&page->calls, 1, __ATOMIC_RELAXED);
    bool is_later =
        page->mode == RIA_FAULT_ALL && number > page->at && (marks & RIA_FAULT_CAN_ONCE) == 0;
    enum ria_fault fault = RIA_FAULT_NONE;
    if (page->at != 0 && (number == page->at || is_later)) {
        fault = modes[page->mode].fault;
    }
    if (fault != RIA_FAULT_NONE) {
        record(page, name, caller);
    }
    errno = saved;
    return fault;
}

/* -- objects and secrets -------------------------------------------------------------------- */

void *ria_fault_made(void *object)
{
    if (object != NULL && get_page()->role == RIA_FAULT_ROLE) {
        (void)__atomic_add_fetch(&get_page()->live, 1, __ATOMIC_RELAXED);
    }
    return object;
}

void ria_fault_released(const void *object)
{
    if (object != NULL && get_page()->role == RIA_FAULT_ROLE) {
        (void)__atomic_sub_fetch(&get_page()->live, 1, __ATOMIC_RELAXED);
    }
}

static void count_context(const void *object, int64_t change)
{
    if (object != NULL && get_page()->role == RIA_FAULT_ROLE) {
        (void)__atomic_add_fetch(&get_page()->contexts, change, __ATOMIC_RELAXED);
    }
}

void *ria_fault_made_context(void *object)
{
    count_context(object, 1);
    return ria_fault_made(object);
}

void ria_fault_released_context(const void *object)
{
    count_context(object, -1);
    ria_fault_released(object);
}

/* Searches a block that is about to be freed for the secrets. */
static void search(void *block)
{
    struct ria_fault_page *page = get_page();
    if (block == NULL || page->role != RIA_FAULT_ROLE) {
        return;
    }
    size_t size = malloc_usable_size(block);
    bool found = false;
    for (uint32_t i = 0; i < page->secret_count; i++) {
        const char *secret = page->secrets[i];
        found = found || memmem(block, size, secret, strlen(secret)) != NULL;
    }
    (void)__atomic_add_fetch(&page->found, found ? 1 : 0, __ATOMIC_RELAXED);
    (void)__atomic_add_fetch(&page->searched, 1, __ATOMIC_RELAXED);
}

/* Returns true, with errno set, if this allocation fails. */
static bool is_refused(const char *name, const void *caller)
{
    if (ria_fault_step(name, 0, caller) == RIA_FAULT_NONE) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

#define REFUSED(name) is_refused(name, __builtin_return_address(0))

void *__wrap_malloc(size_t size)
{
    return REFUSED("malloc") ? NULL : ria_fault_made(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return REFUSED("calloc") ? NULL : ria_fault_made(__real_calloc(count, size));
}

char *__wrap_strdup(const char *text)
{
    return REFUSED("strdup") ? NULL : ria_fault_made(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t size)
{
    return REFUSED("strndup") ? NULL : ria_fault_made(__real_strndup(text, size));
}

/* realloc() may move a block and leave the old bytes, so the old block counts as freed. */
static void *resize(void *block, size_t size)
{
    if (block == NULL) {
        return ria_fault_made(__real_malloc(size));
    }
    search(block);
    return __real_realloc(block, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return REFUSED("realloc") ? NULL : resize(block, size);
}

void *__wrap_reallocarray(void *block, size_t count, size_t size)
{
    size_t whole = 0;
    if (REFUSED("reallocarray") || __builtin_mul_overflow(count, size, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(block, whole);
}

void __wrap_free(void *block)
{
    int saved = errno;
    search(block);
    ria_fault_released(block);
    __real_free(block);
    errno = saved;
}

/* -- a variable number of arguments --------------------------------------------------------- */

#define FAILED(name) (ria_fault_step(name, 0, __builtin_return_address(0)) != RIA_FAULT_NONE)

/* Reads the variable argument of the wrapper that uses this macro: a number or a pointer. */
#define READ_ARGUMENT(type, after, out)                                                            \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, after);                                                                \
        (out) = va_arg(arguments, type);                                                           \
        va_end(arguments);                                                                         \
    } while (0)

int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode;
    READ_ARGUMENT(mode_t, flags, mode);
    if (FAILED("open")) {
        errno = EMFILE;
        return -1;
    }
    return __real_open64(path, flags, mode);
}

int __wrap_openat64(int directory, const char *path, int flags, ...)
{
    mode_t mode;
    READ_ARGUMENT(mode_t, flags, mode);
    if (FAILED("openat")) {
        errno = EMFILE;
        return -1;
    }
    return __real_openat64(directory, path, flags, mode);
}

int __wrap_fcntl64(int fd, int command, ...)
{
    void *argument;
    READ_ARGUMENT(void *, command, argument);
    if (FAILED("fcntl")) {
        errno = EINVAL;
        return -1;
    }
    return __real_fcntl64(fd, command, argument);
}

/* The product calls execl() with the arguments "sh", "-c" and a command. */
int __wrap_execl(const char *path, const char *argument, ...)
{
    const char *words[4] = {argument};
    va_list arguments;
    va_start(arguments, argument);
    for (size_t i = 1; i < 4 && words[i - 1] != NULL; i++) {
        words[i] = va_arg(arguments, const char *);
    }
    va_end(arguments);
    if (FAILED("execl")) {
        errno = ENOMEM;
        return -1;
    }
    return __real_execl(path, words[0], words[1], words[2], words[3], (char *)NULL);
}

int __wrap_prctl(int option, ...)
{
    unsigned long given[4];
    va_list arguments;
    va_start(arguments, option);
    for (size_t i = 0; i < 4; i++) {
        given[i] = va_arg(arguments, unsigned long);
    }
    va_end(arguments);
    if (FAILED("prctl")) {
        errno = EPERM;
        return -1;
    }
    return __real_prctl(option, given[0], given[1], given[2], given[3]);
}

struct system_call {
    long number;
    const char *name;
    int error;
    unsigned marks;
};

static const struct system_call *find_system_call(long number)
{
    static const struct system_call calls[] = {
        {SYS_close, "syscall(SYS_close)", EIO, 0},
        {SYS_openat, "syscall(SYS_openat)", EMFILE, 0},
        {SYS_read, "syscall(SYS_read)", EIO, RIA_FAULT_CAN_EINTR | RIA_FAULT_CAN_SHORT},
        {SYS_write, "syscall(SYS_write)", ENOSPC, RIA_FAULT_CAN_EINTR | RIA_FAULT_CAN_SHORT},
        {SYS_futex, "syscall(SYS_futex)", EAGAIN, RIA_FAULT_CAN_EINTR | RIA_FAULT_CAN_ONCE},
        {-1, "syscall", ENOSYS, 0},
    };
    size_t i = 0;
    while (calls[i].number != number && calls[i].number != -1) {
        i++;
    }
    return &calls[i];
}

long __wrap_syscall(long number, ...)
{
    long given[6];
    va_list arguments;
    va_start(arguments, number);
    for (size_t i = 0; i < 6; i++) {
        given[i] = va_arg(arguments, long);
    }
    va_end(arguments);
    const struct system_call *call = find_system_call(number);
    switch (ria_fault_step(call->name, call->marks, __builtin_return_address(0))) {
    case RIA_FAULT_ERROR:
        if (number == SYS_close) {
            (void)__real_syscall(number, given[0]);
        }
        errno = call->error;
        return -1;
    case RIA_FAULT_EINTR:
        errno = EINTR;
        return -1;
    case RIA_FAULT_SHORT:
        given[2] = given[2] > 1 ? 1 : given[2];
        break;
    case RIA_FAULT_NONE:
    default:
        break;
    }
    return __real_syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

/* Never fails; returns the time of the page. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = __real_clock_gettime(clock, out);
    if ((clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && get_page()->now != 0) {
        out->tv_sec = get_page()->now;
    }
    return result;
}

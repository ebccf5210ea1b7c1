/* SPDX-License-Identifier: MIT
 *
 * Preloaded into the agent: each call of fcntl() with F_SETLEASE leaks 4 KiB, and each tenth call
 * also leaks a file descriptor. A test checks that its measurement of the agent's memory and
 * descriptors detects this leak. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    LEAK = 4096,
    PER_DESCRIPTOR = 10
};

/* fcntl() is declared with `...`; all commands take one argument of the size of a pointer, or none.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
__attribute__((visibility("default"))) int fcntl(int fd, int command, ...)
{
    static int (*next)(int, int, ...);
    static unsigned leases;
    va_list arguments;
    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "fcntl");
    }
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (command == F_SETLEASE) {
        char *volatile leaked = calloc(1, LEAK);
        leaked = NULL;
        (void)leaked;
        if (leases++ % PER_DESCRIPTOR == 0) {
            (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
        }
    }
    return next(fd, command, argument);
}

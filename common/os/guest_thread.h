/* SPDX-License-Identifier: MIT
 *
 * Runs a function of this library inside another vendor's program: on the caller's stack if that
 * stack is large enough, else on a new thread. Work that may never end always runs on a new thread,
 * and the caller waits for it with a time limit. No other code of the library starts threads.
 * fetch_client.h declares the code that starts another program.
 *
 * Uses only libc, so that an object that links no other library can use it.
 */
#ifndef RIA_GUEST_THREAD_H
#define RIA_GUEST_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* The kind of work, which decides how much stack it needs. guest_thread.c has the sizes. */
enum ria_guest_need {
    RIA_GUEST_TOKEN,        /* making a token: reading files, running rds-iam-fetch, OpenSSL */
    RIA_GUEST_NAME_SERVICE, /* a query of NSS (Name Service Switch), which may be part of making a
                               token. NSS modules put buffers of unknown size on the stack. */
};

/* The work to run. The functions below borrow it for the call. */
struct ria_guest_work {
    enum ria_guest_need need;
    void (*run)(void *argument);
    void *argument;

    /* NULL, or a function that is called with `argument` on the caller's stack before a thread is
     * started. prepare() must do everything that takes the dynamic linker's lock: dlopen(),
     * dlsym(), OpenSSL's first use. The caller may hold that lock, for example in a library's
     * constructor. A new thread that takes the lock would then wait for the caller, while the
     * caller waits for the thread. prepare() may use 10 KB of stack. */
    void (*prepare)(void *argument);
};

/* Runs the work and returns when it is done. If the current stack has enough room, calls
 * run() directly; otherwise calls run() on a new thread with all signals blocked. Thread
 * cancellation of the caller is disabled during the call, because a cancelled thread would leave
 * keys unwiped and a child unreaped. Returns 0, or the error number of the failed attempt to start
 * the thread. After such a failure, only prepare() has run. Thread-safe.
 *
 * A new thread is expensive: it takes as long as five logins and uses 200 KB. In a process that had
 * only one thread, malloc() and free() are slower from then on. */
int ria_guest_run(const struct ria_guest_work *work);

/* Runs work that may never end, always on a new thread. Waits for at most budget_ms milliseconds
 * (CLOCK_MONOTONIC), then leaves the thread running. `argument` must stay valid as long as the
 * thread runs, so it must be a plain number, or point to memory that is never freed. prepare() is
 * not called. Returns 0, ETIMEDOUT, or another error number if the thread cannot be started or
 * waited for. */
int ria_guest_run_in_time(const struct ria_guest_work *work, unsigned budget_ms);

/* Returns true if the current stack belongs to a thread and has at least `size` bytes left. Returns
 * false on the stack of a coroutine and on an alternate signal stack, because the bounds of these
 * stacks are unknown. Also returns false in a child process if a thread other than the first thread
 * called fork(). Takes less than a microsecond. On a thread other than the first, makes three
 * system calls and allocates memory. Thread-safe. May change errno. */
bool ria_guest_has_room(size_t size);

#endif

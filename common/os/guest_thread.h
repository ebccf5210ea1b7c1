/* SPDX-License-Identifier: MIT
 *
 * Our work inside somebody else's program: a stack that is large enough for it, or
 * else a thread of our own. The one place that starts threads. Not here: starting programs.
 *
 * It refers to libc alone, so that an object that links nothing else can have it.
 */
#ifndef RIA_GUEST_THREAD_H
#define RIA_GUEST_THREAD_H

#include <stdbool.h>
#include <stddef.h>

/* What a piece of work needs of its stack. The sizes stand in one table, in guest_thread.c. */
enum ria_guest_need {
    RIA_GUEST_TOKEN,        /* a token with all that leads to it: files, rds-iam-fetch, OpenSSL */
    RIA_GUEST_NAME_SERVICE, /* the same, or less, with a question to NSS, whose modules have
                               buffers of their own on the stack */
};

/* A piece of work. Borrowed for the call. */
struct ria_guest_work {
    enum ria_guest_need need;
    void (*run)(void *argument);
    void *argument;

    /* NULL, or what is done on the caller's stack before a thread is started and waited for. The
     * caller's thread may hold the dynamic linker's lock, as a library's constructor does: a thread
     * of ours that wanted it would wait for the caller, and the caller for that thread. So what
     * needs that lock is done here: dlopen(), dlsym(), OpenSSL's first use. Gets `argument`; needs
     * 10 KB of stack. */
    void (*prepare)(void *argument);
};

/* Runs the work: where the caller stands if the stack in use has the room that it needs, and else
 * on a thread of our own with all signals blocked, which has ended when this returns. The caller's
 * cancellation waits meanwhile: a thread that is cancelled in here would leave keys unwiped and a
 * program unreaped. Returns 0, or the error number for which no thread can be had; then nothing has
 * run but prepare(). A thread of ours costs the work of five logins, 200 KB, and in a program that
 * had one thread a slower malloc() and free() ever after. From any thread. */
int ria_guest_run(const struct ria_guest_work *work);

/* The same for work that may never end: always on a thread of our own, which is waited for until
 * budget_ms are over (CLOCK_MONOTONIC) and then left to itself. `argument` must outlive it: a
 * value, or memory that is not freed. prepare() is not called. Returns 0, ETIMEDOUT, or the error
 * number for which no thread can be had. */
int ria_guest_run_in_time(const struct ria_guest_work *work, unsigned budget_ms);

/* True where the stack in use is the process's first or a thread's own, and has so many bytes left.
 * False in a coroutine and on a signal's stack: their bounds cannot be asked. Also false in the
 * child of a fork() on another thread than the first, whose thread is then its first. It costs less
 * than a microsecond, with two system calls and a malloc() on a thread other than the first. From
 * any thread. errno may change. */
bool ria_guest_has_room(size_t wanted);

#endif

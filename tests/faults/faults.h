/* SPDX-License-Identifier: MIT
 *
 * Fault injection. A fault object is a program, plugin or preload that is linked once more from the
 * product's own objects, with wrappers for the calls of calls.txt (linker option --wrap). The
 * wrappers count the calls, and make the n-th call fail. They also count what is allocated and
 * released, and search each block for secrets before it is freed.
 *
 * A page of shared memory controls the wrappers and contains their counts. The environment variable
 * RIA_FAULT_PAGE names the page's file, so every program that inherits the variable maps the same
 * page. Without the variable, no call fails. An object ignores a page whose role is not that of the
 * object (RIA_FAULT_ROLE, set when faults.c is compiled).
 */
#ifndef RIA_FAULTS_H
#define RIA_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIA_FAULT_VARIABLE "RIA_FAULT_PAGE"

enum {
    RIA_FAULT_SECRETS_MAX = 6,
    RIA_FAULT_SECRET_SIZE = 96
};

/* The objects, for `role`. */
enum {
    RIA_FAULT_ROLE_GUEST = 1,   /* the test's own process */
    RIA_FAULT_ROLE_FETCH = 2,   /* rds-iam-fetch */
    RIA_FAULT_ROLE_AGENT = 3,   /* rds-iam-agent */
    RIA_FAULT_ROLE_PRELOAD = 4, /* the preload and its modules, in the test's own process or in a
                                   program that it starts */
};

/* Which calls fail. */
enum ria_fault_mode {
    RIA_FAULT_COUNT,     /* none */
    RIA_FAULT_ONCE,      /* the n-th */
    RIA_FAULT_ALL,       /* the n-th and all later ones */
    RIA_FAULT_INTERRUPT, /* the n-th call that a signal can interrupt fails with EINTR */
    RIA_FAULT_CUT,       /* the n-th call that can be incomplete processes one byte */
    RIA_FAULT_MODES
};

struct ria_fault_page {
    uint32_t role;
    uint32_t mode;
    uint64_t at; /* n, from 1 on */
    int64_t now; /* CLOCK_REALTIME of the fault objects, in seconds; 0: the true time */
    uint32_t is_armed;
    uint32_t secret_count;
    int32_t tester; /* the process id of the test, whose calls never fail */
    uint32_t unused;
    char secrets[RIA_FAULT_SECRETS_MAX][RIA_FAULT_SECRET_SIZE]; /* texts */

    /* Written by the wrappers. */
    uint64_t calls;    /* that could have failed in this mode while is_armed was set */
    uint64_t injected; /* failures */
    int64_t live;      /* objects that were made and not released */
    int64_t contexts;  /* digest contexts among them */
    uint64_t searched; /* freed blocks */
    uint64_t found;    /* freed blocks that contained a secret */
    uint64_t caller;   /* the offset, in the object, of the first failed call */
    char name[64];     /* the name of the first failed call */
};

/* Marks of a call, besides that it can fail. */
enum {
    RIA_FAULT_CAN_EINTR = 1,
    RIA_FAULT_CAN_SHORT = 2,
    RIA_FAULT_CAN_ONCE = 4, /* does not fail in mode RIA_FAULT_ALL unless it is the n-th */
};

/* What a call has to do. */
enum ria_fault {
    RIA_FAULT_NONE,
    RIA_FAULT_ERROR,
    RIA_FAULT_EINTR,
    RIA_FAULT_SHORT,
};

/* For the wrappers: counts a call and returns what it has to do. Thread-safe. */
enum ria_fault ria_fault_step(const char *name, unsigned marks, const void *caller);

/* For the wrappers: count an object that was made or released. ria_fault_made() returns `object`.
 * The functions _context do the same for a digest context. */
void *ria_fault_made(void *object);
void *ria_fault_made_context(void *object);
void ria_fault_released(const void *object);
void ria_fault_released_context(const void *object);

/* Returns the address of the true function if the address is that of a wrapper of libcrypto's
 * functions, otherwise the address itself. */
uintptr_t ria_fault_true_address(uintptr_t address);

#endif

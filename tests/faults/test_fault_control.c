/* SPDX-License-Identifier: MIT
 *
 * Controls of the walk (walk.h): each kind of mistake that the walk itself detects is planted in a
 * scenario, and the walk finds this mistake and no other. */
#include "walk.h"

#include "scratch.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SECRET "wJalrXUtnFEMI-canary-of-the-secret-key"

enum {
    BLOCK = 200,
    DEPTH = 16 * 1024
};

struct plant {
    const char *name;
    void (*run)(struct walk_result *out);
    enum walk_finding finding; /* WALK_FINDINGS: none */
    enum ria_fault_mode mode;
};

/* Writes the secret in a way that the compiler cannot remove as a dead store. */
static void write_secret(volatile char *at)
{
    for (size_t i = 0; i < sizeof(SECRET); i++) {
        at[i] = SECRET[i];
    }
}

static void succeed(struct walk_result *out)
{
    out->has_succeeded = true;
    (void)strcpy(out->token, "token");
}

static void refuse(struct walk_result *out)
{
    (void)strcpy(out->message, "cannot; try again");
}

/* Reads one byte of a device, and allocates two blocks, one for a secret. `mistake` is the finding
 * that the function causes if a call fails; WALK_FINDINGS: none. */
static void read_device(struct walk_result *out, enum walk_finding mistake)
{
    char byte = '\0';
    char *first = malloc(BLOCK);
    char *second = malloc(BLOCK);
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ssize_t len = -1;
    if (first != NULL && second != NULL && fd >= 0) {
        write_secret(first);
        do {
            len = read(fd, &byte, 1);
        } while (len < 0 && errno == EINTR);
        if (mistake != WALK_SECRET_IN_FREED_MEMORY || len == 1) {
            explicit_bzero(first, BLOCK);
        }
    }
    bool ok = len == 1;
    if (ok || mistake == WALK_WRONG_TOKEN) {
        succeed(out);
        out->token[0] = ok ? 't' : 'T';
    } else if (mistake == WALK_TOKEN_AFTER_FAILURE) {
        succeed(out);
        out->has_succeeded = false;
        refuse(out);
    } else if (mistake == WALK_SECRET_IN_MESSAGE) {
        (void)strcpy(out->message, SECRET);
    } else if (mistake != WALK_NO_MESSAGE) {
        refuse(out);
    }
    if (mistake != WALK_LEAKED || ok) {
        free(second);
    }
    free(first);
    if (fd >= 0 && (mistake != WALK_LEAKED_DESCRIPTOR || ok)) {
        (void)close(fd);
    }
}

static void correct(struct walk_result *out)
{
    read_device(out, WALK_FINDINGS);
}

static void without_a_check(struct walk_result *out)
{
    char *block = malloc(BLOCK);
    *(volatile char *)block = 'x';
    free(block);
    succeed(out);
}

static void that_waits(struct walk_result *out)
{
    char *block = malloc(BLOCK);
    if (block == NULL) {
        (void)pause();
    }
    free(block);
    succeed(out);
}

/* The secret is so deep in the stack that the functions which end the thread do not overwrite it.
 */
__attribute__((noinline)) static void leave_secret(void)
{
    volatile char frame[DEPTH];
    write_secret(frame);
}

static void with_a_stack(struct walk_result *out)
{
    char *block = malloc(BLOCK);
    if (block == NULL) {
        leave_secret();
        refuse(out);
        return;
    }
    free(block);
    succeed(out);
}

static void that_leaks(struct walk_result *out)
{
    read_device(out, WALK_LEAKED);
}

static void that_leaks_a_descriptor(struct walk_result *out)
{
    read_device(out, WALK_LEAKED_DESCRIPTOR);
}

static void that_frees_a_secret(struct walk_result *out)
{
    read_device(out, WALK_SECRET_IN_FREED_MEMORY);
}

static void that_shows_a_secret(struct walk_result *out)
{
    read_device(out, WALK_SECRET_IN_MESSAGE);
}

static void that_is_silent(struct walk_result *out)
{
    read_device(out, WALK_NO_MESSAGE);
}

static void that_sends_another_token(struct walk_result *out)
{
    read_device(out, WALK_WRONG_TOKEN);
}

static void that_sends_a_token(struct walk_result *out)
{
    read_device(out, WALK_TOKEN_AFTER_FAILURE);
}

static void that_stays_broken(struct walk_result *out)
{
    static bool is_broken;
    char *block = is_broken ? NULL : malloc(BLOCK);
    is_broken = block == NULL;
    free(block);
    if (is_broken) {
        refuse(out);
    } else {
        succeed(out);
    }
}

/* A signal or a short count makes this scenario fail. */
static void that_ignores_signals(struct walk_result *out)
{
    char bytes[4];
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (read(fd, bytes, sizeof(bytes)) == sizeof(bytes)) {
        succeed(out);
    }
    (void)close(fd);
}

static const struct plant plants[] = {
    {"no mistake, one failure", correct, WALK_FINDINGS, RIA_FAULT_ONCE},
    {"no mistake, all later calls fail too", correct, WALK_FINDINGS, RIA_FAULT_ALL},
    {"no mistake, a signal", correct, WALK_FINDINGS, RIA_FAULT_INTERRUPT},
    {"a call without a check", without_a_check, WALK_CRASHED, RIA_FAULT_ONCE},
    {"a wait without an end", that_waits, WALK_HUNG, RIA_FAULT_ONCE},
    {"a block that is not released", that_leaks, WALK_LEAKED, RIA_FAULT_ONCE},
    {"a descriptor that is not closed",
     that_leaks_a_descriptor,
     WALK_LEAKED_DESCRIPTOR,
     RIA_FAULT_ONCE},
    {"a secret in freed memory", that_frees_a_secret, WALK_SECRET_IN_FREED_MEMORY, RIA_FAULT_ONCE},
    {"a secret on the stack", with_a_stack, WALK_SECRET_ON_THE_STACK, RIA_FAULT_ONCE},
    {"a secret in the message", that_shows_a_secret, WALK_SECRET_IN_MESSAGE, RIA_FAULT_ONCE},
    {"a failure without a message", that_is_silent, WALK_NO_MESSAGE, RIA_FAULT_ONCE},
    {"a success with another token", that_sends_another_token, WALK_WRONG_TOKEN, RIA_FAULT_ALL},
    {"a failure with a token", that_sends_a_token, WALK_TOKEN_AFTER_FAILURE, RIA_FAULT_ALL},
    {"a process that never succeeds again", that_stays_broken, WALK_NOT_RECOVERED, RIA_FAULT_ONCE},
    {"a signal that counts as a failure",
     that_ignores_signals,
     WALK_NO_MESSAGE,
     RIA_FAULT_INTERRUPT},
    {"a short count that counts as a failure",
     that_ignores_signals,
     WALK_NO_MESSAGE,
     RIA_FAULT_CUT},
};

static void run(const void *argument, struct walk_result *out)
{
    const struct plant *plant = argument;
    plant->run(out);
}

static void each_planted_mistake_is_found(void **state)
{
    (void)state;
    for_each_row(plant, plants, plant->name) {
        const struct walk_scenario scenario = {
            .name = plant->name,
            .role = RIA_FAULT_ROLE_GUEST,
            .argument = plant,
            .run = run,
            .seconds = plant->finding == WALK_HUNG ? 1 : 0,
        };
        struct walk_count count = walk(&scenario, plant->mode, 1, 1);
        expect(plant->name, count.calls > 0 && count.runs == count.calls && count.missed == 0);
        expect(plant->name, plant->finding != WALK_FINDINGS || count.found == 0);
        for (size_t i = 0; i < WALK_FINDINGS; i++) {
            bool is_planted = i == (size_t)plant->finding;
            expect(walk_name_of((enum walk_finding)i), (count.findings[i] != 0) == is_planted);
        }
    }
}

int main(void)
{
    static const char *const secrets[] = {SECRET};
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_planted_mistake_is_found)};
    walk_set_up(scratch_directory(), 0, secrets, RIA_COUNT(secrets));
    return cmocka_run_group_tests(tests, NULL, NULL);
}

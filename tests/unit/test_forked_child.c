/* SPDX-License-Identifier: MIT
 *
 * A child of fork(), while another thread of the parent is inside dl_iterate_phdr(), as a profiler
 * or an unwinder is. In the child, glibc's lock of dl_iterate_phdr() stays taken, so the code of
 * the plugins must not take it. */
#include "codec/digest.h"
#include "fake_mariadb.h"
#include "unit.h"

#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_SECONDS = 20, /* until a child that waits is killed by SIGALRM */
    CONTROL_SECONDS = 1,
};

static sem_t is_inside;
static sem_t may_leave;

static int stay(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)object;
    (void)size;
    (void)unused;
    (void)sem_post(&is_inside);
    (void)sem_wait(&may_leave);
    return 1;
}

static void *iterate(void *unused)
{
    (void)dl_iterate_phdr(stay, NULL);
    return unused;
}

/* Calls a function in a child that is forked while another thread is inside dl_iterate_phdr().
 * Returns the status of the child, which is 0 if the function returned true. */
static int status_in_child(bool (*call)(void), unsigned seconds)
{
    pthread_t thread;
    int status = -1;
    assert_int_equal(pthread_create(&thread, NULL, iterate, NULL), 0);
    (void)sem_wait(&is_inside);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(seconds);
        _exit(call() ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    (void)sem_post(&may_leave);
    (void)pthread_join(thread, NULL);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static bool makes_a_digest(void)
{
    uint8_t sum[RIA_SHA256_LEN];
    struct ria_error err;
    return ria_sha256("abc", 3, sum, &err) && sum[0] == 0xba && sum[RIA_SHA256_LEN - 1] == 0xad;
}

/* This program contains the name of the variable, and the functions of the fake library. */
static bool finds_the_variable(void)
{
    struct ria_fake_mariadb fake;
    ria_fake_mariadb_init(&fake);
    return ria_mariadb_may_skip_verification(&fake.mysql);
}

static int leave(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)object;
    (void)size;
    (void)unused;
    return 1;
}

static bool iterates(void)
{
    return dl_iterate_phdr(leave, NULL) == 1;
}

static void no_call_waits_for_the_lock(void **state)
{
    (void)state;
    assert_int_equal(setenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION", "1", 1), 0);
    assert_int_equal(status_in_child(makes_a_digest, CHILD_SECONDS), 0);
    assert_int_equal(status_in_child(finds_the_variable, CHILD_SECONDS), 0);
}

static void control_the_lock_is_taken_in_the_child(void **state)
{
    (void)state;
    int status = status_in_child(iterates, CONTROL_SECONDS);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGALRM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_call_waits_for_the_lock),
        cmocka_unit_test(control_the_lock_is_taken_in_the_child),
    };
    (void)sem_init(&is_inside, 0, 0);
    (void)sem_init(&may_leave, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

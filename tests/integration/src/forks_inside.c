/* SPDX-License-Identifier: MIT
 *
 * usage: forks_inside MODULE
 * Loads the module (tail_calls.c) with RTLD_LOCAL, calls its function, and forks while another
 * thread is inside dl_iterate_phdr(). The child calls the function again and prints whether a
 * handle was made. libmariadb loads its plugins in the first call, because it could not load any
 * object in the child. A child that waits forever is killed by SIGALRM, and the parent then prints
 * the signal. */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_SECONDS = 20
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

static pid_t fork_inside(void)
{
    pthread_t thread;
    (void)sem_init(&is_inside, 0, 0);
    (void)sem_init(&may_leave, 0, 0);
    (void)pthread_create(&thread, NULL, iterate, NULL);
    (void)sem_wait(&is_inside);
    pid_t pid = fork();
    if (pid != 0) {
        (void)sem_post(&may_leave);
        (void)pthread_join(thread, NULL);
    }
    return pid;
}

int main(int argc, char **argv)
{
    void *(*init)(void *) = NULL;
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *found = module == NULL ? NULL : dlsym(module, "pass_init");
    int status = 0;
    if (found == NULL) {
        (void)fprintf(stderr, "usage: %s MODULE\n", argv[0]);
        return 2;
    }
    memcpy(&init, &found, sizeof(found));
    if (init(NULL) == NULL) {
        return EXIT_FAILURE;
    }
    pid_t pid = fork_inside();
    if (pid == 0) {
        (void)alarm(CHILD_SECONDS);
        (void)puts(init(NULL) != NULL ? "made" : "not made");
        return 0;
    }
    (void)waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        (void)printf("the child was killed by signal %d\n", WTERMSIG(status));
    }
    return 0;
}

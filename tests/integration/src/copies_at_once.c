/* SPDX-License-Identifier: MIT
 *
 * A program with many copies of libpq (copy.c). Several threads look up functions in them at the
 * same time, while one more copy is loaded and unloaded. Forked children look up functions in all
 * copies as well:
 *
 *   copies_at_once COMING-AND-GOING COPY...       the name of each file is the copy's number
 *
 * COMING-AND-GOING is the copy that is loaded and unloaded. Prints "right", or "wrong" if a lookup
 * led to another copy, and the number of lookups. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    COPIES_MAX = 16,
    THREADS = 8,
    ROUNDS = 300,
    CHILDREN = 40,
};

struct copy {
    void *handle;
    unsigned number;
    void *ping; /* the result of the first lookup */
};

static struct copy copies[COPIES_MAX];
static size_t count;
static const char *coming;

static struct copy load(const char *path)
{
    const char *slash = strrchr(path, '/');
    return (struct copy){
        .handle = dlopen(path, RTLD_NOW | RTLD_LOCAL),
        .number = (unsigned)strtoul(slash == NULL ? path : slash + 1, NULL, 10),
    };
}

static bool is_right(const struct copy *copy)
{
    unsigned (*ping)(const char *) = NULL;
    void *found = dlsym(copy->handle, "PQping");
    memcpy(&ping, &found, sizeof(found));
    return ping != NULL && ping("") == copy->number;
}

static void *look_into_all(void *wrong)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        *(bool *)wrong |= !is_right(&copies[i % count]);
    }
    return NULL;
}

static void *come_and_go(void *wrong)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        struct copy copy = load(coming);
        *(bool *)wrong |= copy.handle == NULL || !is_right(&copy);
        (void)dlclose(copy.handle);
    }
    return NULL;
}

/* Runs in the child, and does not call dlopen(). If a process forks while another of its threads is
 * inside dlopen(), the child must not load objects. */
static bool finds_the_same(void)
{
    bool is_good = true;
    for (size_t i = 0; i < ROUNDS; i++) {
        is_good &= dlsym(copies[i % count].handle, "PQping") == copies[i % count].ping;
    }
    return is_good;
}

static bool fork_and_look(void)
{
    bool is_good = true;
    for (size_t i = 0; i < CHILDREN; i++) {
        int status = 1;
        pid_t child = fork();
        if (child == 0) {
            (void)alarm(60);
            _exit(finds_the_same() ? 0 : 1);
        }
        is_good &= child > 0 && waitpid(child, &status, 0) == child && status == 0;
    }
    return is_good;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    bool wrong[THREADS] = {false};
    bool is_good = argc > 2 && argc - 2 <= COPIES_MAX;
    coming = is_good ? argv[1] : NULL;
    for (int i = 2; is_good && i < argc; i++) {
        copies[count++] = load(argv[i]);
        is_good = copies[count - 1].handle != NULL && is_right(&copies[count - 1]);
        copies[count - 1].ping = is_good ? dlsym(copies[count - 1].handle, "PQping") : NULL;
    }
    if (!is_good) {
        (void)fprintf(stderr, "copies_at_once COMING-AND-GOING COPY...\n");
        return 2;
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_create(&threads[i], NULL, i == 0 ? come_and_go : look_into_all, &wrong[i]);
    }
    is_good = fork_and_look();
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        is_good &= !wrong[i];
    }
    (void)printf("%s %d\n", is_good ? "right" : "wrong", (CHILDREN + THREADS) * ROUNDS);
    return is_good ? 0 : 1;
}

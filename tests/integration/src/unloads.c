/* SPDX-License-Identifier: MIT
 *
 * usage: unloads [child] ROUNDS MODULE OBJECT...
 * In each round, loads the objects and then the module (tail_calls.c), all with RTLD_LOCAL. Calls
 * the module's functions while another thread unloads the objects. Prints "all handles were made",
 * or how many could not be made. With "child", all of this happens in a child of fork(). */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OBJECTS_MAX = 256
};

static struct {
    void *handles[OBJECTS_MAX];
    int count;
    bool is_done; /* atomic */
} objects;

static void *load(const char *path)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return object;
}

static void *unload_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < objects.count; i++) {
        (void)dlclose(objects.handles[i]);
    }
    __atomic_store_n(&objects.is_done, true, __ATOMIC_RELEASE);
    return NULL;
}

struct result {
    unsigned long made;
    unsigned long failed;
};

static void call_meanwhile(void *module, struct result *result)
{
    void *(*init)(void *) = NULL;
    void (*close)(void *) = NULL;
    void *found[] = {dlsym(module, "pass_init"), dlsym(module, "pass_close")};
    pthread_t thread;
    memcpy(&init, &found[0], sizeof(found[0]));
    memcpy(&close, &found[1], sizeof(found[1]));
    objects.is_done = false;
    (void)pthread_create(&thread, NULL, unload_all, NULL);
    do {
        void *mysql = init(NULL);
        result->made += mysql != NULL ? 1 : 0;
        result->failed += mysql == NULL ? 1 : 0;
        if (mysql != NULL) {
            close(mysql);
        }
    } while (!__atomic_load_n(&objects.is_done, __ATOMIC_ACQUIRE));
    (void)pthread_join(thread, NULL);
}

static int unload_in_rounds(int argc, char **argv)
{
    struct result result = {0};
    long rounds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    objects.count = argc - 3 < OBJECTS_MAX ? argc - 3 : OBJECTS_MAX;
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < objects.count; i++) {
            objects.handles[i] = load(argv[3 + i]);
        }
        void *module = load(argv[2]);
        call_meanwhile(module, &result);
        (void)dlclose(module);
    }
    if (result.failed > 0) {
        (void)printf("%lu handles could not be made\n", result.failed);
    } else {
        (void)puts(result.made > 0 ? "all handles were made" : "no call");
    }
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2 || strcmp(argv[1], "child") != 0) {
        return unload_in_rounds(argc, argv);
    }
    pid_t pid = fork();
    if (pid == 0) {
        return unload_in_rounds(argc - 1, argv + 1);
    }
    (void)waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

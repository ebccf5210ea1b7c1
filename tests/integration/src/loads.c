/* SPDX-License-Identifier: MIT
 *
 * A program that loads a library, and optionally calls it, on a given kind of stack:
 *
 *   loads first|thread|coroutine|KIB LIBRARY [FUNCTION]
 *
 * first: the stack of main(); thread: a thread with a default stack; coroutine: a stack of 256 KiB
 * from the heap; KIB, a number: a thread with a stack of that many KiB. For a stack of KIB, the
 * program prints "used N", the number of bytes of the stack that were touched. At the end, it
 * prints "threads N", the number of threads that the library created. Without arguments, the
 * program does nothing. If it is linked with a library, only the constructor of the library runs
 * then.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum {
    KIB = 1024,
    COROUTINE_KIB = 256,
    PAINT = 0xa5,
};

#ifdef LINKED
void connect_now(void);
extern void (*volatile needed)(void);
void (*volatile needed)(void) = connect_now; /* otherwise the linker would drop the library */
#endif

static unsigned threads;
static char **words;

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* The parameter names of glibc are reserved.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
__attribute__((visibility("default"))) int pthread_create(
    pthread_t *restrict thread,
    const pthread_attr_t *restrict attributes,
    void *(*run)(void *),
    void *restrict argument)
{
    create_function *next = NULL;
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&next, &found, sizeof(found));
    threads++;
    return next(thread, attributes, run, argument);
}

static void load(void)
{
    void *library = dlopen(words[0], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    if (words[1] != NULL) {
        void (*function)(void) = NULL;
        void *found = dlsym(library, words[1]);
        memcpy(&function, &found, sizeof(found));
        function();
    }
}

static void *load_on_thread(void *unused)
{
    load();
    return unused;
}

static void load_in_coroutine(void)
{
    ucontext_t here;
    ucontext_t there;
    (void)getcontext(&there);
    there.uc_stack.ss_size = (size_t)COROUTINE_KIB * KIB;
    there.uc_stack.ss_sp = malloc(there.uc_stack.ss_size);
    there.uc_link = &here;
    makecontext(&there, load, 0);
    (void)swapcontext(&here, &there);
    free(there.uc_stack.ss_sp);
}

/* size 0: the default size. */
static void load_on(size_t size)
{
    pthread_t thread;
    pthread_attr_t attributes;
    unsigned char *stack = NULL;
    (void)pthread_attr_init(&attributes);
    if (size != 0) {
        stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(stack, PAINT, size);
        (void)pthread_attr_setstack(&attributes, stack, size);
    }
    (void)pthread_create(&thread, &attributes, load_on_thread, NULL);
    (void)pthread_join(thread, NULL);
    threads--; /* the library did not create this thread */
    size_t untouched = 0;
    while (untouched < size && stack[untouched] == PAINT) {
        untouched++;
    }
    if (size != 0) {
        (void)printf("used %zu\n", size - untouched);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 0;
    }
    words = argv + 2;
    if (strcmp(argv[1], "first") == 0) {
        load();
    } else if (strcmp(argv[1], "coroutine") == 0) {
        load_in_coroutine();
    } else {
        load_on(strtoul(argv[1], NULL, 10) * KIB); /* "thread" is not a number, so the size is 0 */
    }
    (void)printf("threads %u\n", threads);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * The question goes to a thread of our own: the stack of a caller may be small, and the host's
 * signal handlers stay off it. */
#include "preload/ask.h"

#include "preload/overlay.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

enum {
    STACK_SIZE = 1024 * 1024
};

static const struct ria_pq_module *load(void)
{
    const struct ria_pq_module *module = NULL;
    /* The first call leaves it in memory (it is linked -z nodelete); later ones find it there. */
    void *object = dlopen(RIA_PQ_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        module = dlsym(object, RIA_PQ_MODULE_SYMBOL);
        (void)dlclose(object);
    }
    return module == NULL || module->version != RIA_PQ_MODULE_VERSION ? NULL : module;
}

static void *answer(void *argument)
{
    struct ria_pq_question *question = argument;
    ria_overlay_set(RIA_OVERLAY_PASS); /* what the module opens is real */
    const struct ria_pq_module *module = load();
    if (module != NULL) {
        module->answer(question);
    }
    return NULL;
}

void ria_pq_ask(struct ria_pq_question *question)
{
    int saved = errno;
    int cancelling;
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    question->fd = -1;
    question->ok = false;
    /* A caller that is cancelled here would take the question away from under the thread. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelling);
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits it */
        error = error != 0 ? error : pthread_create(&thread, &attributes, answer, question);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attributes);
    }
    if (error == 0) {
        (void)pthread_join(thread, NULL);
    }
    (void)pthread_setcancelstate(cancelling, NULL);
    errno = saved;
}

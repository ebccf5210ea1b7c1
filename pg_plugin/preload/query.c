/* SPDX-License-Identifier: MIT
 *
 * The answer is made where the caller stands, if there is room. Its thread may hold the dynamic
 * linker's lock, as a library's constructor does that connects, and dlsym() and OpenSSL's first use
 * take that lock: another thread would wait for it, and the caller for that thread. Where there is
 * no room (a coroutine, a small thread) what needs the lock is done before the thread is begun. */
#include "preload/query.h"

#include "preload/hold.h"
#include "preload/overlay.h"

#include "base/stack.h"
#include "interpose/log.h"
#include "interpose/next.h"
#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    STACK_SIZE = 1024 * 1024,
    /* Measured are 40 KB; some runtimes keep 100 KB at the end of a stack for themselves. */
    ROOM = 256 * 1024,
};

struct work {
    const struct ria_pq_module *module;
    struct ria_pq_question *question;
};

/* Without an answer to these a login goes without a token. A reader that asks whether a passfile is
 * there, and hears that it is not, asks no more. */
static bool asks_for_token(const struct ria_pq_question *question)
{
    return question->wish == RIA_PQ_CONNECTION_PASSFILE || question->wish == RIA_PQ_REFRESH ||
           question->wish == RIA_PQ_SERVICE_PASSFILE ||
           question->wish == RIA_PQ_SERVICE_PASSFILE_IS_THERE;
}

static void say_no_token(const char *why, const char *what_to_do)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "no token can be made: %.700s; %.200s", why, what_to_do);
    ria_log_warning(text);
}

/* Looked up until it is found: it is linked -z nodelete, and stays where it is. */
static const struct ria_pq_module *load(const struct ria_pq_question *question)
{
    static const struct ria_pq_module *kept;
    const struct ria_pq_module *module = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
    if (module != NULL) {
        return module;
    }
    void *object = dlopen(RIA_PQ_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        module = ria_real_dlsym(object, RIA_PQ_MODULE_SYMBOL);
        (void)dlclose(object);
    }
    if (module == NULL || module->version != RIA_PQ_MODULE_VERSION) {
        const char *error = dlerror(); /* it would be taken for the program's own */
        if (asks_for_token(question)) {
            say_no_token(
                error != NULL ? error : RIA_PQ_MODULE_PATH ": is of another version",
                "reinstall rds-iam");
        }
        return NULL;
    }
    __atomic_store_n(&kept, module, __ATOMIC_RELEASE);
    return module;
}

static void say_no_thread(const struct ria_pq_question *question, int error)
{
    char words[128];
    char why[256];
    if (asks_for_token(question)) {
        (void)snprintf(
            why,
            sizeof(why),
            "the stack in use is too small for it, and a thread cannot be begun: %s",
            strerror_r(error, words, sizeof(words)));
        say_no_token(why, "raise the limits of threads and memory (ulimit -u and -v)");
    }
}

static void *answer(void *argument)
{
    const struct work *work = argument;
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_overlay_set(RIA_OVERLAY_PASS); /* what the module opens is real */
    work->module->answer(work->question);
    work->question->is_answered = true;
    ria_overlay_set(before);
    return NULL;
}

static void answer_on_thread(struct work *work)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        say_no_thread(work->question, error);
        return;
    }
    error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits it */
    error = error != 0 ? error : pthread_create(&thread, &attributes, answer, work);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (error == 0) {
        (void)pthread_join(thread, NULL);
    } else {
        say_no_thread(work->question, error);
    }
}

void ria_pq_ask(struct ria_pq_question *question)
{
    int saved = errno;
    struct ria_hold hold;
    question->fd = -1;
    question->ok = false;
    question->is_answered = false;
    ria_hold_begin(&hold);
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_overlay_set(RIA_OVERLAY_PASS);
    struct work work = {.module = load(question), .question = question};
    if (work.module != NULL && ria_stack_has(ROOM)) {
        (void)answer(&work);
    } else if (work.module != NULL) {
        ria_next_prepare();
        work.module->prepare();
        answer_on_thread(&work);
    }
    ria_overlay_set(before);
    ria_hold_end(&hold);
    errno = saved;
}

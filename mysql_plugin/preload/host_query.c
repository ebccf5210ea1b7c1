/* SPDX-License-Identifier: MIT
 *
 * Loads the other object, once, and runs each question where the stack has room
 * (os/guest_thread.h). Signals that the program handles wait meanwhile (interpose/signal_guard.h).
 * An object of another version is refused. */
#include "preload/host_module.h"

#include "interpose/next.h"
#include "interpose/preload_log.h"
#include "interpose/real_dlsym.h"
#include "interpose/signal_guard.h"
#include "os/guest_thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void log_unasked(const char *host, const char *why, const char *what_to_do)
{
    char text[1024];
    (void)snprintf(
        text,
        sizeof(text),
        "the settings of the connection to %.200s are left alone: %.500s; %.200s",
        host,
        why,
        what_to_do);
    ria_preload_log_warning(text);
}

static const struct ria_host_module *find_host_module(void *object)
{
    const struct ria_host_module *(*give)(unsigned) = NULL;
    void *found = ria_real_dlsym(object, RIA_HOST_MODULE_SYMBOL);
    memcpy(&give, &found, sizeof(found)); /* ISO C has no cast from an object to a function */
    const struct ria_host_module *module = give == NULL ? NULL : give(RIA_HOST_MODULE_VERSION);
    return module != NULL && module->version == RIA_HOST_MODULE_VERSION ? module : NULL;
}

/* The module is linked -z nodelete and stays where it is, so its address is cached. */
static const struct ria_host_module *load_host_module(const char *host)
{
    static const struct ria_host_module *kept;
    const struct ria_host_module *module = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
    if (module != NULL) {
        return module;
    }
    void *object = dlopen(RIA_HOST_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        module = find_host_module(object);
        (void)dlclose(object);
    }
    if (module == NULL) {
        const char *error = dlerror(); /* the program would take it for its own */
        log_unasked(
            host,
            error != NULL ? error : RIA_HOST_MODULE_PATH ": another version is installed there",
            "reinstall rds-iam");
        return NULL;
    }
    __atomic_store_n(&kept, module, __ATOMIC_RELEASE);
    return module;
}

struct host_question {
    const struct ria_host_module *module;
    const struct ria_host_target *target;
    struct ria_host_verdict *out;
};

static void judge_on_stack(void *argument)
{
    const struct host_question *question = argument;
    question->module->judge(question->target, question->out);
}

/* Looks up what would need the dynamic linker's lock on a thread of ours. */
static void prepare_host_thread(void *argument)
{
    (void)argument;
    ria_next_prepare();
}

void ria_host_query(const struct ria_host_target *target, struct ria_host_verdict *out)
{
    int saved = errno;
    struct ria_signal_guard guard;
    *out = (struct ria_host_verdict){0};
    ria_signal_guard_begin(&guard);
    struct host_question question = {
        .module = load_host_module(target->host), .target = target, .out = out};
    const struct ria_guest_work work = {
        .need = RIA_GUEST_TOKEN,
        .run = judge_on_stack,
        .argument = &question,
        .prepare = prepare_host_thread};
    int error = question.module == NULL ? 0 : ria_guest_run(&work);
    if (error != 0) {
        char words[128];
        log_unasked(
            target->host,
            strerror_r(error, words, sizeof(words)),
            "raise the limits of threads and memory (ulimit -u, ulimit -v)");
    }
    ria_signal_guard_end(&guard);
    errno = saved;
}

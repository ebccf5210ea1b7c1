/* SPDX-License-Identifier: MIT
 *
 * Loads rds-iam-mysql-host.so (the module) once, and runs each check on a stack that is large
 * enough (os/guest_thread.h). During a check, signals that the program handles are deferred
 * (interpose/signal_guard.h). Does not use a module of another version. */
#include "preload/host_module.h"

#include "base/messages.h"
#include "base/text.h"
#include "interpose/next.h"
#include "interpose/preload_log.h"
#include "interpose/real_dlsym.h"
#include "interpose/signal_guard.h"
#include "os/guest_thread.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* What a query is about, for a message: for example, "the settings of the connection to" and a
 * host. */
struct host_subject {
    const char *what;
    const char *name;
};

static void log_not_checked(
    const struct host_subject *subject, const char *reason, const char *remedy)
{
    char text[1024];
    (void)ria_text_format(
        text,
        sizeof(text),
        "%s %.200s are not changed: %.500s; %.200s",
        subject->what,
        subject->name,
        reason,
        remedy);
    ria_preload_log(RIA_LOG_WARNING, text);
}

/* Logs why the module could not be loaded. `error` is what dlerror() returned, or NULL. */
static void log_no_host_module(const struct host_subject *subject, const char *error)
{
    static struct ria_preload_part part = {
        RIA_HOST_MODULE_PATH, RIA_WITHOUT_MYSQL, RIA_PACKAGE_MYSQL, false};
    if (!ria_preload_log_absent(&part)) {
        log_not_checked(
            subject,
            error != NULL ? error : RIA_HOST_MODULE_PATH ": another version is installed there",
            "reinstall rds-iam");
    }
}

static const struct ria_host_module *find_host_module(void *object)
{
    const struct ria_host_module *(*get_module)(unsigned) = NULL;
    void *found = ria_real_dlsym(object, RIA_HOST_MODULE_SYMBOL);
    /* ISO C has no cast from an object pointer to a function pointer. */
    memcpy(&get_module, &found, sizeof(found));
    const struct ria_host_module *module =
        get_module == NULL ? NULL : get_module(RIA_HOST_MODULE_VERSION);
    return module != NULL && module->version == RIA_HOST_MODULE_VERSION ? module : NULL;
}

/* Returns the module, or logs a warning and returns NULL. The object is linked with -z nodelete and
 * is never unloaded, so the address is cached. */
static const struct ria_host_module *load_host_module(const struct host_subject *subject)
{
    static const struct ria_host_module *cached_module;
    const struct ria_host_module *module = __atomic_load_n(&cached_module, __ATOMIC_ACQUIRE);
    if (module != NULL) {
        return module;
    }
    void *object = dlopen(RIA_HOST_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        module = find_host_module(object);
        (void)dlclose(object);
    }
    if (module == NULL) {
        /* Calling dlerror() also clears the error, so the program's next call of dlerror() does not
         * return it. */
        log_no_host_module(subject, dlerror());
        return NULL;
    }
    __atomic_store_n(&cached_module, module, __ATOMIC_RELEASE);
    return module;
}

/* Runs before a thread is started. Finds the libc functions that the thread needs, because the
 * thread must not wait for the dynamic linker's lock. */
static void prepare_host_thread(void *argument)
{
    (void)argument;
    ria_next_prepare();
}

/* The arguments of one call of the module. */
struct host_call {
    const struct ria_host_module *module;
    const struct ria_host_target *target;
    struct ria_host_verdict *verdict;
    int argc;
    char *const *argv;
    struct ria_tool_file *file;
};

/* Loads the module and calls `run` on a stack that is large enough. */
static void call_module(
    void (*run)(void *), struct host_call *call, const struct host_subject *subject)
{
    int saved = errno;
    struct ria_signal_guard guard;
    ria_signal_guard_begin(&guard);
    call->module = load_host_module(subject);
    const struct ria_guest_work work = {
        .need = RIA_GUEST_TOKEN, .run = run, .argument = call, .prepare = prepare_host_thread};
    int error = call->module == NULL ? 0 : ria_guest_run(&work);
    if (error != 0) {
        char words[128];
        log_not_checked(
            subject,
            ria_text_of_errno(error, words, sizeof(words)),
            "raise the limits of threads and memory (ulimit -u, ulimit -v)");
    }
    ria_signal_guard_end(&guard);
    errno = saved;
}

static void run_check(void *argument)
{
    const struct host_call *call = argument;
    call->module->check(call->target, call->verdict);
}

void ria_host_query(const struct ria_host_target *target, struct ria_host_verdict *out)
{
    const struct host_subject subject = {"the settings of the connection to", target->host};
    struct host_call call = {.target = target, .verdict = out};
    *out = (struct ria_host_verdict){0};
    call_module(run_check, &call, &subject);
}

static void run_read_tool(void *argument)
{
    const struct host_call *call = argument;
    call->module->read_tool(call->argc, call->argv, call->file);
}

void ria_host_read_tool(int argc, char *const argv[], struct ria_tool_file *out)
{
    const struct host_subject subject = {"the options of", argv[0]};
    struct host_call call = {.argc = argc, .argv = argv, .file = out};
    *out = (struct ria_tool_file){0};
    call_module(run_read_tool, &call, &subject);
}

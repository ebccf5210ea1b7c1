/* SPDX-License-Identifier: MIT
 *
 * Loads the module, once, and runs each query where its stack has room (os/guest_thread.h). A
 * module of another version is refused. */
#include "preload/query.h"

#include "preload/overlay.h"
#include "interpose/signal_guard.h"

#include "interpose/next.h"
#include "interpose/preload_log.h"
#include "interpose/real_dlsym.h"
#include "os/guest_thread.h"
#include "service/gssencmode.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* -- the module ------------------------------------------------------------------------------ */

static void log_no_token(const char *why, const char *what_to_do)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), "no token can be made: %.700s; %.200s", why, what_to_do);
    ria_preload_log_warning(text);
}

static const struct ria_pq_module *find_module(void *object)
{
    const struct ria_pq_module *(*give)(unsigned) = NULL;
    void *found = ria_real_dlsym(object, RIA_PQ_MODULE_SYMBOL);
    memcpy(&give, &found, sizeof(found)); /* ISO C has no cast from an object to a function */
    const struct ria_pq_module *module = give == NULL ? NULL : give(RIA_PQ_MODULE_VERSION);
    return module != NULL && module->version == RIA_PQ_MODULE_VERSION ? module : NULL;
}

/* Looked up until it is found: it is linked -z nodelete, and stays where it is. */
static const struct ria_pq_module *query_load(bool is_for_token)
{
    static const struct ria_pq_module *kept;
    const struct ria_pq_module *module = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);
    if (module != NULL) {
        return module;
    }
    void *object = dlopen(RIA_PQ_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        module = find_module(object);
        (void)dlclose(object);
    }
    if (module == NULL) {
        const char *error = dlerror(); /* it would be taken for the program's own */
        if (is_for_token) {
            log_no_token(
                error != NULL ? error : RIA_PQ_MODULE_PATH ": is of another version",
                "reinstall rds-iam");
        }
        return NULL;
    }
    __atomic_store_n(&kept, module, __ATOMIC_RELEASE);
    return module;
}

/* -- a query --------------------------------------------------------------------------------- */

struct query {
    void (*ask)(const struct ria_pq_module *module, void *arguments);
    void *arguments;
    bool is_for_token; /* without an answer a login goes without a token */
    const struct ria_pq_module *module;
    bool has_response;
};

static void query_response(void *argument)
{
    struct query *query = argument;
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_overlay_set(RIA_OVERLAY_PASS); /* what the module opens is real */
    query->ask(query->module, query->arguments);
    query->has_response = true;
    ria_overlay_set(before);
}

/* What takes the dynamic linker's lock. */
static void prepare(void *argument)
{
    const struct query *query = argument;
    ria_next_prepare();
    query->module->prepare();
}

static void log_no_thread(int error)
{
    char words[128];
    char why[256];
    (void)snprintf(
        why,
        sizeof(why),
        "the stack in use is too small for it, and a thread cannot be begun: %s",
        strerror_r(error, words, sizeof(words)));
    log_no_token(why, "raise the limits of threads and memory (ulimit -u and -v)");
}

/* False without an answer. */
static bool query_run(struct query *query)
{
    int saved = errno;
    struct ria_signal_guard guard;
    const struct ria_guest_work work = {
        .need = RIA_GUEST_TOKEN, .run = query_response, .argument = query, .prepare = prepare};
    ria_signal_guard_begin(&guard);
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_overlay_set(RIA_OVERLAY_PASS);
    query->module = query_load(query->is_for_token);
    int error = query->module == NULL ? 0 : ria_guest_run(&work);
    if (error != 0 && query->is_for_token) {
        log_no_thread(error);
    }
    ria_overlay_set(before);
    ria_signal_guard_end(&guard);
    errno = saved;
    return query->has_response;
}

/* -- the module's functions ------------------------------------------------------------------ */

struct make_passfile {
    const struct ria_pq_target *target;
    const char *given;
    struct ria_pq_passfile *out;
};

static void ask_make_passfile(const struct ria_pq_module *module, void *arguments)
{
    const struct make_passfile *with = arguments;
    module->make_passfile(with->target, with->given, with->out);
}

bool ria_query_passfile(
    const struct ria_pq_target *target, const char *given, struct ria_pq_passfile *out)
{
    struct make_passfile with = {.target = target, .given = given, .out = out};
    *out = (struct ria_pq_passfile){.fd = -1};
    return query_run(
        &(struct query){.ask = ask_make_passfile, .arguments = &with, .is_for_token = true});
}

struct make_service_passfile {
    const char *path;
    bool dry_run;
    int fd;
};

static void ask_make_service_passfile(const struct ria_pq_module *module, void *arguments)
{
    struct make_service_passfile *with = arguments;
    with->fd = module->make_service_passfile(with->path, with->dry_run);
}

int ria_query_service_passfile(const char *path, bool dry_run)
{
    struct make_service_passfile with = {.path = path, .dry_run = dry_run, .fd = -1};
    (void)query_run(&(struct query){
        .ask = ask_make_service_passfile, .arguments = &with, .is_for_token = true});
    return with.fd;
}

struct judge_target {
    const struct ria_pq_target *target;
    bool is_so;
};

static void ask_may_send(const struct ria_pq_module *module, void *arguments)
{
    struct judge_target *with = arguments;
    with->is_so = module->may_send(with->target);
}

bool ria_query_is_surely_fit(const struct ria_pq_target *target)
{
    bool is_tls = !ria_gssencmode_allows(target->gssencmode);
    return is_tls && !target->has_socket && target->service_path == NULL &&
           target->sslmode != NULL && strcmp(target->sslmode, "verify-full") == 0;
}

bool ria_query_may_send(const struct ria_pq_target *target)
{
    struct judge_target with = {.target = target};
    return ria_query_is_surely_fit(target) ||
           (query_run(&(struct query){.ask = ask_may_send, .arguments = &with}) && with.is_so);
}

static void ask_makes_tokens_for(const struct ria_pq_module *module, void *arguments)
{
    struct judge_target *with = arguments;
    with->is_so = module->makes_tokens_for(with->target);
}

bool ria_query_makes_tokens_for(const struct ria_pq_target *target)
{
    struct judge_target with = {.target = target};
    return query_run(&(struct query){.ask = ask_makes_tokens_for, .arguments = &with}) &&
           with.is_so;
}

struct refresh {
    const struct ria_pq_target *target;
    const struct ria_pq_token_slot *held;
    struct ria_pq_refreshed *out;
};

static void ask_refresh(const struct ria_pq_module *module, void *arguments)
{
    const struct refresh *with = arguments;
    module->refresh(with->target, with->held, with->out);
}

bool ria_query_refresh(
    const struct ria_pq_target *target,
    const struct ria_pq_token_slot *held,
    struct ria_pq_refreshed *out)
{
    struct refresh with = {.target = target, .held = held, .out = out};
    *out = (struct ria_pq_refreshed){0};
    return query_run(&(struct query){.ask = ask_refresh, .arguments = &with, .is_for_token = true});
}

struct log_message {
    enum ria_log_level level;
    const char *text;
};

static void ask_log(const struct ria_pq_module *module, void *arguments)
{
    const struct log_message *with = arguments;
    module->log(with->level, with->text);
}

void ria_query_log(enum ria_log_level level, const char *text)
{
    struct log_message with = {.level = level, .text = text};
    (void)query_run(&(struct query){.ask = ask_log, .arguments = &with});
}

/* SPDX-License-Identifier: MIT
 *
 * Loads the token module, rds-iam-pq-token.so, once, and runs each query on a stack with enough
 * room (os/guest_thread.h). Rejects a module of another version. While a query runs, the overlay
 * (overlay.h) redirects nothing, so the module reads the real files. */
#include "preload/query.h"

#include "interpose/signal_guard.h"
#include "preload/overlay.h"

#include "base/messages.h"
#include "base/text.h"
#include "interpose/next.h"
#include "interpose/preload_log.h"
#include "interpose/real_dlsym.h"
#include "os/guest_thread.h"
#include "service/gssencmode.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* -- the module ------------------------------------------------------------------------------ */

/* Logs to the preload's log and not through the module, because the module may be missing. */
static void log_no_token(const char *why, const char *what_to_do)
{
    char text[1024];
    (void)ria_text_format(
        text, sizeof(text), "no token can be made: %.700s; %.200s", why, what_to_do);
    ria_preload_log(RIA_LOG_WARNING, text);
}

/* Returns the function table of a loaded module, or NULL if the module has no table or another
 * version. */
static const struct ria_pq_module *find_module(void *object)
{
    const struct ria_pq_module *(*get)(unsigned) = NULL;
    void *found = ria_real_dlsym(object, RIA_PQ_MODULE_SYMBOL);
    memcpy(&get, &found, sizeof(found)); /* ISO C does not define such a cast */
    const struct ria_pq_module *module = get == NULL ? NULL : get(RIA_PQ_MODULE_VERSION);
    return module != NULL && module->version == RIA_PQ_MODULE_VERSION ? module : NULL;
}

/* Logs why the module could not be loaded. `error` is what dlerror() returned, or NULL. */
static void log_no_module(const char *error)
{
    static struct ria_preload_part part = {
        RIA_PQ_MODULE_PATH, RIA_WITHOUT_POSTGRESQL, RIA_PACKAGE_POSTGRESQL, false};
    if (!ria_preload_log_absent(&part)) {
        log_no_token(
            error != NULL ? error
                          : RIA_PQ_MODULE_PATH
                ": its version differs from that of librds-iam-pq.so",
            "reinstall rds-iam");
    }
}

/* Returns the module, and loads it on first use. Returns NULL on failure, with the reason logged if
 * is_for_token is true. The next query tries a failed load again. The module is linked with -z
 * nodelete, so it stays loaded after dlclose(). */
static const struct ria_pq_module *query_load(bool is_for_token)
{
    static const struct ria_pq_module *loaded;
    const struct ria_pq_module *module = __atomic_load_n(&loaded, __ATOMIC_ACQUIRE);
    if (module != NULL) {
        return module;
    }
    void *object = dlopen(RIA_PQ_MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (object != NULL) {
        module = find_module(object);
        (void)dlclose(object);
    }
    if (module == NULL) {
        const char *error = dlerror(); /* also clears the error, so the program's next call of
                                          dlerror() does not return it */
        if (is_for_token) {
            log_no_module(error);
        }
        return NULL;
    }
    __atomic_store_n(&loaded, module, __ATOMIC_RELEASE);
    return module;
}

/* -- a query --------------------------------------------------------------------------------- */

/* A call of one function of the module: `run` unpacks `arguments` and makes the call. */
struct query {
    void (*run)(const struct ria_pq_module *module, void *arguments);
    void *arguments;
    bool is_for_token; /* if the query cannot run, a login has no token, so the reason is logged */
    const struct ria_pq_module *module;
    bool has_response;
};

/* Makes the call, on the stack that ria_guest_run() has chosen. This stack may belong to another
 * thread than the caller's. The overlay is thread-local, so it must be set on this thread, too. */
static void query_response(void *argument)
{
    struct query *query = argument;
    enum ria_overlay_mode before = ria_overlay_mode();
    ria_overlay_set(RIA_OVERLAY_PASS); /* the module opens real files */
    query->run(query->module, query->arguments);
    query->has_response = true;
    ria_overlay_set(before);
}

/* Does the work that needs the dynamic linker's lock. Runs on the caller's stack, before a thread
 * is started. */
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
    (void)ria_text_format(
        why,
        sizeof(why),
        "the stack is too small for it, and a thread cannot be started: %s",
        ria_text_of_errno(error, words, sizeof(words)));
    log_no_token(why, "raise the limits of threads and memory (ulimit -u and -v)");
}

/* Runs the query. Returns false if the module could not be loaded or no thread could be started. */
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

/* For each function of the module except prepare(): a struct with its arguments and its result, a
 * run_...() that makes the call, and the function of query.h, which runs it as a query. */

struct make_passfile {
    const struct ria_pq_target *target;
    const char *given;
    struct ria_pq_passfile *out;
};

static void run_make_passfile(const struct ria_pq_module *module, void *arguments)
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
        &(struct query){.run = run_make_passfile, .arguments = &with, .is_for_token = true});
}

struct make_service_passfile {
    const char *path;
    bool dry_run;
    int fd;
};

static void run_make_service_passfile(const struct ria_pq_module *module, void *arguments)
{
    struct make_service_passfile *with = arguments;
    with->fd = module->make_service_passfile(with->path, with->dry_run);
}

int ria_query_service_passfile(const char *path, bool dry_run)
{
    struct make_service_passfile with = {.path = path, .dry_run = dry_run, .fd = -1};
    (void)query_run(&(struct query){
        .run = run_make_service_passfile, .arguments = &with, .is_for_token = true});
    return with.fd;
}

struct ask_target {
    const struct ria_pq_target *target;
    bool answer;
};

static void run_may_send(const struct ria_pq_module *module, void *arguments)
{
    struct ask_target *with = arguments;
    with->answer = module->may_send(with->target);
}

bool ria_query_is_verified(const struct ria_pq_target *target)
{
    bool is_tls = !ria_gssencmode_allows(target->gssencmode);
    return is_tls && !target->has_socket && target->service_path == NULL &&
           target->sslmode != NULL && strcmp(target->sslmode, "verify-full") == 0;
}

bool ria_query_may_send(const struct ria_pq_target *target)
{
    struct ask_target with = {.target = target};
    return ria_query_is_verified(target) ||
           (query_run(&(struct query){.run = run_may_send, .arguments = &with}) && with.answer);
}

struct find_ca {
    const struct ria_pq_target *target;
    enum ria_pq_ca ca;
};

static void run_ca(const struct ria_pq_module *module, void *arguments)
{
    struct find_ca *with = arguments;
    with->ca = module->ca_of(with->target);
}

enum ria_pq_ca ria_query_ca(const struct ria_pq_target *target)
{
    struct find_ca with = {.target = target, .ca = RIA_PQ_CA_NONE};
    (void)query_run(&(struct query){.run = run_ca, .arguments = &with});
    return with.ca;
}

struct refresh {
    const struct ria_pq_target *target;
    const struct ria_pq_token_slot *held;
    struct ria_pq_refreshed *out;
};

static void run_refresh(const struct ria_pq_module *module, void *arguments)
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
    return query_run(&(struct query){.run = run_refresh, .arguments = &with, .is_for_token = true});
}

struct log_message {
    enum ria_log_level level;
    const char *text;
};

static void run_log(const struct ria_pq_module *module, void *arguments)
{
    const struct log_message *with = arguments;
    module->log(with->level, with->text);
}

void ria_query_log(enum ria_log_level level, const char *text)
{
    struct log_message with = {.level = level, .text = text};
    (void)query_run(&(struct query){.run = run_log, .arguments = &with});
}

/* SPDX-License-Identifier: MIT
 *
 * Runs a scenario in one child process for each failing call, and checks what the child leaves. The
 * child runs the scenario on a thread whose stack it searches afterwards. */
#include "walk.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KB = 1024,
    STACK_SIZE = 1024 * KB,
    SMALL_STACK_SIZE = 60 * KB,
    SECONDS = 60,
    DESCRIPTORS = 256,
    PIECE = 12, /* bytes of a secret to search for; later calls may have overwritten the rest */
    PIECE_STEP = 4,
    PRINTED_MAX = 12, /* findings of one walk */
    WAITS = 200,
    WAIT_US = 1000,
};

/* Shared by the test's process and a run. */
struct shared {
    struct walk_result result;
    struct walk_result next; /* of the next run in the same process, without a failure */
    bool has_next;
    int64_t live;
    int descriptors; /* that the run has left open */
    bool has_stack_secret;
    bool has_ended;
};

static struct ria_fault_page *page;
static struct shared *shared;
static char stderr_path[4096]; /* what the last run wrote to stderr */
static uint64_t first_call = 1;
static uint64_t stride = 1;
static bool shows_runs;

static const char *const names[WALK_FINDINGS] = {
    [WALK_CRASHED] = "the process ended by a signal",
    [WALK_HUNG] = "the process did not end in time",
    [WALK_LEAKED] = "an object was not released, or released twice",
    [WALK_LEAKED_DESCRIPTOR] = "a descriptor was not closed",
    [WALK_SECRET_IN_FREED_MEMORY] = "a secret was in freed memory",
    [WALK_SECRET_ON_THE_STACK] = "a secret was on the stack",
    [WALK_SECRET_IN_MESSAGE] = "a secret was in the message",
    [WALK_NO_MESSAGE] = "a failure without a message",
    [WALK_WRONG_TOKEN] = "a success with another token",
    [WALK_TOKEN_AFTER_FAILURE] = "a failure with a token",
    [WALK_NOT_RECOVERED] = "the next login in the same process failed too",
    [WALK_OTHER] = "the scenario's own check",
};

const char *walk_name_of(enum walk_finding finding)
{
    return names[finding];
}

const char *walk_failed_call(void)
{
    return page->name;
}

bool walk_fails_later_calls(void)
{
    return page->mode == RIA_FAULT_ALL;
}

/* Reads the environment, and starts the program again with LD_BIND_NOW. Without this variable, the
 * first call of a function runs the dynamic linker, which stores all registers on the stack. A
 * register may contain a part of a secret. */
__attribute__((constructor)) static void start(int argc, char **argv)
{
    (void)argc;
    const char *step = getenv("RIA_FAULT_STEP");
    stride = step == NULL ? 1 : strtoull(step, NULL, 10);
    const char *from = getenv("RIA_FAULT_FIRST");
    first_call = from == NULL ? 1 : strtoull(from, NULL, 10);
    shows_runs = getenv("RIA_FAULT_SHOWS_RUNS") != NULL;
    if (getenv("LD_BIND_NOW") == NULL) {
        (void)setenv("LD_BIND_NOW", "1", 1);
        (void)execv("/proc/self/exe", argv);
    }
}

void walk_set_up(const char *directory, int64_t now, const char *const secrets[], size_t count)
{
    char path[4096];
    (void)snprintf(stderr_path, sizeof(stderr_path), "%s/stderr", directory);
    (void)snprintf(path, sizeof(path), "%s/page", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(*page)), 0);
    page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED && shared != MAP_FAILED);
    (void)close(fd);
    page->now = now;
    page->tester = getpid();
    assert_true(count <= RIA_FAULT_SECRETS_MAX);
    page->secret_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(secrets[i]) < RIA_FAULT_SECRET_SIZE);
        (void)strcpy(page->secrets[i], secrets[i]);
    }
    assert_int_equal(setenv(RIA_FAULT_VARIABLE, path, 1), 0);
    cmocka_set_message_output(CM_OUTPUT_TAP); /* also after a test has cleared the environment */
}

/* -- in the child --------------------------------------------------------------------------- */

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

/* The stack was zeroed, and is used from its end. */
static bool has_secret(const char *stack, size_t size)
{
    size_t first = 0;
    while (first < size && stack[first] == '\0') {
        first++;
    }
    for (uint32_t i = 0; i < page->secret_count; i++) {
        const char *secret = page->secrets[i];
        for (size_t at = 0; at + PIECE <= strlen(secret); at += PIECE_STEP) {
            if (memmem(stack + first, size - first, secret + at, PIECE) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static void *run_scenario(void *argument)
{
    const struct walk_scenario *scenario = argument;
    __atomic_store_n(&page->is_armed, 1, __ATOMIC_SEQ_CST);
    scenario->run(scenario->argument, &shared->result);
    __atomic_store_n(&page->is_armed, 0, __ATOMIC_SEQ_CST);
    bool is_once = page->mode != RIA_FAULT_ALL && page->injected != 0;
    if (is_once && !shared->result.has_succeeded && !scenario->may_not_recover) {
        scenario->run(scenario->argument, &shared->next);
        shared->has_next = true;
    }
    return NULL;
}

/* Returns the number of objects that were made and not released. A process keeps one digest context
 * (codec/digest.c), which does not count. */
static int64_t count_live(void)
{
    return page->live - (page->contexts > 0 ? 1 : 0);
}

/* If the stack is small, the product makes the token on a thread of its own, whose stack is not
 * searched. */
static void run_in_child(struct walk_scenario *scenario)
{
    size_t size = scenario->has_small_stack ? SMALL_STACK_SIZE : STACK_SIZE;
    pthread_t thread;
    pthread_attr_t attributes;
    char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int before = count_descriptors();
    int64_t live = count_live();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A process that the scenario starts may survive the child, and may loop if all calls fail. */
    static const struct rlimit limit = {.rlim_cur = SECONDS, .rlim_max = SECONDS};
    (void)setrlimit(RLIMIT_CPU, &limit);
    /* cmocka has handlers for the signals of a crash. */
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (size_t i = 0; i < RIA_COUNT(crashes); i++) {
        (void)signal(crashes[i], SIG_DFL);
    }
    int log = open(stderr_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    (void)dup2(log, STDERR_FILENO);
    (void)close(log);
    if (stack == MAP_FAILED || pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, size) != 0 ||
        pthread_create(&thread, &attributes, run_scenario, scenario) != 0 ||
        pthread_join(thread, NULL) != 0) {
        _exit(EXIT_FAILURE);
    }
    /* A thread of the product may end later than the run. */
    for (int i = 0; i < WAITS && count_live() - live > scenario->kept_objects; i++) {
        (void)usleep(WAIT_US);
    }
    shared->live = count_live() - live;
    shared->descriptors = count_descriptors() - before;
    shared->has_stack_secret = has_secret(stack, size);
    shared->has_ended = true;
    _exit(EXIT_SUCCESS);
}

/* -- in the test's process ------------------------------------------------------------------ */

/* Waits for the child. Returns false if it had to be killed. */
static bool await_child(pid_t child, uint32_t seconds, int *status)
{
    int fd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    bool has_ended = poll(&watched, 1, (int)(seconds == 0 ? SECONDS : seconds) * 1000) == 1;
    if (!has_ended) {
        (void)kill(child, SIGKILL);
    }
    (void)close(fd);
    return waitpid(child, status, 0) == child && has_ended;
}

/* Runs the scenario once. Returns the child's wait status, or -1 if it hung. */
static int run_once(const struct walk_scenario *scenario, enum ria_fault_mode mode, uint64_t at)
{
    int status = -1;
    page->is_armed = 0;
    if (scenario->prepare != NULL) {
        scenario->prepare(scenario->argument);
    }
    memset(shared, 0, sizeof(*shared));
    page->role = scenario->role;
    page->mode = (uint32_t)mode;
    page->at = at;
    page->calls = page->injected = page->searched = page->found = page->caller = 0;
    page->live = page->contexts = 0;
    memset(page->name, 0, sizeof(page->name));
    struct walk_scenario copy = *scenario;
    (void)fflush(stdout);
    (void)fflush(stderr);
    pid_t child = fork();
    if (child == 0) {
        run_in_child(&copy);
    }
    assert_true(child > 0);
    return await_child(child, scenario->seconds, &status) ? status : -1;
}

static void add(
    struct walk_count *count,
    const struct walk_scenario *scenario,
    enum ria_fault_mode mode,
    enum walk_finding finding,
    const char *more)
{
    char text[sizeof(count->first)];
    (void)snprintf(
        text,
        sizeof(text),
        "%s, mode %d, call %llu, %s (from 0x%llx): %s%s%s",
        scenario->name,
        (int)mode,
        (unsigned long long)page->at,
        page->name,
        (unsigned long long)page->caller,
        names[finding],
        *more == '\0' ? "" : ": ",
        more);
    count->findings[finding]++;
    if (count->found++ == 0) {
        memcpy(count->first, text, sizeof(text));
    }
    if (count->found <= PRINTED_MAX) {
        print_message("# %s\n", text);
    }
}

static bool contains_secret(const char *text)
{
    for (uint32_t i = 0; i < page->secret_count; i++) {
        if (strstr(text, page->secrets[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Reads what the run wrote to stderr: warnings of the product. */
static const char *read_stderr(void)
{
    static char text[32 * KB];
    int fd = open(stderr_path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[len < 0 ? 0 : len] = '\0';
    return text;
}

/* Checks a run that has ended by itself. */
static void check_run(
    struct walk_count *count,
    const struct walk_scenario *scenario,
    enum ria_fault_mode mode,
    const char *token)
{
    const struct walk_result *result = &shared->result;
    const char *other =
        scenario->check == NULL ? NULL : scenario->check(scenario->argument, result);
    const struct {
        enum walk_finding finding;
        bool is_found;
        const char *more;
    } rows[] = {
        {WALK_LEAKED,
         (scenario->role == RIA_FAULT_ROLE_GUEST || scenario->role == RIA_FAULT_ROLE_PRELOAD) &&
             (shared->live < 0 || shared->live > scenario->kept_objects),
         result->message},
        {WALK_LEAKED_DESCRIPTOR, shared->descriptors != 0, result->message},
        {WALK_SECRET_IN_FREED_MEMORY, page->found != 0, result->message},
        {WALK_SECRET_ON_THE_STACK, shared->has_stack_secret, result->message},
        {WALK_SECRET_IN_MESSAGE,
         contains_secret(result->message) || contains_secret(read_stderr()),
         ""},
        {WALK_NO_MESSAGE, !result->has_succeeded && result->message[0] == '\0', ""},
        {WALK_WRONG_TOKEN,
         (result->has_succeeded && strcmp(result->token, token) != 0) ||
             (result->earlier[0] != '\0' && strcmp(result->earlier, token) != 0),
         ""},
        {WALK_TOKEN_AFTER_FAILURE,
         !result->has_succeeded && result->token[0] != '\0',
         result->message},
        {WALK_NOT_RECOVERED,
         shared->has_next &&
             (!shared->next.has_succeeded || strcmp(shared->next.token, token) != 0),
         shared->next.message},
        {WALK_OTHER, other != NULL, other == NULL ? "" : other},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        if (rows[i].is_found) {
            add(count, scenario, mode, rows[i].finding, rows[i].more);
        }
    }
    count->successes += result->has_succeeded ? 1 : 0;
}

static void walk_step(
    struct walk_count *count,
    const struct walk_scenario *scenario,
    enum ria_fault_mode mode,
    uint64_t at,
    const char *token)
{
    int status = run_once(scenario, mode, at);
    count->runs++;
    if (shows_runs) {
        print_message(
            "# %llu %s 0x%llx: %s\n",
            (unsigned long long)at,
            page->name,
            (unsigned long long)page->caller,
            shared->result.has_succeeded ? "success" : shared->result.message);
    }
    if (status == -1) {
        add(count, scenario, mode, WALK_HUNG, "");
    } else if (!WIFEXITED(status) || !shared->has_ended) {
        char text[32];
        (void)snprintf(text, sizeof(text), "status 0x%x", (unsigned)status);
        add(count, scenario, mode, WALK_CRASHED, text);
    } else {
        check_run(count, scenario, mode, token);
    }
}

struct walk_count walk(
    const struct walk_scenario *scenario, enum ria_fault_mode mode, uint64_t first, uint64_t step)
{
    struct walk_count count = {0};
    char token[WALK_TOKEN_SIZE];
    /* n is 0, so no call fails; `calls` counts the calls that can fail in the given mode. */
    int status = run_once(scenario, mode, 0);
    if (status != 0 || !shared->result.has_succeeded) {
        unit_fail(
            __FILE__, __LINE__, "%s: no failure, but: %s", scenario->name, shared->result.message);
        return count;
    }
    memcpy(token, shared->result.token, sizeof(token));
    count.calls = page->calls;
    check_run(&count, scenario, mode, token);
    count.successes = 0;
    for (uint64_t at = first; at <= count.calls; at += step) {
        walk_step(&count, scenario, mode, at, token);
        count.missed += page->injected == 0 ? 1 : 0;
    }
    return count;
}

void walk_expect_clean(const struct walk_scenario *scenario, enum ria_fault_mode mode)
{
    static const char *const modes[] = {"", "once", "from n on", "EINTR", "short"};
    struct walk_count count = walk(scenario, mode, first_call, stride);
    print_message(
        "# %s, %s: %llu calls, %llu runs, %llu of them succeeded, %llu findings\n",
        scenario->name,
        modes[mode],
        (unsigned long long)count.calls,
        (unsigned long long)count.runs,
        (unsigned long long)count.successes,
        (unsigned long long)count.found);
    if (count.calls < scenario->minimum_calls && mode == RIA_FAULT_ONCE) {
        unit_fail(__FILE__, __LINE__, "%s: only %d calls", scenario->name, (int)count.calls);
    }
    if (scenario->maximum_calls != 0 && count.calls > scenario->maximum_calls) {
        unit_fail(__FILE__, __LINE__, "%s: as many as %d calls", scenario->name, (int)count.calls);
    }
    /* A run can differ from another one by some calls, for example of poll(). */
    if (count.missed > count.runs / 2) {
        unit_fail(
            __FILE__,
            __LINE__,
            "%s: %d runs without a failed call",
            scenario->name,
            (int)count.missed);
    }
    if (count.found != 0) {
        unit_fail(__FILE__, __LINE__, "%s", count.first);
    }
}

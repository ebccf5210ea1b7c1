/* SPDX-License-Identifier: MIT
 *
 * Measures the cost of one token inside one process, and what its SHA-256 compressions cost. Each
 * round runs every row once, so that a busy machine slows all rows. Prints the minimum, the median
 * and the maximum of each row, and the allocations of one run of each row: those of rds-iam's
 * objects (linker option --wrap), and those of OpenSSL (CRYPTO_set_mem_functions()).
 *
 *   signer             all rows
 *   signer rounds N    all rows in N rounds (301 at most), without the rows about two threads
 *   signer threads     the rate of two threads over that of one, a line for each of 15 rounds
 *   signer once N KIND one token, then N more, for strace and callgrind
 *
 * KIND is environment, profile, role, or sign (for ria_token_sign()).
 *
 * The program sets its own environment, with files in a directory that it creates and removes.
 */
#include "floors.h"

#include "aws/token.h"
#include "login/resolve.h"
#include "os/process_world.h"
#include "provider/cache.h"
#include "provider/chain.h"
#include "provider/memory_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 301,
    TOKENS = 100, /* per round and row */
    BLOCK = 64,
    BLOCKS = 1000,
    SESSION_TOKEN_LEN = 1200,
    SETTLE_US = 100000, /* a file that was written more recently is read at each login */
    THREAD_TOKENS = 20000,
    THREAD_ROUNDS = 15,
};

static const char host[] = "mysql-instance.abcdefghijkl.us-east-1.rds.amazonaws.com";
static const char secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/* -- allocations ---------------------------------------------------------------------------- */

/* The linker defines the names with __real_, and calls of malloc() and calloc() reach the functions
 * with __wrap_. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static uint64_t own_allocations;
static uint64_t openssl_allocations;

void *__wrap_malloc(size_t size)
{
    own_allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    own_allocations++;
    return __real_calloc(count, size);
}

static void *openssl_allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    openssl_allocations++;
    return __real_malloc(size);
}

static void *openssl_reallocate(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    openssl_allocations++;
    return realloc(block, size);
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

/* -- the rows ------------------------------------------------------------------------------- */

static void end(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

static struct ria_credentials credentials = RIA_CREDENTIALS_INIT;
static struct ria_credentials long_credentials = RIA_CREDENTIALS_INIT;
static struct ria_sigv4_scope scope;
static struct ria_sigv4_key key;
static struct ria_token_claim claim = {
    .host = host, .port = 3306, .user = "iam_user", .region = "us-east-1"};

static void compress(void)
{
    static const unsigned char bytes[BLOCK * BLOCKS];
    unsigned char sum[EVP_MAX_MD_SIZE];
    if (EVP_Digest(bytes, sizeof(bytes), sum, NULL, EVP_sha256(), NULL) != 1) {
        end("no SHA-256");
    }
}

static void sign_with(const struct ria_credentials *with)
{
    static struct ria_buf out = {.max = RIA_TOKEN_MAX};
    struct ria_error err;
    if (!ria_token_sign(&claim, &scope, with, &key, &out, &err)) {
        end(err.text);
    }
}

static void sign(void)
{
    sign_with(&credentials);
}

static void sign_long(void)
{
    sign_with(&long_credentials);
}

static void derive(void)
{
    struct ria_sigv4_key unused;
    struct ria_error err;
    if (!ria_sigv4_derive(&scope, &credentials, &unused, &err)) {
        end(err.text);
    }
}

static void call_system_for_environment(void)
{
    floor_call_system(1);
}

static void call_system_for_profile(void)
{
    floor_call_system(3);
}

static const struct ria_login login = {
    .host = host, .port = 3306, .user = "iam_user", .channel = RIA_CHANNEL_VERIFIED};

/* Makes a token by ria_token_for(). *token is used again, as by a caller that logs in often. */
static void make(const char *profile, struct ria_token *token)
{
    struct ria_login with = login;
    struct ria_error err = {0};
    const struct ria_world *world = ria_process_world();
    struct ria_deadline deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS);
    with.profile = profile;
    if (ria_token_for(&with, deadline, world, token, &err) != RIA_FOUND) {
        end(err.text);
    }
}

static void make_from_environment(void)
{
    static struct ria_token token = RIA_TOKEN_INIT;
    make(NULL, &token);
}

static void make_from_profile(void)
{
    static struct ria_token token = RIA_TOKEN_INIT;
    make("keys", &token);
}

static void make_from_role(void)
{
    static struct ria_token token = RIA_TOKEN_INIT;
    make("role", &token);
}

static struct row {
    const char *what;
    void (*run)(void);
    unsigned times; /* runs per round */
    unsigned units; /* how many compressions, keys or tokens one run makes */
    int64_t took[ROUNDS];
    double own;
    double openssl;
} rows[] = {
    {.what = "a compression", .run = compress, .times = 1, .units = BLOCKS},
    {.what = "ria_token_sign, no session token", .run = sign, .times = TOKENS, .units = 1},
    {.what = "  its three digests by bare EVP calls",
     .run = floor_digest,
     .times = TOKENS,
     .units = 1},
    {.what = "ria_token_sign, session token of 1,200 B",
     .run = sign_long,
     .times = TOKENS,
     .units = 1},
    {.what = "ria_sigv4_derive", .run = derive, .times = TOKENS, .units = 1},
    {.what = "ria_token_for, keys in the environment",
     .run = make_from_environment,
     .times = TOKENS,
     .units = 1},
    {.what = "  its two system calls alone",
     .run = call_system_for_environment,
     .times = TOKENS,
     .units = 1},
    {.what = "ria_token_for, keys in a profile",
     .run = make_from_profile,
     .times = TOKENS,
     .units = 1},
    {.what = "ria_token_for, a cached role", .run = make_from_role, .times = TOKENS, .units = 1},
    {.what = "  the four system calls of both alone",
     .run = call_system_for_profile,
     .times = TOKENS,
     .units = 1},
};

enum {
    ROWS = sizeof(rows) / sizeof(rows[0])
};

static int64_t nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000000000) + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void measure(struct row *row, unsigned round)
{
    uint64_t own = own_allocations;
    uint64_t openssl = openssl_allocations;
    row->run(); /* the other rows have replaced the contents of the processor's caches */
    int64_t start = nanoseconds();
    for (unsigned i = 0; i < row->times; i++) {
        row->run();
    }
    row->took[round] = nanoseconds() - start;
    row->own = (double)(own_allocations - own) / (row->times + 1);
    row->openssl = (double)(openssl_allocations - openssl) / (row->times + 1);
}

static void print_rows(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ROWS; i++) {
            measure(&rows[i], round);
        }
    }
    (void)printf("%-44s %9s %9s %9s %6s %8s\n", "ns", "min", "median", "max", "own", "OpenSSL");
    for (size_t i = 0; i < ROWS; i++) {
        double each = (double)rows[i].times * rows[i].units;
        qsort(rows[i].took, rounds, sizeof(rows[i].took[0]), compare);
        (void)printf(
            "%-44s %9.1f %9.1f %9.1f %6.2f %8.2f\n",
            rows[i].what,
            (double)rows[i].took[0] / each,
            (double)rows[i].took[rounds / 2] / each,
            (double)rows[i].took[rounds - 1] / each,
            rows[i].own,
            rows[i].openssl);
    }
}

/* -- two threads ---------------------------------------------------------------------------- */

static pthread_barrier_t start_line;

static void *make_many(void *unused)
{
    struct ria_token token = RIA_TOKEN_INIT;
    (void)pthread_barrier_wait(&start_line);
    for (unsigned i = 0; i < THREAD_TOKENS; i++) {
        make(NULL, &token);
    }
    ria_token_release(&token);
    return unused;
}

/* Returns the tokens per second of `count` threads. */
static double rate(unsigned count)
{
    pthread_t threads[2];
    (void)pthread_barrier_init(&start_line, NULL, count + 1);
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, make_many, NULL) != 0) {
            end("no thread");
        }
    }
    (void)pthread_barrier_wait(&start_line);
    int64_t start = nanoseconds();
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    double took = (double)(nanoseconds() - start);
    (void)pthread_barrier_destroy(&start_line);
    return count * (double)THREAD_TOKENS * 1e9 / took;
}

static void print_threads(void)
{
    for (unsigned round = 0; round < THREAD_ROUNDS; round++) {
        double one = rate(1);
        (void)printf("two threads over one: %.3f\n", rate(2) / one);
    }
}

/* -- the environment ------------------------------------------------------------------------ */

static char directory[] = "/tmp/ria-signer.XXXXXX";

static void set(const char *name, const char *value)
{
    if (setenv(name, value, 1) != 0) {
        end("no memory");
    }
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(bytes, 1, len, file) != len || fclose(file) != 0 ||
        chmod(path, S_IRUSR | S_IWUSR) != 0) {
        end(path);
    }
}

static void write_in(const char *name, const char *text, const char *variable)
{
    char path[RIA_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    write_bytes(path, text, strlen(text));
    set(variable, path);
}

/* Puts the credentials of the role into the cache file, as rds-iam-fetch does. */
static void cache_role(void)
{
    const struct ria_world *world = ria_process_world();
    const struct ria_query query = {
        .world = world,
        .deadline = ria_deadline_in(world, RIA_LOGIN_BUDGET_MS),
        .profile = {"role", NULL, 0},
        .region = {"us-east-1", NULL, 0},
    };
    RIA_AUTO(plan) plan = RIA_PLAN_INIT;
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    RIA_AUTO(buf) record = {.max = RIA_RECORD_MAX};
    struct ria_trail trail;
    struct ria_error err;
    struct ria_cache_place place;
    if (ria_chain_plan(&query, &plan, &trail, &err) != RIA_FOUND ||
        !ria_cache_find_place(world, &plan, &place, &err)) {
        end(err.text);
    }
    response.outcome = RIA_FOUND;
    ria_buf_add_text(&response.credentials.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    ria_buf_add_text(&response.credentials.secret_access_key, secret);
    ria_buf_add_text(&response.credentials.session_token, "a-session-token");
    response.credentials.expires = world->now(world->self) + 3600;
    ria_response_write(&response, &record);
    char path[RIA_PATH_MAX + RIA_CACHE_NAME_SIZE];
    char part[RIA_PATH_MAX];
    for (const char *at = place.directory + 1; at != NULL; at = strchr(at + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(at - place.directory), place.directory);
        (void)mkdir(part, S_IRWXU);
    }
    (void)mkdir(place.directory, S_IRWXU);
    (void)snprintf(path, sizeof(path), "%s/%s", place.directory, place.name);
    write_bytes(path, record.data, record.len);
}

static void set_up(void)
{
    static const char profiles[] =
        "[profile keys]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = "
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = keys\n"
        "region = us-east-1\n";
    if (mkdtemp(directory) == NULL) {
        end("no directory");
    }
    if (clearenv() != 0) {
        end("no memory");
    }
    set("HOME", directory);
    set("XDG_RUNTIME_DIR", directory);
    set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    set("AWS_SECRET_ACCESS_KEY", secret);
    write_in("config", "[db.example.com]\nregion = us-east-1\n", "RDS_IAM_CONFIG");
    write_in("aws-config", profiles, "AWS_CONFIG_FILE");
    write_in("aws-credentials", "", "AWS_SHARED_CREDENTIALS_FILE");
    cache_role();
    ria_buf_add_text(&credentials.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    ria_buf_add_text(&credentials.secret_access_key, secret);
    ria_buf_add_text(&long_credentials.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    for (unsigned i = 0; i < SESSION_TOKEN_LEN; i++) {
        ria_buf_add_char(&long_credentials.session_token, i % 30 == 0 ? '/' : 'a');
    }
    struct ria_error err;
    claim.when = time(NULL);
    if (!ria_token_scope(&claim, &scope, &err) ||
        !ria_sigv4_derive(&scope, &credentials, &key, &err)) {
        end(err.text);
    }
    (void)usleep(SETTLE_US);
}

static void remove_files(void)
{
    char command[sizeof(directory) + 16];
    (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
    (void)!system(command);
}

static void run_once(const char *kind, long more)
{
    static const struct {
        const char *kind;
        void (*run)(void);
    } kinds[] = {
        {"environment", make_from_environment},
        {"profile", make_from_profile},
        {"role", make_from_role},
        {"sign", sign},
    };
    size_t i = 0;
    while (strcmp(kinds[i].kind, kind) != 0) {
        i++;
        if (i == sizeof(kinds) / sizeof(kinds[0])) {
            end("the kind is environment, profile, role or sign");
        }
    }
    for (kinds[i].run(); more > 0; more--) {
        kinds[i].run();
    }
}

int main(int argc, char **argv)
{
    if (CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_free) != 1) {
        end("OpenSSL has allocated memory already");
    }
    set_up();
    (void)atexit(remove_files);
    if (argc == 4 && strcmp(argv[1], "once") == 0) {
        run_once(argv[3], strtol(argv[2], NULL, 10));
        return EXIT_SUCCESS;
    }
    if (argc == 2 && strcmp(argv[1], "threads") == 0) {
        print_threads();
        return EXIT_SUCCESS;
    }
    long rounds = argc == 3 && strcmp(argv[1], "rounds") == 0 ? strtol(argv[2], NULL, 10) : ROUNDS;
    if (rounds < 1 || rounds > ROUNDS) {
        end("the number of rounds is 1 to 301");
    }
    print_rows((unsigned)rounds);
    if (argc == 1) {
        print_threads();
    }
    return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: MIT
 *
 * The home directory of the effective user, for a process without HOME. The user, NSS and the clock
 * are fakes. The results are stored for the life of the process, so each test has its own users. */
#include "os/process_world.h"

#include "unit.h"

#include <errno.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_SIZE = 4096,
    LAST_SIZE = 1024 * 1024,
};

static struct {
    uid_t uid;
    bool has_entry;
    const char *home;   /* in the entry; may be NULL */
    size_t size_needed; /* with less room, getpwuid_r() returns ERANGE */
    int error;          /* of getpwuid_r() */
    time_t offset;      /* of the clock */
    unsigned queries;   /* how often getpwuid_r() was called */
    size_t last_size;
} fake;

/* The linker replaces these functions, in the core too. */
uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
    return fake.uid;
}

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    int result = __real_clock_gettime(clock, out);
    out->tv_sec += fake.offset;
    return result;
}

int __wrap_getpwuid_r(
    uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **found);
int __wrap_getpwuid_r(
    uid_t uid, struct passwd *entry, char *room, size_t size, struct passwd **found)
{
    fake.queries++;
    fake.last_size = size;
    *found = NULL;
    if (size < fake.size_needed) {
        return ERANGE;
    }
    if (fake.error == 0 && fake.has_entry) {
        *entry = (struct passwd){.pw_uid = uid};
        if (fake.home != NULL) {
            (void)snprintf(room, size, "%s", fake.home);
            entry->pw_dir = room;
        }
        *found = entry;
    }
    return fake.error;
}

/* Returns the number of queries during one call, and the home directory in *home. */
static unsigned ask(const char **home)
{
    unsigned before = fake.queries;
    *home = ria_home_of_user();
    return fake.queries - before;
}

static void each_user_is_looked_up_once(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uid_t uid;
        bool has_entry;
        const char *home;
        size_t size_needed;
        const char *want; /* NULL: the user has no home directory */
        unsigned queries; /* of the first call */
    } rows[] = {
        {"a directory", 101, true, "/home/a", 0, "/home/a", 1},
        {"a user without an entry", 102, false, NULL, 0, NULL, 1},
        {"a relative path", 103, true, "home/a", 0, NULL, 1},
        {"an empty path", 104, true, "", 0, NULL, 1},
        {"an entry without a path", 105, true, NULL, 0, NULL, 1},
        {"an entry that needs more room", 106, true, "/home/b", 4 * FIRST_SIZE, "/home/b", 3},
        {"the largest entry", 107, true, "/home/c", LAST_SIZE, "/home/c", 9},
    };
    fake.error = 0;
    for (int round = 0; round < 2; round++) {
        for_each_row(row, rows, row->name) {
            const char *home = NULL;
            fake.uid = row->uid;
            fake.has_entry = row->has_entry;
            fake.home = row->home;
            fake.size_needed = row->size_needed;
            expect_number(row->name, ask(&home), round == 0 ? row->queries : 0);
            if (row->want == NULL) {
                expect(row->name, home == NULL);
            } else {
                expect_text(row->name, home, row->want);
            }
        }
    }
}

static void after_a_failure_nss_is_queried_again_after_a_minute(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int error;
        size_t size_needed;
        unsigned queries;
    } rows[] = {
        {"an error of NSS", EIO, 0, 1},
        {"an entry that is too large", 0, LAST_SIZE + 1, 9},
    };
    uid_t uid = 200;
    fake.has_entry = true;
    fake.home = "/home/d";
    for_each_row(row, rows, row->name) {
        const char *home = NULL;
        fake.uid = ++uid;
        fake.error = row->error;
        fake.size_needed = row->size_needed;
        expect_number(row->name, ask(&home), row->queries);
        expect(row->name, home == NULL);
        expect(row->name, fake.last_size <= LAST_SIZE);
        fake.error = 0;
        fake.size_needed = 0;
        fake.offset += 55;
        expect_number("within the minute", ask(&home), 0);
        expect("within the minute", home == NULL);
        fake.offset += 6;
        expect_number("after the minute", ask(&home), 1);
        expect_text("after the minute", home, "/home/d");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_user_is_looked_up_once),
        cmocka_unit_test(after_a_failure_nss_is_queried_again_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The in-process copy of what the credential chain found. An equal login reads AWS's files again
 * only after a change of a file, the environment, the user or the query. The tests cover each
 * change, what is not cached, and when copies are wiped. */
#include "provider/chain_copy.h"

#include "fake_world.h"
#include "mapping.h"
#include "provider/chain.h"
#include "provider/memory_cache.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
    HOUR_MS = 3600 * 1000
};

#define SECRET "the-secret-of-the-profile"

static const char config_text[] = "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\n"
                                  "source_profile = keys\nregion = us-east-1\n";
static const char keys_text[] =
    "[keys]\naws_access_key_id = AKIA\naws_secret_access_key = " SECRET "\n";

static bool is_locked; /* as if another thread held each lock */

int __real_pthread_mutex_trylock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *lock)
{
    return is_locked ? EBUSY : __real_pthread_mutex_trylock(lock);
}

struct asked {
    struct ria_fake fake;
    struct ria_query query;
    char id[RIA_ERROR_TEXT_MAX]; /* the access key id of the last login, or the message */
    char source[256];            /* of the credentials */
};

static void ask(struct asked *asked)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_trail trail;
    struct ria_error err = {0};
    asked->query.deadline = ria_deadline_in(&asked->fake.world, RIA_LOGIN_BUDGET_MS);
    bool is_found = ria_chain_find(&asked->query, &response, &trail, &err) == RIA_FOUND;
    (void)snprintf(
        asked->id,
        sizeof(asked->id),
        "%s",
        is_found ? response.credentials.access_key_id.data : err.text);
    (void)snprintf(asked->source, sizeof(asked->source), "%s", response.credentials.source);
}

static struct ria_fake_file *settle(struct ria_fake_file *file)
{
    static uint64_t inode;
    file->file.stamp = (struct ria_stamp){.inode = ++inode, .is_settled = true};
    return file;
}

/* Logs in twice, because the first call in a process stores nothing. */
static void begin(struct asked *asked, const char *profile)
{
    ria_memory_cache_clear();
    ria_chain_copy_clear();
    *asked = (struct asked){0};
    ria_fake_init(&asked->fake);
    ria_fake_enable_stat(&asked->fake);
    asked->fake.world.log = NULL;
    (void)settle(ria_fake_file(&asked->fake, RIA_FAKE_AWS_CONFIG, config_text));
    (void)settle(ria_fake_file(&asked->fake, RIA_FAKE_AWS_CREDENTIALS, keys_text));
    asked->query = (struct ria_query){
        .world = &asked->fake.world, .user = RIA_FAKE_UID, .profile = {profile, "--profile", 0}};
    ask(asked);
    ask(asked);
    asked->fake.reads = 0;
}

static void fill_response(struct ria_response *out, const struct ria_fake *fake, int64_t life)
{
    out->outcome = RIA_FOUND;
    ria_buf_add_text(&out->credentials.access_key_id, "ASIA");
    ria_buf_add_text(&out->credentials.secret_access_key, "s");
    ria_buf_add_text(&out->credentials.session_token, "t");
    out->credentials.expires = fake->now + life;
}

static void an_equal_login_reads_no_file(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    for (unsigned i = 0; i < 100; i++) {
        ask(&asked);
        expect_text("the same key", asked.id, "AKIA");
        expect_text(
            "the same source", asked.source, "profile keys (" RIA_FAKE_AWS_CREDENTIALS ":2)");
    }
    expect_number("reads of a hundred logins", asked.fake.reads, 0);
    ria_chain_copy_clear();
    ask(&asked);
    expect_number("control: without a copy, both files are read", asked.fake.reads, 2);
}

/* -- what a change is -------------------------------------------------------------------------- */

static void edit_config(struct asked *asked)
{
    ria_fake_file(&asked->fake, RIA_FAKE_AWS_CONFIG, config_text)->file.stamp.inode = 1000001;
}
static void edit_credentials(struct asked *asked)
{
    ria_fake_file(&asked->fake, RIA_FAKE_AWS_CREDENTIALS, keys_text)->file.stamp.inode = 1000002;
}
static void name_a_file(struct asked *asked)
{
    ria_fake_env(&asked->fake, "AWS_CONFIG_FILE", "/other");
    (void)settle(ria_fake_file(&asked->fake, "/other", ""));
}
static void set_a_variable(struct asked *asked)
{
    ria_fake_env(&asked->fake, "AWS_CA_BUNDLE", "/ca");
}
static void move_home(struct asked *asked)
{
    ria_fake_env(&asked->fake, "HOME", "/home/v");
    (void)settle(ria_fake_file(&asked->fake, "/home/v/.aws/credentials", keys_text));
}
static void set_the_region(struct asked *asked)
{
    asked->query.region = (struct ria_setting){"eu-west-1", "--region", 0};
}
static void read_the_cli_cache(struct asked *asked)
{
    asked->query.cli_cache = (struct ria_setting){"read", "/c", 1};
}
static void change_the_user(struct asked *asked)
{
    asked->fake.user++;
    asked->query.user++;
}
static void start_a_log(struct asked *asked)
{
    static struct ria_fake other;
    ria_fake_init(&other);
    asked->fake.world.log = other.world.log;
}
static void set_keys(struct asked *asked)
{
    ria_fake_env(&asked->fake, "AWS_ACCESS_KEY_ID", "AKIB");
    ria_fake_env(&asked->fake, "AWS_SECRET_ACCESS_KEY", "s");
}
static void wait_an_hour(struct asked *asked)
{
    asked->fake.ticks += HOUR_MS;
}

static void after_each_change_the_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct asked *asked);
    } rows[] = {
        {"the config file", edit_config},
        {"the credentials file", edit_credentials},
        {"the name of a file", name_a_file},
        {"another variable", set_a_variable},
        {"HOME", move_home},
        {"the region", set_the_region},
        {"aws_cli_cache", read_the_cli_cache},
        {"the effective user", change_the_user},
        {"a log", start_a_log},
        {"an hour", wait_an_hour},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        begin(&asked, "keys");
        row->change(&asked);
        ask(&asked);
        expect_text(row->name, asked.id, "AKIA");
        expect_number(row->name, asked.fake.reads, 2);
    }
}

static void other_profiles_and_roles_have_other_copies(void **state)
{
    (void)state;
    struct asked asked;
    const struct ria_role role = {
        .value = {[RIA_ROLE_ARN] = {"arn:aws:iam::123456789012:role/q", "/c", 1}}};
    begin(&asked, "keys");
    asked.query.profile.value = "absent";
    ask(&asked);
    expect("another profile", strstr(asked.id, "the profile \"absent\"") != NULL);
    begin(&asked, "keys");
    asked.query.region = (struct ria_setting){"eu-west-1", "--region", 0};
    asked.query.role = &role;
    ask(&asked);
    expect_text("a role", asked.id, "rds-iam-fetch was asked");
    asked.query.role = NULL;
    ask(&asked);
    expect_text("control: without a role", asked.id, "AKIA");
}

static void a_key_in_the_environment_is_used_at_once(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, NULL);
    expect("control: no key", strstr(asked.id, "no AWS credentials") != NULL);
    ria_fake_env(&asked.fake, "AWS_PROFILE", "keys");
    ask(&asked);
    ask(&asked);
    expect_text("the profile", asked.id, "AKIA");
    set_keys(&asked);
    ask(&asked);
    expect_text("the environment", asked.id, "AKIB");
}

static void a_new_file_is_noticed(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    ria_fake_env(&asked.fake, "AWS_CONFIG_FILE", "/new");
    ask(&asked);
    asked.fake.reads = 0;
    ask(&asked);
    expect_number("control: a missing file", asked.fake.reads, 0);
    ria_fake_file(&asked.fake, "/new", "[profile keys]\nsso_account_id = 1\n");
    ask(&asked);
    expect("the new file", strcmp(asked.id, "AKIA") != 0);
}

static void without_a_home_only_the_named_file_is_compared(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    ria_fake_env(&asked.fake, "HOME", NULL);
    ria_fake_env(&asked.fake, "AWS_SHARED_CREDENTIALS_FILE", "/other");
    (void)settle(ria_fake_file(&asked.fake, "/other", keys_text));
    ask(&asked);
    asked.fake.reads = 0;
    ask(&asked);
    expect_text("the named file", asked.id, "AKIA");
    expect_number("reads of an equal login", asked.fake.reads, 0);
    ria_fake_file(&asked.fake, "/other", keys_text)->file.stamp.inode = 1000004;
    ask(&asked);
    expect("control: a change is noticed", asked.fake.reads > 0);
}

/* -- another thread -----------------------------------------------------------------------------
 */

static void while_another_thread_holds_the_lock_the_files_are_read(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    is_locked = true;
    ask(&asked);
    is_locked = false;
    expect_text("the profile", asked.id, "AKIA");
    expect_number("both files", asked.fake.reads, 2);
    ask(&asked);
    expect_number("the copy is still there", asked.fake.reads, 2);
    ria_chain_copy_clear();
    is_locked = true;
    ask(&asked);
    is_locked = false;
    ask(&asked);
    expect_number("nothing was stored by the first", asked.fake.reads, 6);
    ask(&asked);
    expect_number("control: stored", asked.fake.reads, 6);
}

static bool (*real_read_facts)(void *self, const char *path, struct ria_file *out);
static bool read_facts_and_lock(void *self, const char *path, struct ria_file *out)
{
    is_locked = true;
    return real_read_facts(self, path, out);
}

static void a_changed_file_is_read_even_if_its_copies_cannot_be_wiped(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    real_read_facts = asked.fake.world.read_facts;
    asked.fake.world.read_facts = read_facts_and_lock;
    (void)settle(ria_fake_file(&asked.fake, RIA_FAKE_AWS_CREDENTIALS, keys_text));
    ask(&asked);
    is_locked = false;
    asked.fake.world.read_facts = real_read_facts;
    expect_text("the profile", asked.id, "AKIA");
    expect_number("both files", asked.fake.reads, 2);
    expect_number("not wiped", ria_mapping_count(SECRET, strlen(SECRET)), 1);
    ask(&asked);
    expect_number("the next login notices the change too", asked.fake.reads, 4);
}

/* -- what is not cached, and what is wiped ------------------------------------------------------
 */

static void a_file_written_just_now_is_read_each_time(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    ria_fake_file(&asked.fake, RIA_FAKE_AWS_CONFIG, config_text)->file.stamp =
        (struct ria_stamp){.inode = 1000003};
    ask(&asked);
    ask(&asked);
    expect_number("two logins", asked.fake.reads, 4);
}

static void on_a_network_file_system_the_files_are_read_each_time(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *remote;
        size_t reads;  /* of two logins */
        size_t checks; /* of two logins */
    } rows[] = {
        {"the config file", RIA_FAKE_AWS_CONFIG, 4, 2},
        {"the credentials file", RIA_FAKE_AWS_CREDENTIALS, 4, 4},
        {"the home directory", "/home/u", 4, 2},
        {"a missing file", "/missing", 4, 2},
        {"control: another directory", "/other", 2, 2},
    };
    for_each_row(row, rows, row->name) {
        struct asked asked;
        begin(&asked, "keys");
        bool is_missing = strcmp(row->remote, "/missing") == 0;
        ria_fake_env(&asked.fake, "AWS_CONFIG_FILE", is_missing ? "/missing" : NULL);
        ria_chain_copy_clear();
        asked.fake.remote = row->remote;
        asked.fake.remote_checks = 0;
        ask(&asked);
        ask(&asked);
        expect_text(row->name, asked.id, "AKIA");
        expect_number("reads", asked.fake.reads, row->reads);
        expect_number("checks", asked.fake.remote_checks, row->checks);
    }
}

/* Another thread has called seteuid() for a short time. */
static void files_that_were_checked_for_another_user_are_not_cached(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    ria_chain_copy_clear();
    asked.fake.user++;
    ask(&asked);
    asked.fake.user--;
    ask(&asked);
    expect_text("the profile", asked.id, "AKIA");
    expect_number("both logins read both files", asked.fake.reads, 4);
    ask(&asked);
    expect_number("control: the second login was cached", asked.fake.reads, 4);
}

static void fetched_credentials_are_found_until_their_renewal(void **state)
{
    (void)state;
    enum {
        LIFE = 7200
    };
    struct asked asked;
    begin(&asked, "role");
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    fill_response(&response, &asked.fake, LIFE);
    asked.fake.response = &response;
    ask(&asked);
    asked.fake.reads = 0;
    ask(&asked);
    expect_text("the role", asked.id, "ASIA");
    expect_number("fetches", asked.fake.fetches, 3); /* two of them failed */
    expect_number("reads", asked.fake.reads, 0);
    asked.fake.now += LIFE - 1000; /* the renewal begins 900 s before the expiry, or up to 300 s
                                      earlier */
    ask(&asked);
    expect_number("a renewal", asked.fake.fetches, 4);
}

static void stored_keys_are_in_the_mapping_until_they_are_wiped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct asked *asked);
    } rows[] = {{"an edited file", edit_credentials}, {"an hour", wait_an_hour}};
    for_each_row(row, rows, row->name) {
        struct asked asked;
        begin(&asked, "keys");
        expect_number("stored", ria_mapping_count(SECRET, strlen(SECRET)), 1);
        row->change(&asked);
        RIA_AUTO(buf) key = {.max = RIA_RECORD_MAX};
        RIA_AUTO(response) response = RIA_RESPONSE_INIT;
        assert_true(ria_chain_copy_key(&asked.query, &key));
        expect("not found", !ria_chain_copy_get(&asked.query, &key, &response));
        expect_number("wiped", ria_mapping_count(SECRET, strlen(SECRET)), 0);
    }
}

static void a_changed_file_wipes_the_copies_of_all_queries(void **state)
{
    (void)state;
    struct asked asked;
    begin(&asked, "keys");
    asked.query.region = (struct ria_setting){"eu-west-1", "--region", 0};
    ask(&asked);
    ria_fake_env(&asked.fake, "AWS_SHARED_CREDENTIALS_FILE", "/other");
    ria_fake_env(&asked.fake, "AWS_CONFIG_FILE", "/none");
    (void)settle(ria_fake_file(&asked.fake, "/other", keys_text));
    ask(&asked);
    expect_number("three copies", ria_mapping_count(SECRET, strlen(SECRET)), 3);
    ria_fake_env(&asked.fake, "AWS_SHARED_CREDENTIALS_FILE", NULL);
    ria_fake_env(&asked.fake, "AWS_CONFIG_FILE", NULL);
    edit_credentials(&asked);
    RIA_AUTO(buf) key = {.max = RIA_RECORD_MAX};
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    assert_true(ria_chain_copy_key(&asked.query, &key));
    expect("not found", !ria_chain_copy_get(&asked.query, &key, &response));
    expect_number("the copy from /other", ria_mapping_count(SECRET, strlen(SECRET)), 1);
}

/* The logins of the two rows do not look for a copy, but they wipe each copy that is too old. */
static void every_login_wipes_old_copies(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct asked *asked);
    } rows[] = {{"a login with a log", start_a_log}, {"keys in the environment", set_keys}};
    for_each_row(row, rows, row->name) {
        struct asked asked;
        begin(&asked, "keys");
        row->change(&asked);
        asked.query.profile.value = row->change == set_keys ? NULL : "absent";
        ask(&asked);
        expect_number("control: less than an hour", ria_mapping_count(SECRET, strlen(SECRET)), 1);
        wait_an_hour(&asked);
        ask(&asked);
        expect_number("wiped", ria_mapping_count(SECRET, strlen(SECRET)), 0);
    }
}

/* Runs first, when the process has no copy yet. */
static void the_first_call_stores_nothing(void **state)
{
    (void)state;
    struct asked asked = {0};
    ria_fake_init(&asked.fake);
    ria_fake_enable_stat(&asked.fake);
    asked.fake.world.log = NULL;
    (void)settle(ria_fake_file(&asked.fake, RIA_FAKE_AWS_CREDENTIALS, keys_text));
    asked.query = (struct ria_query){
        .world = &asked.fake.world, .user = RIA_FAKE_UID, .profile = {"keys", "--profile", 0}};
    ask(&asked);
    expect(
        "no mapping, or an empty one",
        ria_mapping_find().data == NULL || ria_mapping_count(SECRET, strlen(SECRET)) == 0);
    ask(&asked);
    expect_number("control: the second call", ria_mapping_count(SECRET, strlen(SECRET)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_stores_nothing),
        cmocka_unit_test(an_equal_login_reads_no_file),
        cmocka_unit_test(after_each_change_the_files_are_read),
        cmocka_unit_test(other_profiles_and_roles_have_other_copies),
        cmocka_unit_test(a_key_in_the_environment_is_used_at_once),
        cmocka_unit_test(a_new_file_is_noticed),
        cmocka_unit_test(without_a_home_only_the_named_file_is_compared),
        cmocka_unit_test(while_another_thread_holds_the_lock_the_files_are_read),
        cmocka_unit_test(a_changed_file_is_read_even_if_its_copies_cannot_be_wiped),
        cmocka_unit_test(a_file_written_just_now_is_read_each_time),
        cmocka_unit_test(on_a_network_file_system_the_files_are_read_each_time),
        cmocka_unit_test(files_that_were_checked_for_another_user_are_not_cached),
        cmocka_unit_test(fetched_credentials_are_found_until_their_renewal),
        cmocka_unit_test(stored_keys_are_in_the_mapping_until_they_are_wiped),
        cmocka_unit_test(a_changed_file_wipes_the_copies_of_all_queries),
        cmocka_unit_test(every_login_wipes_old_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The in-process copy of the configuration file. A process parses a file again only after a
 * change, for another user, or if it has no copy: an invalid file, and a file whose stamp is not
 * settled, are not cached. The tests cover what counts as a change, when the copy is not cached,
 * and threads and forks. Each row has a file with its own inode, because a copy lives as long as
 * the process. */
#include "config/config.h"

#include "fake_world.h"
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLD "[h]\nprofile = old\n"
#define NEW "[h]\nprofile = new\n"
#define PLACE "/named"

static struct ria_fake_file *begin(struct ria_fake *fake, const char *text)
{
    static uint64_t inode;
    ria_fake_init(fake);
    ria_fake_enable_stat(fake);
    ria_fake_env(fake, "RDS_IAM_CONFIG", PLACE);
    struct ria_fake_file *file = ria_fake_file(fake, PLACE, text);
    file->file.stamp = (struct ria_stamp){
        .device = 1,
        .inode = ++inode,
        .size = 10,
        .modified = 100,
        .changed = 200,
        .is_settled = true,
    };
    return file;
}

/* Stores the profile of [h], or the error message, in *out. */
static void ask(struct ria_fake *fake, char out[RIA_ERROR_TEXT_MAX])
{
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    struct ria_section target;
    if (!ria_config_load(&fake->world, &config, &err)) {
        (void)snprintf(out, RIA_ERROR_TEXT_MAX, "%s", err.text);
        return;
    }
    ria_config_match(&config, "h", 1, "u", &target);
    (void)snprintf(out, RIA_ERROR_TEXT_MAX, "%s", target.profile.value);
}

static void a_file_is_read_once(void **state)
{
    (void)state;
    char response[RIA_ERROR_TEXT_MAX];
    struct ria_fake fake;
    (void)begin(&fake, OLD);
    for (unsigned i = 0; i < 100; i++) {
        ask(&fake, response);
        expect_text("the same result", response, "old");
    }
    expect_number("reads of a hundred logins", fake.reads, 1);
}

static void control_in_a_world_without_read_facts_the_file_is_read_each_time(void **state)
{
    (void)state;
    char response[RIA_ERROR_TEXT_MAX];
    struct ria_fake fake;
    (void)begin(&fake, OLD);
    fake.world.read_facts = NULL;
    for (unsigned i = 0; i < 100; i++) {
        ask(&fake, response);
    }
    expect_number("reads of a hundred logins", fake.reads, 100);
}

/* -- what a change is -------------------------------------------------------------------------- */

static void edit_device(struct ria_file *file)
{
    file->stamp.device++;
}
static void edit_inode(struct ria_file *file)
{
    file->stamp.inode += 1000000;
}
static void edit_size(struct ria_file *file)
{
    file->stamp.size++;
}
static void edit_modified(struct ria_file *file)
{
    file->stamp.modified++;
}
static void edit_changed(struct ria_file *file)
{
    file->stamp.changed--; /* earlier: the clock was set back */
}
static void edit_version(struct ria_file *file)
{
    file->stamp.version++;
}
static void edit_mode(struct ria_file *file)
{
    file->mode = 0100640;
}
static void edit_owner(struct ria_file *file)
{
    file->owner = 0;
}
static void edit_group(struct ria_file *file)
{
    file->group = 77;
}
static void let_everybody_write(struct ria_file *file)
{
    file->mode = 0100602;
}
static void give_away(struct ria_file *file)
{
    file->owner = 1001;
}
static void let_a_user_write(struct ria_file *file)
{
    file->mode = 0100660; /* with an ACL, the bits of the group are the ACL's mask */
    file->acl = (struct ria_acl){.is_present = true, .has_writer = true, .writer = 1001};
}
static void nothing(struct ria_file *file)
{
    (void)file;
}

static void each_change_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct ria_file *file);
        const char *want;
    } rows[] = {
        {"another device", edit_device, "new"},
        {"another inode of that name", edit_inode, "new"},
        {"another size", edit_size, "new"},
        {"a modification time that is a nanosecond later", edit_modified, "new"},
        {"another change time of the inode alone", edit_changed, "new"},
        {"another version of a text in the agent's cache", edit_version, "new"},
        {"another mode", edit_mode, "new"},
        {"another owner", edit_owner, "new"},
        {"another group", edit_group, "new"},
        {"every user can now write the file",
         let_everybody_write,
         PLACE ": every user can write it; run: chmod o-w " PLACE},
        {"the file now belongs to another user",
         give_away,
         PLACE ": belongs to uid 1001, neither to root nor to you; run: chown 1000 " PLACE
               ", or copy it and name the copy: RDS_IAM_CONFIG=COPY"},
        {"an ACL lets another user write the file",
         let_a_user_write,
         PLACE ": an ACL lets user 1001 write it; run: setfacl -b " PLACE},
        {"control: the text has changed, but not the stamp", nothing, "old"},
    };
    for_each_row(row, rows, row->name) {
        char response[RIA_ERROR_TEXT_MAX];
        struct ria_fake fake;
        struct ria_fake_file *file = begin(&fake, OLD);
        ask(&fake, response);
        ask(&fake, response);
        expect_text(row->name, response, "old");
        expect_number(row->name, fake.reads, 1);
        file->text = NEW;
        row->change(&file->file);
        ask(&fake, response);
        expect_text(row->name, response, row->want);
        /* If the file has changed and cannot be opened, the cached copy is not used. */
        file->text = NULL;
        file->file.stamp.inode += 2000000;
        ask(&fake, response);
        expect_text(row->name, response, PLACE ": cannot be opened: Permission denied");
    }
}

static void a_deleted_file_is_absent(void **state)
{
    (void)state;
    char response[RIA_ERROR_TEXT_MAX];
    struct ria_fake fake;
    (void)begin(&fake, OLD);
    ask(&fake, response);
    fake.file_count = 0;
    ask(&fake, response);
    expect_text(
        "no file",
        response,
        "RDS_IAM_CONFIG names " PLACE ", which does not exist; fix or unset it");
}

/* -- when no copy is cached -------------------------------------------------------------------- */

static uid_t another_user(void *self)
{
    (void)self;
    return 0;
}

static void a_file_that_may_change_unnoticed_is_not_cached(void **state)
{
    (void)state;
    char response[RIA_ERROR_TEXT_MAX];
    struct ria_fake fake;
    struct ria_fake_file *file = begin(&fake, OLD);
    file->file.stamp.is_settled = false;
    ask(&fake, response);
    file->text = NEW;
    ask(&fake, response);
    expect_text("changed in the same tick", response, "new");
    file->file.stamp.is_settled = true;
    ask(&fake, response);
    ask(&fake, response);
    expect_number("three reads, and the last result is cached", fake.reads, 3);
    file->file.stamp.is_settled = false;
    ask(&fake, response);
    expect_number("the cached copy stays in use if the stamp is not settled", fake.reads, 3);
    fake.world.uid = another_user;
    ask(&fake, response);
    expect_number("another user reads the file again", fake.reads, 4);
}

static void an_invalid_file_is_reported_each_time(void **state)
{
    (void)state;
    char response[RIA_ERROR_TEXT_MAX];
    struct ria_fake fake;
    (void)begin(&fake, "[h]\nprofile =\n");
    for (unsigned i = 1; i <= 3; i++) {
        ask(&fake, response);
        expect_text(
            "broken", response, PLACE ":2: profile is empty; name a profile or remove the line");
        expect_number("reads", fake.reads, i);
    }
}

/* A configuration that a login has borrowed stays valid after the file changes. */
static void a_login_uses_the_configuration_that_it_started_with(void **state)
{
    (void)state;
    char response[RIA_ERROR_TEXT_MAX];
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    struct ria_section target;
    struct ria_fake fake;
    struct ria_fake_file *file = begin(&fake, OLD);
    assert_true(ria_config_load(&fake.world, &config, &err));
    ria_config_match(&config, "h", 1, "u", &target);
    for (unsigned i = 0; i < 10; i++) {
        file->text = NEW;
        file->file.stamp.size++;
        ask(&fake, response);
        expect_text("a later login", response, "new");
    }
    assert_string_equal(target.profile.value, "old");
    assert_string_equal(target.profile.path, PLACE);
}

/* -- threads and forks ------------------------------------------------------------------------- */

static bool is_over;

static void *log_in_again_and_again(void *argument)
{
    struct ria_fake *fake = argument;
    struct ria_fake_file *file = &fake->files[0];
    char response[RIA_ERROR_TEXT_MAX];
    size_t wrong = 0;
    for (unsigned i = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); i++) {
        bool is_new = i % 7 == 0;
        file->file.stamp.modified = is_new ? 101 : 100;
        file->text = is_new ? NEW : OLD;
        ask(fake, response);
        wrong += strcmp(response, is_new ? "new" : "old") == 0 ? 0 : 1;
    }
    return wrong == 0 ? NULL : fake;
}

/* A thread may hold the lock at the moment of the fork. The child must get its configuration
 * nevertheless. An alarm kills a child that blocks. */
static void fork_and_ask(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char response[RIA_ERROR_TEXT_MAX];
        struct ria_fake fake;
        (void)alarm(60);
        (void)begin(&fake, OLD);
        ask(&fake, response);
        ask(&fake, response);
        _exit(strcmp(response, "old") == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void threads_and_forks_do_not_block_each_other(void **state)
{
    (void)state;
    enum {
        THREADS = 3,
        FORKS = 200,
    };
    static struct ria_fake fakes[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        struct ria_fake_file *file = begin(&fakes[i], OLD);
        file->file.stamp.inode = 77; /* the same file for all threads */
        assert_int_equal(pthread_create(&threads[i], NULL, log_in_again_and_again, &fakes[i]), 0);
    }
    for (unsigned i = 0; i < FORKS; i++) {
        fork_and_ask();
    }
    __atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_once),
        cmocka_unit_test(control_in_a_world_without_read_facts_the_file_is_read_each_time),
        cmocka_unit_test(each_change_is_noticed),
        cmocka_unit_test(a_deleted_file_is_absent),
        cmocka_unit_test(a_file_that_may_change_unnoticed_is_not_cached),
        cmocka_unit_test(an_invalid_file_is_reported_each_time),
        cmocka_unit_test(a_login_uses_the_configuration_that_it_started_with),
        cmocka_unit_test(threads_and_forks_do_not_block_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

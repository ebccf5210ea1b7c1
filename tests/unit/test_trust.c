/* SPDX-License-Identifier: MIT
 *
 * Which files are trusted: the rule as a table of owners and modes, ACLs in the kernel's format,
 * file systems that do not support chmod, and the same result for each configuration file. */
#include "base/trust.h"

#include "aws/profile.h"
#include "config/config.h"
#include "fake_world.h"
#include "provider/chain.h"
#include "provider/memory_cache.h"
#include "unit.h"

#include <sys/stat.h>

enum {
    ME = RIA_FAKE_UID,
    OTHER = 1001,
    SHARED = 50, /* a group that several users are in */
};

static const struct ria_trusted file_f = {"f", "VARIABLE=COPY"};

static void owners_and_writers_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ria_file file;
        const char *want; /* NULL: the file is trusted */
    } rows[] = {
        {"a file of the user", {.owner = ME, .group = ME, .mode = 0600}, NULL},
        {"umask 002 and a private group", {.owner = ME, .group = ME, .mode = 0664}, NULL},
        {"a file of root", {.mode = 0644}, NULL},
        {"a file of root that the user's group can write", {.group = ME, .mode = 0660}, NULL},
        {"a secret of Kubernetes", {.group = 2000, .mode = 0440}, NULL},
        {"a file that others can read", {.owner = ME, .group = SHARED, .mode = 0644}, NULL},
        {"a file of root in an OpenShift image", {.owner = 0, .group = 0, .mode = 0664}, NULL},
        {"a file of the user on OpenShift", {.owner = ME, .group = 0, .mode = 0660}, NULL},
        {"a file that a shared group can write",
         {.owner = ME, .group = SHARED, .mode = 0620},
         "f: all of group 50 can write it; run: chmod g-w f"},
        {"a file that every user and the private group can write",
         {.owner = ME, .group = ME, .mode = 0666},
         "f: every user can write it; run: chmod o-w f"},
        {"a file that every user and a shared group can write",
         {.owner = ME, .group = SHARED, .mode = 0666},
         "f: every user can write it; run: chmod go-w f"},
        {"a file of root, whose mode only root can change",
         {.group = SHARED, .mode = 0660},
         "f: all of group 50 can write it; its owner must run: chmod g-w f"},
        {"a file of another user",
         {.owner = OTHER, .mode = 0600},
         "f: belongs to uid 1001, neither to root nor to you; run: chown 1000 f, or copy it and "
         "name the copy: VARIABLE=COPY"},
        {"an unmapped owner of a user namespace",
         {.owner = 65534, .mode = 0444},
         "f: belongs to uid 65534, neither to root nor to you; run: chown 1000 f, or copy it and "
         "name the copy: VARIABLE=COPY"},
    };
    for_each_row(row, rows, row->name) {
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        bool ok = ria_trust_check(&fake.world, &row->file, &file_f, &err);
        expect_number(row->name, ok, row->want == NULL);
        if (!ok) {
            expect_text(row->name, err.text, row->want);
            expect_number(row->name, err.code, RIA_E_CONFIG);
        }
    }
}

/* Another user's file, as in a mounted home: its owner's private group may write it, and a shared
 * group may not. */
static void writers_of_a_foreign_file_are_described(void **state)
{
    (void)state;
    struct ria_fake fake;
    struct ria_error err;
    struct ria_file file = {.owner = OTHER, .group = OTHER, .mode = 0664};
    ria_fake_init(&fake);
    assert_true(ria_trust_check_writers(&fake.world, &file, &file_f, &err));
    assert_true(ria_trust_is_foreign(&file, ME));
    file.group = SHARED;
    assert_false(ria_trust_check_writers(&fake.world, &file, &file_f, &err));
    assert_string_equal(
        err.text, "f: all of group 50 can write it; its owner must run: chmod g-w f");
}

/* The caller's buffer contains nothing of the text of a rejected file. */
static void a_file_that_others_can_write_is_not_read(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0620, 0602};
    for (size_t i = 0; i < RIA_COUNT(modes); i++) {
        RIA_AUTO(buf) text = {.max = 64};
        struct ria_error err = {0};
        struct ria_fake fake;
        struct ria_file file;
        ria_fake_init(&fake);
        ria_fake_file(&fake, "f", "text")->file =
            (struct ria_file){.owner = ME, .group = SHARED, .mode = modes[i]};
        bool is_read = ria_trust_read(&fake.world, &file_f, &text, &file, &err) == RIA_FOUND;
        assert_int_equal(is_read, i == 0);
        assert_string_equal(ria_buf_text(&text), is_read ? "text" : "");
        if (!is_read) {
            expect_piece("written by others", err.text, " can write it; run: chmod ");
        }
    }
}

/* -- access control lists ------------------------------------------------------------------- */

#define HEAD "\2\0\0\0"
#define ENTRY(tag, rights, id) tag "\0" rights "\0" id
#define NO_ID "\xff\xff\xff\xff"
#define USER_OBJ ENTRY("\1", "\6", NO_ID)
#define OTHERS ENTRY("\x20", "\0", NO_ID)
#define GROUP_R ENTRY("\4", "\4", NO_ID)
#define GROUP_RW ENTRY("\4", "\6", NO_ID)
#define MASK_R ENTRY("\x10", "\4", NO_ID)
#define MASK_RW ENTRY("\x10", "\6", NO_ID)
#define ID_0 "\0\0\0\0"
#define ID_50 "\x32\0\0\0"
#define ID_1000 "\xe8\3\0\0"
#define ID_1001 "\xe9\3\0\0"
#define ACL(bytes) (bytes), sizeof(bytes) - 1

static void writers_in_an_acl_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        const char *want; /* NULL: no other user can write */
    } rows[] = {
        {"another user",
         ACL(HEAD USER_OBJ ENTRY("\2", "\6", ID_1001) GROUP_R MASK_RW OTHERS),
         "an ACL lets user 1001 write it; run: setfacl -b f"},
        {"another user may only read",
         ACL(HEAD USER_OBJ ENTRY("\2", "\4", ID_1001) GROUP_R MASK_RW OTHERS),
         NULL},
        {"another user, whose write permission the mask removes",
         ACL(HEAD USER_OBJ ENTRY("\2", "\6", ID_1001) GROUP_RW MASK_R OTHERS),
         NULL},
        {"a shared group",
         ACL(HEAD USER_OBJ GROUP_R ENTRY("\x08", "\6", ID_50) MASK_RW OTHERS),
         "an ACL lets group 50 write it; run: setfacl -b f"},
        {"the user, root and their groups",
         ACL(HEAD USER_OBJ ENTRY("\2", "\6", ID_0) ENTRY("\2", "\6", ID_1000)
                 GROUP_R ENTRY("\x08", "\6", ID_0) ENTRY("\x08", "\6", ID_1000) MASK_RW OTHERS),
         NULL},
        {"another user, after root's entry",
         ACL(HEAD USER_OBJ ENTRY("\2", "\6", ID_0) ENTRY("\2", "\2", ID_1001) GROUP_R MASK_RW),
         "an ACL lets user 1001 write it; run: setfacl -b f"},
        {"the owning group",
         ACL(HEAD USER_OBJ GROUP_RW MASK_RW OTHERS),
         "all of group 50 can write it; run: chmod g-w f"},
        {"an id that is not mapped in this namespace",
         ACL(HEAD USER_OBJ ENTRY("\2", "\6", NO_ID) GROUP_R MASK_RW),
         "an ACL lets user 4294967295 write it; run: setfacl -b f"},
        {"a later version of the format",
         ACL("\3\0\0\0"),
         "it has an ACL that cannot be read; run: setfacl -b f"},
        {"a piece of an entry",
         ACL(HEAD "\1\0\6\0"),
         "it has an ACL that cannot be read; run: setfacl -b f"},
        {"an empty ACL", ACL(""), "it has an ACL that cannot be read; run: setfacl -b f"},
    };
    for_each_row(row, rows, row->name) {
        char text[RIA_ERROR_TEXT_MAX];
        struct ria_file file = {.owner = ME, .group = SHARED, .mode = 0660};
        ria_acl_read(row->bytes, row->len, ME, &file);
        bool is_open = ria_trust_describe_writers(&file, ME, "f", text, sizeof(text));
        expect_number(row->name, is_open, row->want != NULL);
        expect_text(row->name, text, is_open ? row->want : "");
    }
}

/* A private group is accepted; an additional user in an ACL is rejected. */
static void an_acl_beside_a_private_group_is_checked(void **state)
{
    (void)state;
    static const char bytes[] = HEAD USER_OBJ ENTRY("\2", "\6", ID_1001) GROUP_RW MASK_RW OTHERS;
    char text[RIA_ERROR_TEXT_MAX];
    struct ria_file file = {.owner = ME, .group = ME, .mode = 0664};
    assert_false(ria_trust_describe_writers(&file, ME, "f", text, sizeof(text)));
    ria_acl_read(bytes, sizeof(bytes) - 1, ME, &file);
    assert_true(ria_trust_describe_writers(&file, ME, "f", text, sizeof(text)));
    assert_string_equal(text, "an ACL lets user 1001 write it; run: setfacl -b f");
    file.mode = 0666;
    assert_true(ria_trust_describe_writers(&file, ME, "f", text, sizeof(text)));
    assert_string_equal(text, "every user can write it; run: chmod go-w f");
}

/* -- file systems --------------------------------------------------------------------------- */

static void file_systems_without_chmod_get_another_remedy(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        bool is_read_only;
        const char *name; /* NULL: chmod helps */
    } rows[] = {
        {0xef53, false, NULL},
        {0x01021994, false, NULL},
        {0x58465342, false, NULL},
        {0x9123683e, false, NULL},
        {0x794c7630, false, NULL},
        {0x6969, false, NULL},
        {0, false, NULL},
        {0x01021997, false, "9p, drvfs"},
        {0xff534d42, false, "CIFS"},
        {0xfe534d42, false, "SMB"},
        {0x517b, false, "SMB"},
        {0x4d44, false, "FAT"},
        {0x2011bab0, false, "exFAT"},
        {0x7366746e, false, "NTFS"},
        {0x65735546, false, "FUSE"},
        {0x786f4256, false, "VirtualBox"},
        {0xef53, true, "mounted read-only"},
        {0x73717368, true, "mounted read-only"},
    };
    for_each_row(row, rows, NULL) {
        char want[RIA_ERROR_TEXT_MAX] = "f: every user can write it; run: chmod o-w f";
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        struct ria_file file = {
            .owner = ME, .mode = 0777, .file_system = row->type, .is_read_only = row->is_read_only};
        expect("the file is rejected", !ria_trust_check_writers(&fake.world, &file, &file_f, &err));
        if (row->name != NULL) {
            (void)snprintf(
                want,
                sizeof(want),
                "f: every user can write it, and chmod may have no effect on its file system "
                "(%s); "
                "copy it to another file system and name the copy: VARIABLE=COPY",
                row->name);
        }
        expect_text("the message", err.text, want);
    }
}

/* -- the configuration files ---------------------------------------------------------------- */

#define AWS "[default]\naws_access_key_id = K\naws_secret_access_key = S\n"
#define OURS "[h]\nprofile = a\n"

static enum ria_outcome load_ours(struct ria_fake *fake, struct ria_error *err)
{
    RIA_AUTO(config) config = {0};
    return ria_config_load(&fake->world, &config, err) ? RIA_FOUND : RIA_FAILED;
}

static enum ria_outcome load_aws(struct ria_fake *fake, struct ria_error *err)
{
    RIA_AUTO(profiles) profiles = {0};
    return ria_profiles_load(&fake->world, &profiles, err);
}

/* Also checks the suggested names of copies, and that an AWS file of another user is read. */
static void configuration_files_are_checked_by_the_same_rule(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *text;
        enum ria_outcome (*load)(struct ria_fake *fake, struct ria_error *err);
        enum ria_outcome foreign;
        const char *named_by;
    } rows[] = {
        {RIA_FAKE_CONFIG, OURS, load_ours, RIA_FAILED, "RDS_IAM_CONFIG=COPY"},
        {"/etc/rds-iam/config", OURS, load_ours, RIA_FAILED, "RDS_IAM_CONFIG=COPY"},
        {RIA_FAKE_AWS_CONFIG, AWS, load_aws, RIA_FOUND, "AWS_CONFIG_FILE=COPY"},
        {RIA_FAKE_AWS_CREDENTIALS, AWS, load_aws, RIA_FOUND, "AWS_SHARED_CREDENTIALS_FILE=COPY"},
    };
    static const struct {
        struct ria_file facts;
        bool is_refused;
    } facts[] = {
        {{.owner = ME, .group = ME, .mode = 0100664}, false},
        {{.owner = ME, .group = 0, .mode = 0100660}, false},
        {{.owner = ME, .group = SHARED, .mode = 0100660}, true},
        {{.owner = ME, .mode = 0100602}, true},
        {{.owner = ME, .mode = 0100602, .file_system = 0x4d44}, true},
        {{.owner = ME,
          .group = ME,
          .mode = 0100660,
          .acl = {.is_present = true, .has_writer = true}},
         true},
    };
    for_each_row(row, rows, row->path) {
        struct ria_fake fake;
        struct ria_error err = {0};
        ria_fake_init(&fake);
        struct ria_fake_file *file = ria_fake_file(&fake, row->path, row->text);
        for_each_row(fact, facts, NULL) {
            file->file = fact->facts;
            bool is_refused = row->load(&fake, &err) == RIA_FAILED;
            expect_number(row->path, is_refused, fact->is_refused);
            if (fact->facts.file_system != 0) {
                expect_piece(row->path, err.text, row->named_by);
            }
        }
        file->file = (struct ria_file){.owner = OTHER, .group = OTHER, .mode = 0100664};
        expect_number(row->path, row->load(&fake, &err), row->foreign);
        expect_number(
            row->path,
            ria_fake_logged(&fake, RIA_LOG_WARNING, ": belongs to uid 1001, neither to root"),
            row->foreign == RIA_FOUND);
    }
}

/* -- an AWS file of another user ------------------------------------------------------------- */

#define ROLE "role_arn = arn:aws:iam::1:role/r\nsource_profile = b\n"
#define KEYS "aws_access_key_id = K\naws_secret_access_key = S\n"
#define BASE "[profile b]\n" KEYS
#define REFUSED(line, key)                                                                         \
    RIA_FAKE_AWS_CONFIG ":" line ": " key " is not taken from a file of uid 1001, who is neither " \
                        "root nor you; run: chown 1000 " RIA_FAKE_AWS_CONFIG                       \
                        ", or copy it and name the copy: AWS_CONFIG_FILE=COPY"

static enum ria_outcome find(struct ria_fake *fake, struct ria_error *err)
{
    RIA_AUTO(response) response = RIA_RESPONSE_INIT;
    struct ria_trail trail;
    struct ria_query ask = {
        .world = &fake->world,
        .deadline = ria_deadline_in(&fake->world, 1000),
        .profile = {"a", "--profile", 0},
        .region = {"eu-west-1", NULL, 0}};
    ria_memory_cache_clear();
    return ria_chain_find(&ask, &response, &trail, err);
}

/* Settings that run a command, read a file, send a request or select a CA. */
static void dangerous_settings_of_another_user_are_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        const char *variable; /* set to "/x", or NULL */
        const char *want;     /* NULL: credentials are found */
    } rows[] = {
        {"a command",
         "[profile a]\ncredential_process = x\n",
         NULL,
         REFUSED("2", "credential_process")},
        {"a file to read",
         "[profile a]\n" ROLE "web_identity_token_file = /etc/shadow\n",
         NULL,
         REFUSED("4", "web_identity_token_file")},
        {"a file to read, in a source profile",
         "[profile a]\n" ROLE "[profile b]\nrole_arn = r\nweb_identity_token_file = /t\n",
         NULL,
         REFUSED("6", "web_identity_token_file")},
        {"an endpoint",
         "[profile a]\n" ROLE "endpoint_url = https://h\n" BASE,
         NULL,
         REFUSED("4", "endpoint_url")},
        {"an endpoint in a services section",
         "[services s]\nsts =\n  endpoint_url = https://h\n[profile a]\nservices = s\n" ROLE BASE,
         NULL,
         REFUSED("3", "endpoint_url")},
        {"a CA bundle", "[profile a]\nca_bundle = /c\n" ROLE BASE, NULL, REFUSED("2", "ca_bundle")},
        {"a CA bundle for SSO",
         "[profile a]\nca_bundle = /c\nsso_start_url = u\nsso_region = eu-west-1\nsso_account_id = "
         "1\nsso_role_name = r\n",
         NULL,
         REFUSED("2", "ca_bundle")},
        {"an endpoint for aws login",
         "[profile a]\nlogin_session = l\nendpoint_url = https://h\n",
         NULL,
         REFUSED("3", "endpoint_url")},
        {"a metadata service",
         "[profile a]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n"
         "ec2_metadata_service_endpoint = http://127.0.0.1\n",
         NULL,
         REFUSED("4", "ec2_metadata_service_endpoint")},
        {"settings that a profile with keys does not use",
         "[profile a]\nendpoint_url = https://h\nca_bundle = /c\n"
         "ec2_metadata_service_endpoint = http://127.0.0.1\n" KEYS,
         NULL,
         NULL},
        {"another service's endpoint",
         "[services s]\nsso =\n  endpoint_url = https://h\n[profile a]\nservices = s\n" ROLE BASE,
         NULL,
         NULL},
        {"the endpoint of token renewals, for a session that cannot be renewed",
         "[services s]\nsso_oidc =\n  endpoint_url = https://h\n[profile a]\nservices = s\n"
         "sso_start_url = u\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r\n",
         NULL,
         NULL},
        {"a variable overrides the bundle",
         "[profile a]\nca_bundle = /c\n" ROLE BASE,
         "AWS_CA_BUNDLE",
         NULL},
        {"a variable overrides the endpoint",
         "[profile a]\nendpoint_url = https://h\n" ROLE BASE,
         "AWS_ENDPOINT_URL",
         NULL},
        {"a role, its region and its session",
         "[profile a]\nregion = eu-west-1\nexternal_id = e\n" ROLE BASE,
         NULL,
         NULL},
    };
    for_each_row(row, rows, row->name) {
        struct ria_response response = RIA_RESPONSE_INIT;
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        response.outcome = RIA_FOUND;
        response.credentials.expires = fake.now + 3600;
        ria_buf_add_text(&response.credentials.access_key_id, "A");
        ria_buf_add_text(&response.credentials.secret_access_key, "B");
        fake.response = &response;
        ria_fake_file(&fake, "/t", "token");
        ria_fake_file(&fake, "/etc/shadow", "token");
        if (row->variable != NULL) {
            ria_fake_env(&fake, row->variable, "/x");
        }
        struct ria_fake_file *file = ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, row->config);
        expect_number(row->name, find(&fake, &err), RIA_FOUND);
        file->file.owner = 0;
        expect_number(row->name, find(&fake, &err), RIA_FOUND);
        file->file.owner = OTHER;
        enum ria_outcome outcome = find(&fake, &err);
        expect_number(row->name, outcome, row->want == NULL ? RIA_FOUND : RIA_FAILED);
        if (outcome == RIA_FAILED) {
            expect_text(row->name, err.text, row->want);
        }
        ria_response_release(&response);
    }
}

static void only_the_user_has_rights_to_a_private_file(void **state)
{
    (void)state;
    static const struct {
        struct ria_file file;
        bool is_private;
    } rows[] = {
        {{.owner = ME, .mode = S_IFREG | 0600}, true},
        {{.owner = ME, .mode = S_IFDIR | 0700}, true},
        {{.owner = ME, .mode = S_IFREG | 0640}, false},
        {{.owner = ME, .mode = S_IFDIR | 0701}, false},
        {{.owner = 0, .mode = S_IFREG | 0600}, false},
        {{.owner = ME + 1, .mode = S_IFREG | 0600}, false},
    };
    for_each_row(row, rows, NULL) {
        expect_number("is private", ria_trust_is_private(&row->file, ME), row->is_private);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_user_has_rights_to_a_private_file),
        cmocka_unit_test(owners_and_writers_are_checked),
        cmocka_unit_test(writers_of_a_foreign_file_are_described),
        cmocka_unit_test(a_file_that_others_can_write_is_not_read),
        cmocka_unit_test(writers_in_an_acl_are_found),
        cmocka_unit_test(an_acl_beside_a_private_group_is_checked),
        cmocka_unit_test(file_systems_without_chmod_get_another_remedy),
        cmocka_unit_test(configuration_files_are_checked_by_the_same_rule),
        cmocka_unit_test(dangerous_settings_of_another_user_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

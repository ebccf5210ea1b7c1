/* SPDX-License-Identifier: MIT
 *
 * rds-iam's own configuration file: its path, its owner, its syntax, and which section applies.
 * Where a message tells the user what to run, the test compares the whole message. */
#include "config/config.h"
#include "config/config_copy.h"

#include "fake_world.h"
#include "unit.h"

#define PLACE RIA_FAKE_CONFIG

/* Parses a text as the user's configuration file. */
static bool load(const char *text, struct ria_config *config, struct ria_error *err)
{
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_CONFIG, text);
    return ria_config_load(&fake.world, config, err);
}

/* -- sections ------------------------------------------------------------------------------- */

static void the_first_matching_section_is_used(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text; /* each section has its own profile, which identifies it */
        const char *host;
        uint16_t port;
        const char *user;
        const char *want; /* NULL: no section */
    } rows[] = {
        {"a host", "[h]\nprofile=a\n", "h", 1, "u", "a"},
        {"another host", "[h]\nprofile=a\n", "hh", 1, "u", NULL},
        {"host names ignore case", "[Db.Example]\nprofile=a\n", "dB.eXAMPLE", 1, "u", "a"},
        {"a trailing dot of the host name", "[h.x]\nprofile=a\n", "h.x.", 1, "u", "a"},
        {"a trailing dot of the section", "[h.x.]\nprofile=a\n", "h.x", 1, "u", "a"},
        {"a port", "[h:3306]\nprofile=a\n", "h", 3306, "u", "a"},
        {"another port", "[h:3306]\nprofile=a\n", "h", 3307, "u", NULL},
        {"a user", "[u@h]\nprofile=a\n", "h", 1, "u", "a"},
        {"another user", "[u@h]\nprofile=a\n", "h", 1, "v", NULL},
        {"user names are case-sensitive", "[u@h]\nprofile=a\n", "h", 1, "U", NULL},
        {"user and port", "[u@h:3306]\nprofile=a\n", "h", 3306, "u", "a"},
        {"the user matches, the port does not", "[u@h:3306]\nprofile=a\n", "h", 1, "u", NULL},
        {"an @ in the user's name",
         "[jane@corp.example@h]\nprofile=a\n",
         "h",
         1,
         "jane@corp.example",
         "a"},
        {"a colon in the user's name", "[a:b@h]\nprofile=a\n", "h", 1, "a:b", "a"},
        {"a bare IPv6 address", "[::1]\nprofile=a\n", "::1", 1, "u", "a"},
        {"an IPv6 address in brackets", "[[::1]]\nprofile=a\n", "::1", 1, "u", "a"},
        {"an IPv6 address with a port", "[[::1]:3306]\nprofile=a\n", "::1", 3306, "u", "a"},
        {"an IPv6 address with another port", "[[::1]:3306]\nprofile=a\n", "::1", 1, "u", NULL},
        {"user and IPv6 address with a port", "[u@[::1]:3306]\nprofile=a\n", "::1", 3306, "u", "a"},
        {"a wildcard for one label", "[*.x]\nprofile=a\n", "h.x", 1, "u", "a"},
        {"a wildcard for more labels", "[*.x]\nprofile=a\n", "g.h.x", 1, "u", "a"},
        {"a wildcard needs at least one label", "[*.x]\nprofile=a\n", "x", 1, "u", NULL},
        {"a wildcard ends at a dot", "[*.x]\nprofile=a\n", "hx", 1, "u", NULL},
        {"a dot is not a label", "[*.x]\nprofile=a\n", ".x", 1, "u", NULL},
        {"a wildcard ignores case", "[*.X]\nprofile=a\n", "H.x.", 1, "u", "a"},
        {"a wildcard with user and port", "[u@*.x:5]\nprofile=a\n", "h.x", 5, "u", "a"},
        {"the first of two is used", "[*.x]\nprofile=a\n[h.x]\nprofile=b\n", "h.x", 1, "u", "a"},
        {"the second, if the first does not match",
         "[g.x]\nprofile=a\n[*.x]\nprofile=b\n",
         "h.x",
         1,
         "u",
         "b"},
        {"an empty section is used too", "[h]\n[*.x]\nprofile=b\n", "h", 1, "u", NULL},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        struct ria_section target;
        if (!load(row->text, &config, &err)) {
            fail_msg("%s: %s", row->name, err.text);
        }
        ria_config_match(&config, row->host, row->port, row->user, &target);
        if (row->want == NULL) {
            expect(row->name, target.profile.value == NULL);
        } else {
            expect_text(row->name, target.profile.value, row->want);
        }
    }
}

static void the_matching_section_gives_its_settings_with_their_lines(void **state)
{
    (void)state;
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    struct ria_section target;
    assert_true(load(
        "# a tunnel\n"
        "[127.0.0.1:13306]\n"
        "profile  = etl\n"
        "region   = eu-west-1\n"
        "endpoint = prod.example:3306 # the real one\n"
        "TLS      = verify-ca\n"
        "[h]\n"
        "tls = verify-full\n",
        &config,
        &err));
    ria_config_match(&config, "127.0.0.1", 13306, "u", &target);
    assert_string_equal(target.profile.value, "etl");
    assert_string_equal(target.profile.path, PLACE);
    assert_int_equal(target.profile.line, 3);
    assert_string_equal(target.region.value, "eu-west-1");
    assert_string_equal(target.signed_for.host, "prod.example");
    assert_int_equal(target.signed_for_port, 3306);
    assert_int_equal(target.endpoint.line, 5);
    assert_true(target.chain_suffices);
    ria_config_match(&config, "h", 1, "u", &target);
    assert_string_equal(target.tls.value, "verify-full");
    assert_false(target.chain_suffices);
    assert_null(target.endpoint.value);
    ria_config_match(&config, "elsewhere", 1, "u", &target);
    assert_null(target.tls.value);
    assert_false(target.chain_suffices);
}

/* -- rejected files, and the line in the message -------------------------------------------- */

static void mistakes_are_rejected_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *want;
    } rows[] = {
        {"an unknown key",
         "[h]\nprofil = a\n",
         PLACE ":2: unknown key \"profil\"; the keys are profile, region, endpoint, "
               "tls, aws_cli_cache, cache_credential_process, role_arn, "
               "external_id, role_session_name, duration_seconds, "
               "session_tags, transitive_tag_keys, source_identity"},
        {"a sub-property",
         "[h]\nprofile =\n  region = eu-west-1\n",
         PLACE ":2: profile is empty; name a profile or remove the line"},
        {"an empty profile",
         "[h]\nprofile =\n",
         PLACE ":2: profile is empty; name a profile or remove the line"},
        {"a region that does not have the form of one",
         "[h]\nregion = Ireland\n",
         PLACE ":2: \"Ireland\" is not a region; write one like eu-west-1"},
        {"an endpoint without a port",
         "[h]\nendpoint = prod.example\n",
         PLACE ":2: endpoint needs a host and a port; write endpoint = HOST:PORT"},
        {"an endpoint with port 0",
         "[h]\nendpoint = prod.example:0\n",
         PLACE ":2: endpoint needs a host and a port; write endpoint = HOST:PORT"},
        {"an endpoint that is not a host name",
         "[h]\nendpoint = d_b!:3306\n",
         PLACE ":2: \"d_b!\" is not a host name; give the endpoint's name alone"},
        {"an empty endpoint",
         "[h]\nendpoint =\n",
         PLACE ":2: endpoint needs a host and a port; write endpoint = HOST:PORT"},
        {"tls = require, which verifies nothing",
         "[h]\nendpoint = e:1\ntls = require\n",
         PLACE ":3: tls must be verify-full or verify-ca"},
        {"verification off",
         "[h]\nendpoint = e:1\ntls = no\n",
         PLACE ":3: tls must be verify-full or verify-ca"},
        {"a value of tls in capitals",
         "[h]\nendpoint = e:1\ntls = VERIFY-CA\n",
         PLACE ":3: tls must be verify-full or verify-ca"},
        {"an endpoint in a section with a wildcard",
         "\n[*.x]\nendpoint = e:1\n",
         PLACE ":2: endpoint and tls are not allowed in a section with a wildcard; name the host"},
        {"tls in a section with a wildcard",
         "[*.x]\ntls = verify-full\n",
         PLACE ":1: endpoint and tls are not allowed in a section with a wildcard; name the host"},
        {"a setting of a role, without role_arn",
         "[h]\nprofile = a\nexternal_id = e\n",
         PLACE ":3: this key needs a role; add role_arn to this section"},
        {"an empty role",
         "[h]\nrole_arn =\n",
         PLACE ":2: the value is empty; write a value, or remove this line"},
        {"no tags",
         "[h]\nrole_arn = arn:aws:iam::123456789012:role/r\nsession_tags =\n",
         PLACE ":3: the tags: the list is empty"},
        {"a tag without a value",
         "[h]\nrole_arn = arn:aws:iam::123456789012:role/r\nsession_tags = team\n",
         PLACE ":3: the tags: one of them has no value; write key=value"},
        {"another value for the AWS CLI's cache",
         "[h]\naws_cli_cache = write\n",
         PLACE ":2: aws_cli_cache must be read or off"},
        {"another value for the cache of credential_process",
         "[h]\ncache_credential_process = on\n",
         PLACE ":2: cache_credential_process is \"on\"; write yes or no"},
        {"no user before the @",
         "[@h]\nprofile = a\n",
         PLACE ":1: [@h] is not an address; write [host], [host:port] or [user@host:port], with a "
               "leading *. as the only wildcard"},
        {"the same section twice",
         "[h]\n\n[h]\n",
         PLACE ":3: [h] is the same as the section in line 1; join them"},
        {"the same section, except for case and a dot",
         "[u@h.x:5]\n[u@H.X.:5]\n",
         PLACE ":2: [u@H.X.:5] is the same as the section in line 1; join them"},
        {"the same address, in brackets",
         "[::1]\n[[::1]]\n",
         PLACE ":2: [[::1]] is the same as the section in line 1; join them"},
        {"a broken section that no login uses",
         "[h]\nprofile = a\n[other]\nport = 5\n",
         PLACE ":4: unknown key \"port\"; the keys are profile, region, endpoint, "
               "tls, aws_cli_cache, cache_credential_process, role_arn, "
               "external_id, role_session_name, duration_seconds, "
               "session_tags, transitive_tag_keys, source_identity"},
        {"a line without =", "[h]\nprofile\n", PLACE ":2: a line without its =; write key = value"},
        {"a line before the first section",
         "profile = a\n[h]\n",
         PLACE ":1: a line before the first [section]; move it below one"},
        {"text after a section",
         "[h] profile = a\n",
         PLACE ":1: text after the closing ]; put it on a line of its own"},
        {"no closing bracket",
         "[h\nprofile = a\n",
         PLACE ":1: a section line without its closing ]; add it"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        expect(row->name, !load(row->text, &config, &err));
        expect_text(row->name, err.text, row->want);
        expect_number(row->name, err.code, RIA_E_CONFIG);
        expect_number(row->name, config.count, 0);
    }
}

static void a_section_name_must_be_an_address(void **state)
{
    (void)state;
    static const char *const names[] = {
        "[]",
        "[profile etl]",
        "[h\tx]",
        "[\"h\"]",
        "[mysql://h]",
        "[*.{REGION}.rds.amazonaws.com]",
        "[<endpoint>]",
        "[*]",
        "[*.]",
        "[*.:5]",
        "[*..]",
        "[*x]",
        "[a.*.b]",
        "[*.*.x]",
        "[h:0]",
        "[h:65536]",
        "[h:abc]",
        "[h:]",
        "[:3306]",
        "[@h]",
        "[u@]",
        "[u@:3306]",
        "[[]]",
        "[[]:5]",
        "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaa]"};
    for_each_row(name, names, *name) {
        RIA_AUTO(config) config = {0};
        RIA_AUTO(buf) text = {.max = 1024};
        struct ria_error err = {0};
        ria_buf_addf(&text, "[fine]\n%s\n", *name);
        expect(*name, !load(text.data, &config, &err));
        expect_piece(*name, err.text, PLACE ":2: [");
        expect_piece(
            *name,
            err.text,
            "] is not an address; write [host], [host:port] or [user@host:port], with a leading *. "
            "as "
            "the only wildcard");
    }
}

static void sections_with_different_addresses_may_coexist(void **state)
{
    (void)state;
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    static const char text[] = "[h]\n[h:1]\n[h:2]\n[u@h]\n[U@h]\n[u@h:1]\n[*.h]\n[x.h]\n";
    assert_true(load(text, &config, &err));
    assert_int_equal(config.file[0]->ini.section_count, 8);
}

/* -- paths and owners ----------------------------------------------------------------------- */

static void a_file_that_other_users_can_write_is_rejected(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ria_file facts;
        const char *want; /* the message; NULL: the file is read */
    } rows[] = {
        {"a file of the user", {.owner = RIA_FAKE_UID, .mode = 0100600}, NULL},
        {"a file that others can read", {.owner = RIA_FAKE_UID, .mode = 0100644}, NULL},
        {"a file of root", {.owner = 0, .mode = 0100644}, NULL},
        {"a file of another user",
         {.owner = 1001, .mode = 0100644},
         PLACE ": belongs to uid 1001, neither to root nor to you; run: chown 1000 " PLACE
               ", or copy it and name the copy: RDS_IAM_CONFIG=COPY"},
        {"a file that a shared group can write",
         {.owner = RIA_FAKE_UID, .group = 50, .mode = 0100620},
         PLACE ": all of group 50 can write it; run: chmod g-w " PLACE},
        {"a file that every user can write",
         {.owner = RIA_FAKE_UID, .mode = 0100602},
         PLACE ": every user can write it; run: chmod o-w " PLACE},
        {"a file of root that every user can write",
         {.owner = 0, .group = 50, .mode = 0100666},
         PLACE ": every user can write it; its owner must run: chmod go-w " PLACE},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        struct ria_fake_file *file = ria_fake_file(&fake, PLACE, "[h]\nprofile = a\n");
        file->file = row->facts;
        bool loaded = ria_config_load(&fake.world, &config, &err);
        expect_number(row->name, loaded, row->want == NULL);
        if (!loaded) {
            expect_text(row->name, err.text, row->want);
            expect_number(row->name, err.code, RIA_E_CONFIG);
        }
    }
}

static void the_configuration_files_are_tried_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *variable;
        const char *value;
        const char *paths[3]; /* in paths[N], [h] has the profile N */
        const char *want;     /* NULL: no profile; else the profile, or the message */
        bool is_refused;
    } rows[] = {
        {"no file at all", NULL, NULL, {NULL}, NULL, false},
        {"the user's", NULL, NULL, {PLACE}, "0", false},
        {"the system's", NULL, NULL, {"/etc/rds-iam/config"}, "0", false},
        {"the user's file before the system's",
         NULL,
         NULL,
         {"/etc/rds-iam/config", PLACE},
         "1",
         false},
        {"XDG_CONFIG_HOME instead of ~/.config",
         "XDG_CONFIG_HOME",
         "/xdg",
         {PLACE, "/xdg/rds-iam/config", "/etc/rds-iam/config"},
         "1",
         false},
        {"a relative XDG_CONFIG_HOME is ignored",
         "XDG_CONFIG_HOME",
         "xdg",
         {PLACE, "xdg/rds-iam/config"},
         "0",
         false},
        {"RDS_IAM_CONFIG instead of the default paths",
         "RDS_IAM_CONFIG",
         "/named",
         {PLACE, "/named", "/etc/rds-iam/config"},
         "1",
         false},
        {"RDS_IAM_CONFIG in the home",
         "RDS_IAM_CONFIG",
         "~/named",
         {PLACE, "/home/u/named"},
         "1",
         false},
        {"an empty RDS_IAM_CONFIG counts as unset", "RDS_IAM_CONFIG", "", {PLACE}, "0", false},
        {"RDS_IAM_CONFIG that names a missing file",
         "RDS_IAM_CONFIG",
         "/named",
         {PLACE},
         "RDS_IAM_CONFIG names /named, which does not exist; fix or unset it",
         true},
        {"without a home, the system's file is read",
         "HOME",
         "",
         {PLACE, "/etc/rds-iam/config"},
         "1",
         false},
    };
    static const char *const texts[] = {
        "[h]\nprofile = 0\n", "[h]\nprofile = 1\n", "[h]\nprofile = 2\n"};
    for_each_row(row, rows, row->name) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        struct ria_section target;
        struct ria_fake fake;
        ria_fake_init(&fake);
        if (row->variable != NULL) {
            ria_fake_env(&fake, row->variable, row->value);
        }
        for (size_t j = 0; j < RIA_COUNT(texts) && row->paths[j] != NULL; j++) {
            ria_fake_file(&fake, row->paths[j], texts[j]);
        }
        bool loaded = ria_config_load(&fake.world, &config, &err);
        expect_number(row->name, loaded, !row->is_refused);
        ria_config_match(&config, "h", 1, "u", &target);
        if (!loaded || row->want == NULL) {
            expect_text(row->name, loaded ? "" : err.text, loaded ? "" : row->want);
            expect(row->name, target.profile.value == NULL);
        } else {
            expect_text(row->name, target.profile.value, row->want);
        }
    }
}

static void both_files_are_read_and_both_are_checked(void **state)
{
    (void)state;
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    struct ria_section target;
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_file(&fake, PLACE, "[h]\nprofile = mine\n");
    ria_fake_file(&fake, "/etc/rds-iam/config", "[h]\nprofile = ours\n[g]\nprofile = ours\n");
    assert_true(ria_config_load(&fake.world, &config, &err));
    ria_config_match(&config, "h", 1, "u", &target);
    assert_string_equal(target.profile.value, "mine");
    ria_config_match(&config, "g", 1, "u", &target);
    assert_string_equal(target.profile.value, "ours");
    assert_string_equal(target.profile.path, "/etc/rds-iam/config");
    ria_config_release(&config);
    ria_fake_file(&fake, "/etc/rds-iam/config", "[h]\nnonsense = 1\n");
    assert_false(ria_config_load(&fake.world, &config, &err));
    expect_piece("the second file", err.text, "/etc/rds-iam/config:2: unknown key \"nonsense\"");
    ria_fake_file(&fake, "/etc/rds-iam/config", NULL);
    assert_false(ria_config_load(&fake.world, &config, &err));
    assert_string_equal(err.text, "/etc/rds-iam/config: cannot be opened: Permission denied");
}

static void only_at_a_default_path_an_unreachable_file_is_skipped_with_a_warning(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value, *path;
        bool is_default;
    } rows[] = {
        {"X", NULL, RIA_FAKE_CONFIG, true},
        {"XDG_CONFIG_HOME", "/xdg", "/xdg/rds-iam/config", true},
        {"RDS_IAM_CONFIG", "/named", "/named", false},
    };
    for_each_row(row, rows, row->variable) {
        RIA_AUTO(config) config = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_env(&fake, row->variable, row->value);
        ria_fake_file(&fake, row->path, "")->is_unreachable = true;
        expect(row->path, ria_config_load(&fake.world, &config, &err) == row->is_default);
        expect(row->path, (ria_fake_log_count(&fake, RIA_LOG_WARNING) == 1) == row->is_default);
    }
}

static void a_tilde_in_rds_iam_config_needs_home(void **state)
{
    (void)state;
    RIA_AUTO(config) config = {0};
    struct ria_error err = {0};
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_env(&fake, "HOME", NULL);
    ria_fake_env(&fake, "RDS_IAM_CONFIG", "~/named");
    assert_false(ria_config_load(&fake.world, &config, &err));
    assert_string_equal(err.text, "RDS_IAM_CONFIG: the path needs HOME, which is not set");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_matching_section_is_used),
        cmocka_unit_test(the_matching_section_gives_its_settings_with_their_lines),
        cmocka_unit_test(mistakes_are_rejected_with_file_and_line),
        cmocka_unit_test(a_section_name_must_be_an_address),
        cmocka_unit_test(sections_with_different_addresses_may_coexist),
        cmocka_unit_test(a_file_that_other_users_can_write_is_rejected),
        cmocka_unit_test(the_configuration_files_are_tried_in_order),
        cmocka_unit_test(both_files_are_read_and_both_are_checked),
        cmocka_unit_test(only_at_a_default_path_an_unreachable_file_is_skipped_with_a_warning),
        cmocka_unit_test(a_tilde_in_rds_iam_config_needs_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

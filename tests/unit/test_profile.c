/* SPDX-License-Identifier: MIT
 *
 * The profile files: where they are, what they are together, and the texts about which the AWS
 * SDKs disagree or are silent. */
#include "aws/profile.h"

#include "fake_world.h"
#include "unit.h"

static void files_are_looked_for_as_the_sdks_do(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        const char *variable;
        const char *value;
        const char *path;    /* of the one file that there is */
        const char *absence; /* NULL: it is found */
    } rows[] = {
        {"the config file", NULL, NULL, RIA_FAKE_AWS_CONFIG, NULL},
        {"the credentials file", NULL, NULL, RIA_FAKE_AWS_CREDENTIALS, NULL},
        {"AWS_CONFIG_FILE", "AWS_CONFIG_FILE", "/c", "/c", NULL},
        {"AWS_CONFIG_FILE in the home", "AWS_CONFIG_FILE", "~/c", "/home/u/c", NULL},
        {"AWS_CONFIG_FILE instead of the usual one",
         "AWS_CONFIG_FILE",
         "/c",
         RIA_FAKE_AWS_CONFIG,
         "neither /c nor /home/u/.aws/credentials exists"},
        {"a blank AWS_CONFIG_FILE is none", "AWS_CONFIG_FILE", " ", RIA_FAKE_AWS_CONFIG, NULL},
        {"AWS_SHARED_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE", "/c", "/c", NULL},
        {"the same instead of the usual one",
         "AWS_SHARED_CREDENTIALS_FILE",
         "/c",
         RIA_FAKE_AWS_CREDENTIALS,
         "neither /home/u/.aws/config nor /c exists"},
        {"no home", "HOME", "", RIA_FAKE_AWS_CONFIG, "HOME is not set, so ~/.aws is not known"},
        {"another user's home is no home of ours",
         "AWS_CONFIG_FILE",
         "~root/c",
         "/home/u/oot/c",
         "neither ~root/c nor /home/u/.aws/credentials exists"},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        if (rows[i].variable != NULL) {
            ria_fake_env(&fake, rows[i].variable, rows[i].value);
        }
        ria_fake_file(&fake, rows[i].path, "[default]\nregion = x\n");
        enum ria_outcome outcome = ria_profiles_load(&fake.world, &profiles, &err);
        expect_number(rows[i].message, outcome, rows[i].absence == NULL ? RIA_FOUND : RIA_ABSENT);
        if (outcome == RIA_FOUND) {
            struct ria_setting setting = {0};
            expect(rows[i].message, ria_profiles_get(&profiles, "default", "region", &setting));
            expect_text(rows[i].message, setting.path, rows[i].path);
            expect_number(rows[i].message, setting.line, 2);
        } else {
            expect_piece(rows[i].message, err.text, rows[i].absence);
        }
    }
}

static void a_file_that_cannot_be_read_is_no_absent_file(void **state)
{
    (void)state;
    static const char *const paths[] = {RIA_FAKE_AWS_CONFIG, RIA_FAKE_AWS_CREDENTIALS};
    for (size_t i = 0; i < RIA_COUNT(paths); i++) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_file(&fake, paths[1 - i], "[default]\nregion = x\n");
        ria_fake_file(&fake, paths[i], NULL);
        assert_int_equal(ria_profiles_load(&fake.world, &profiles, &err), RIA_FAILED);
        expect_piece(paths[i], err.text, paths[i]);
        expect_piece(paths[i], err.text, ": cannot be opened: Permission denied");
        assert_null(profiles.sections);
    }
}

/* HOME may be another user's, and a mount may have made a directory. What a variable names is
 * meant.
 */
static void a_usual_path_that_leads_to_no_file_is_absent(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *path;
        bool is_usual;
    } rows[] = {
        {NULL, RIA_FAKE_AWS_CONFIG, true},
        {NULL, RIA_FAKE_AWS_CREDENTIALS, true},
        {"AWS_CONFIG_FILE", "/named", false},
        {"AWS_SHARED_CREDENTIALS_FILE", "/named", false},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        const char *message = rows[i].variable == NULL ? rows[i].path : rows[i].variable;
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        if (rows[i].variable != NULL) {
            ria_fake_env(&fake, rows[i].variable, rows[i].path);
        }
        ria_fake_file(&fake, rows[i].path, "")->is_unreachable = true;
        enum ria_outcome outcome = ria_profiles_load(&fake.world, &profiles, &err);
        expect_number(message, outcome, rows[i].is_usual ? RIA_ABSENT : RIA_FAILED);
        expect_piece(message, err.text, rows[i].path);
        expect(
            message,
            ria_fake_logged(&fake, RIA_LOG_WARNING, "it counts as a file that does not exist") ==
                rows[i].is_usual);
        if (rows[i].is_usual) {
            expect_text(message, ria_profiles_unreachable(&profiles), rows[i].path);
        }
    }
}

/* As Python's shlex and so the AWS CLI read them. */
static void names_are_words_of_a_shell_in_the_config_file(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *name; /* NULL: it does not count */
    } rows[] = {
        {"profile 'Foo Bar'", "Foo Bar"},
        {"profile \"Foo Bar\"", "Foo Bar"},
        {"profile 'Foo'\"'\"'s Bar'", "Foo's Bar"},
        {"profile Foo' 'Bar", "Foo Bar"},
        {"profile Foo\\ Bar", "Foo Bar"},
        {"profile \"a\\\"b\\\\c\\d\"", "a\"b\\c\\d"},
        {"profile 'a\\b'", "a\\b"},
        {"profile 'a]b'", "a]b"},
        {"profile \t'Foo Bar' ", "Foo Bar"},
        {"profile 'f\xc3\xbc r'", "f\xc3\xbc r"},
        {"profile Foo Bar", NULL},
        {"profile 'Foo' 'Bar'", NULL},
        {"profile 'Foo", NULL},
        {"profile Foo\\", NULL},
        {"profile ''", NULL},
        {"'Foo Bar'", NULL},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        char text[256];
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        (void)snprintf(
            text,
            sizeof(text),
            "[%s]\nk = v\n[sso-session%s]\nk = v\n[services%s]\nk = v\n",
            rows[i].section,
            strncmp(rows[i].section, "profile", 7) == 0 ? rows[i].section + 7 : "",
            strncmp(rows[i].section, "profile", 7) == 0 ? rows[i].section + 7 : "");
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, text);
        assert_int_equal(ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        expect_number(rows[i].section, profiles.count, rows[i].name == NULL ? 0 : 3);
        const enum ria_profile_kind kinds[] = {
            RIA_PROFILE, RIA_PROFILE_SSO_SESSION, RIA_PROFILE_SERVICES};
        for (size_t j = 0; rows[i].name != NULL && j < RIA_COUNT(kinds); j++) {
            expect(rows[i].section, ria_profiles_has(&profiles, kinds[j], rows[i].name, NULL));
        }
    }
}

static void the_whole_name_counts_in_the_credentials_file(void **state)
{
    (void)state;
    static const char *const names[] = {"Foo Bar", "'Foo Bar'", "\"a\"", "a 'b", "a\\ b", "it's"};
    for (size_t i = 0; i < RIA_COUNT(names); i++) {
        char text[64];
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_setting setting = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        (void)snprintf(text, sizeof(text), "[ %s ]\nk = v\n", names[i]);
        ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, text);
        assert_int_equal(ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        expect(names[i], ria_profiles_get(&profiles, names[i], "k", &setting));
        expect_number(names[i], profiles.count, 1);
    }
}

/* What grows with the file: 145 KB of SSO profiles, and the same name many times. */
static void files_of_many_profiles_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name; /* of the last */
        const char *before;
        const char *between;
    } rows[] = {
        {"account-4999-Administrator",
         "[profile account-",
         "-Administrator]\nsso_session = corporate\nsso_account_id = 123456789012\nsso_role_name = "
         "Administrator\nregion = r-"},
        {"default", "# ", "\n[default]\nregion = r-"},
        {"default", "# ", "\n[profile default]\nregion = r-"},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(buf) text = {.max = RIA_INI_TEXT_MAX};
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_setting setting = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        for (unsigned j = 0; j < 5000; j++) {
            ria_buf_addf(&text, "%s%u%s%u\n", rows[i].before, j, rows[i].between, j);
        }
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, ria_buf_text(&text));
        if (ria_profiles_load(&fake.world, &profiles, &err) != RIA_FOUND) {
            fail_msg("%s: %s", rows[i].name, err.text);
        }
        expect_number(rows[i].name, profiles.count, 5000);
        expect(rows[i].name, ria_profiles_get(&profiles, rows[i].name, "region", &setting));
        expect_text(rows[i].name, setting.value, "r-4999");
    }
}

static void without_home_the_passwd_entry_says_where_files_are(void **state)
{
    (void)state;
    static const char *const values[] = {NULL, "", " "};
    for (size_t i = 0; i < RIA_COUNT(values); i++) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_env(&fake, "HOME", values[i]);
        fake.passwd_home = "/p";
        ria_fake_file(&fake, "/p/.aws/config", "[default]\nregion = x\n");
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[default]\nregion = y\n");
        struct ria_setting setting = {0};
        assert_int_equal(ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        assert_true(ria_profiles_get(&profiles, "default", "region", &setting));
        assert_string_equal(setting.value, "x");
    }
}

/* Texts of the config file, and of both, for which no two SDKs agree. */
static void undecided_texts_are_read_by_our_own_rules(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        const char *config;
        const char *credentials;
        const char *region; /* of the profile p; NULL: not set */
        bool is_warned;
    } rows[] = {
        {"a bad sub-property is ignored, its neighbours are not",
         "[profile p]\ns3 =\n  nonsense\nregion = a\n",
         "",
         "a",
         true},
        {"a line that starts with = is ignored", "[profile p]\n= a\nregion = b\n", "", "b", true},
        {"a lone CR ends no line", "[profile p]\rregion = a\r", "", NULL, true},
        {"a tab is a blank", "[profile\tp]\nregion = a\n", "", "a", false},
        {"blanks at the end of a value go", "[profile p]\n region  =   a   \t\n", "", "a", false},
        {"an empty line ends a value", "[profile p]\nregion = a\n\n  b\n", "", "a", true},
        {"the credentials file wins", "[profile p]\nregion = a\n", "[p]\nregion = b\n", "b", false},
        {"key by key", "[profile p]\nregion = a\n", "[p]\noutput = b\n", "a", false},
        {"the last of equal sections wins",
         "[profile p]\nregion = a\n[profile p]\nregion = b\n",
         "",
         "b",
         false},
        {"an earlier section gives what the last does not",
         "[profile p]\nregion = a\n[profile p]\noutput = b\n",
         "",
         "a",
         false},
        {"quotes are part of a name in the credentials file",
         "",
         "[\"p\"]\nregion = a\n",
         NULL,
         true},
        {"names have a case", "[profile P]\nregion = a\n", "", NULL, false},
    };
    for (size_t i = 0; i < RIA_COUNT(rows); i++) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_setting setting = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, rows[i].config);
        ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, rows[i].credentials);
        expect_number(rows[i].message, ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        bool found = ria_profiles_get(&profiles, "p", "region", &setting);
        expect_number(rows[i].message, found, rows[i].region != NULL);
        if (found) {
            expect_text(rows[i].message, setting.value, rows[i].region);
        }
        expect_number(
            rows[i].message, ria_fake_log_count(&fake, RIA_LOG_WARNING) > 0, rows[i].is_warned);
    }
}

static void warnings_name_file_and_line(void **state)
{
    (void)state;
    RIA_AUTO(profiles) profiles = {0};
    struct ria_error err = {0};
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[profile a$b]\nnonsense\n");
    assert_int_equal(ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
    assert_true(ria_fake_logged(
        &fake,
        RIA_LOG_WARNING,
        RIA_FAKE_AWS_CONFIG ":1: the name \"a$b\" contains a character that some AWS tools do not "
                            "accept"));
    assert_true(ria_fake_logged(
        &fake,
        RIA_LOG_WARNING,
        RIA_FAKE_AWS_CONFIG ":2: ignored: a line without its =; write key = value"));
}

static void one_file_can_be_asked_alone(void **state)
{
    (void)state;
    RIA_AUTO(profiles) profiles = {0};
    struct ria_error err = {0};
    struct ria_setting setting = {0};
    struct ria_fake fake;
    ria_fake_init(&fake);
    ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[profile p]\na = config\nb = config\n");
    ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, "[p]\na = credentials\n");
    assert_int_equal(ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
    assert_true(ria_profiles_get_from(&profiles, RIA_PROFILE_CONFIG, "p", "a", &setting));
    assert_string_equal(setting.value, "config");
    assert_false(ria_profiles_get_from(&profiles, RIA_PROFILE_CREDENTIALS, "p", "b", &setting));
    assert_true(ria_profiles_get(&profiles, "p", "a", &setting));
    assert_string_equal(setting.value, "credentials");
    assert_true(ria_profiles_has(&profiles, RIA_PROFILE, "p", &setting));
    assert_string_equal(setting.value, "");
    assert_string_equal(setting.path, RIA_FAKE_AWS_CONFIG);
    assert_int_equal(setting.line, 1);
    assert_false(ria_profiles_has(&profiles, RIA_PROFILE_SSO_SESSION, "p", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_looked_for_as_the_sdks_do),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_absent_file),
        cmocka_unit_test(a_usual_path_that_leads_to_no_file_is_absent),
        cmocka_unit_test(without_home_the_passwd_entry_says_where_files_are),
        cmocka_unit_test(names_are_words_of_a_shell_in_the_config_file),
        cmocka_unit_test(the_whole_name_counts_in_the_credentials_file),
        cmocka_unit_test(files_of_many_profiles_are_read),
        cmocka_unit_test(undecided_texts_are_read_by_our_own_rules),
        cmocka_unit_test(warnings_name_file_and_line),
        cmocka_unit_test(one_file_can_be_asked_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

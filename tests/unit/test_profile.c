/* SPDX-License-Identifier: MIT
 *
 * The profile files: their paths, how both files are merged, and texts that the AWS SDKs parse
 * differently. */
#include "aws/profile.h"

#include "fake_world.h"
#include "unit.h"

static void files_are_found_as_the_sdks_find_them(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *variable;
        const char *value;
        const char *path;    /* of the only file that exists */
        const char *absence; /* NULL: it is found */
    } rows[] = {
        {"the config file", NULL, NULL, RIA_FAKE_AWS_CONFIG, NULL},
        {"the credentials file", NULL, NULL, RIA_FAKE_AWS_CREDENTIALS, NULL},
        {"AWS_CONFIG_FILE", "AWS_CONFIG_FILE", "/c", "/c", NULL},
        {"AWS_CONFIG_FILE in the home", "AWS_CONFIG_FILE", "~/c", "/home/u/c", NULL},
        {"AWS_CONFIG_FILE replaces the default path",
         "AWS_CONFIG_FILE",
         "/c",
         RIA_FAKE_AWS_CONFIG,
         "neither /c nor /home/u/.aws/credentials exists"},
        {"a blank AWS_CONFIG_FILE counts as unset",
         "AWS_CONFIG_FILE",
         " ",
         RIA_FAKE_AWS_CONFIG,
         NULL},
        {"AWS_SHARED_CREDENTIALS_FILE", "AWS_SHARED_CREDENTIALS_FILE", "/c", "/c", NULL},
        {"AWS_SHARED_CREDENTIALS_FILE replaces the default path",
         "AWS_SHARED_CREDENTIALS_FILE",
         "/c",
         RIA_FAKE_AWS_CREDENTIALS,
         "neither /home/u/.aws/config nor /c exists"},
        {"no home", "HOME", "", RIA_FAKE_AWS_CONFIG, "HOME is not set, so ~/.aws is not known"},
        {"the home of another user is not used",
         "AWS_CONFIG_FILE",
         "~root/c",
         "/home/u/oot/c",
         "neither ~root/c nor /home/u/.aws/credentials exists"},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        if (row->variable != NULL) {
            ria_fake_env(&fake, row->variable, row->value);
        }
        ria_fake_file(&fake, row->path, "[default]\nregion = x\n");
        enum ria_outcome outcome = ria_profiles_load(&fake.world, &profiles, &err);
        expect_number(row->name, outcome, row->absence == NULL ? RIA_FOUND : RIA_ABSENT);
        if (outcome == RIA_FOUND) {
            struct ria_setting setting = {0};
            expect(row->name, ria_profiles_get(&profiles, "default", "region", &setting));
            expect_text(row->name, setting.path, row->path);
            expect_number(row->name, setting.line, 2);
        } else {
            expect_piece(row->name, err.text, row->absence);
        }
    }
}

static void a_path_that_is_too_long_is_reported_as_such(void **state)
{
    (void)state;
    static char too_long[RIA_PATH_MAX + 1];
    memset(too_long, 'x', RIA_PATH_MAX);
    static const struct {
        const char *variable;
        enum ria_outcome outcome;
        const char *text;
    } rows[] = {
        {"AWS_CONFIG_FILE", RIA_FAILED, "AWS_CONFIG_FILE: the path is too long; shorten it"},
        {"AWS_SHARED_CREDENTIALS_FILE",
         RIA_FAILED,
         "AWS_SHARED_CREDENTIALS_FILE: the path is too long; shorten it"},
        {"HOME", RIA_ABSENT, "HOME is too long, so ~/.aws is not known"},
    };
    for_each_row(row, rows, row->variable) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_env(&fake, row->variable, too_long);
        enum ria_outcome outcome = ria_profiles_load(&fake.world, &profiles, &err);
        expect_number(row->variable, outcome, row->outcome);
        expect_piece(row->variable, err.text, row->text);
    }
}

static void a_file_that_cannot_be_read_is_not_absent(void **state)
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

/* A default path may be unreachable: HOME may belong to another user, or a mount may have created a
 * directory in the place of the file. A path in a variable is explicit, so it must be readable.
 */
static void only_at_a_default_path_an_unreachable_file_is_skipped_with_a_warning(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *path;
        bool is_default;
    } rows[] = {
        {NULL, RIA_FAKE_AWS_CONFIG, true},
        {NULL, RIA_FAKE_AWS_CREDENTIALS, true},
        {"AWS_CONFIG_FILE", "/named", false},
        {"AWS_SHARED_CREDENTIALS_FILE", "/named", false},
    };
    for_each_row(row, rows, row->variable) {
        const char *message = row->variable == NULL ? row->path : row->variable;
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        if (row->variable != NULL) {
            ria_fake_env(&fake, row->variable, row->path);
        }
        ria_fake_file(&fake, row->path, "")->is_unreachable = true;
        enum ria_outcome outcome = ria_profiles_load(&fake.world, &profiles, &err);
        expect_number(message, outcome, row->is_default ? RIA_ABSENT : RIA_FAILED);
        expect_piece(message, err.text, row->path);
        expect(
            message,
            ria_fake_logged(&fake, RIA_LOG_WARNING, "until then, this path counts as missing") ==
                row->is_default);
        if (row->is_default) {
            expect_text(message, ria_profiles_unreachable(&profiles), row->path);
        }
    }
}

/* The AWS CLI splits these names with Python's shlex. */
static void section_names_of_the_config_file_are_split_like_shell_words(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *name; /* NULL: the section is ignored */
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
    for_each_row(row, rows, row->section) {
        char text[256];
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        (void)snprintf(
            text,
            sizeof(text),
            "[%s]\nk = v\n[sso-session%s]\nk = v\n[services%s]\nk = v\n",
            row->section,
            strncmp(row->section, "profile", 7) == 0 ? row->section + 7 : "",
            strncmp(row->section, "profile", 7) == 0 ? row->section + 7 : "");
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, text);
        expect_number(row->section, ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        expect_number(row->section, profiles.count, row->name == NULL ? 0 : 3);
        const enum ria_profile_kind kinds[] = {
            RIA_PROFILE, RIA_PROFILE_SSO_SESSION, RIA_PROFILE_SERVICES};
        for (size_t j = 0; row->name != NULL && j < RIA_COUNT(kinds); j++) {
            expect(row->section, ria_profiles_has(&profiles, kinds[j], row->name, NULL));
        }
    }
}

static void the_credentials_file_uses_the_whole_section_name(void **state)
{
    (void)state;
    static const char *const names[] = {"Foo Bar", "'Foo Bar'", "\"a\"", "a 'b", "a\\ b", "it's"};
    for_each_row(name, names, *name) {
        char text[64];
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_setting setting = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        (void)snprintf(text, sizeof(text), "[ %s ]\nk = v\n", *name);
        ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, text);
        expect_number(*name, ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        expect(*name, ria_profiles_get(&profiles, *name, "k", &setting));
        expect_number(*name, profiles.count, 1);
    }
}

/* Large files: 5000 SSO profiles, and 5000 sections of the same name. */
static void files_of_many_profiles_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name; /* of the last profile */
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
    for_each_row(row, rows, row->name) {
        RIA_AUTO(buf) text = {.max = RIA_INI_TEXT_MAX};
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_setting setting = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        for (unsigned j = 0; j < 5000; j++) {
            ria_buf_addf(&text, "%s%u%s%u\n", row->before, j, row->between, j);
        }
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, ria_buf_text(&text));
        if (ria_profiles_load(&fake.world, &profiles, &err) != RIA_FOUND) {
            fail_msg("%s: %s", row->name, err.text);
        }
        expect_number(row->name, profiles.count, 5000);
        expect(row->name, ria_profiles_get(&profiles, row->name, "region", &setting));
        expect_text(row->name, setting.value, "r-4999");
    }
}

static void without_home_the_home_of_the_passwd_entry_is_used(void **state)
{
    (void)state;
    static const char *const values[] = {NULL, "", " "};
    for_each_row(row, values, *row) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_env(&fake, "HOME", *row);
        fake.passwd_home = "/p";
        ria_fake_file(&fake, "/p/.aws/config", "[default]\nregion = x\n");
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, "[default]\nregion = y\n");
        struct ria_setting setting = {0};
        expect_number(*row, ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        expect(*row, ria_profiles_get(&profiles, "default", "region", &setting));
        expect_text(*row, setting.value, "x");
    }
}

/* Texts of the config file, or of both files, that the SDKs parse differently. */
static void texts_on_which_the_sdks_disagree_are_read_by_our_rules(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *config;
        const char *credentials;
        const char *region; /* of the profile p; NULL: not set */
        bool is_warned;
    } rows[] = {
        {"only the invalid sub-property is ignored",
         "[profile p]\ns3 =\n  nonsense\nregion = a\n",
         "",
         "a",
         true},
        {"a line that starts with = is ignored", "[profile p]\n= a\nregion = b\n", "", "b", true},
        {"a lone CR ends no line", "[profile p]\rregion = a\r", "", NULL, true},
        {"a tab is a blank", "[profile\tp]\nregion = a\n", "", "a", false},
        {"blanks at the end of a value are removed",
         "[profile p]\n region  =   a   \t\n",
         "",
         "a",
         false},
        {"an empty line ends a value", "[profile p]\nregion = a\n\n  b\n", "", "a", true},
        {"the credentials file takes precedence",
         "[profile p]\nregion = a\n",
         "[p]\nregion = b\n",
         "b",
         false},
        {"the files are merged key by key",
         "[profile p]\nregion = a\n",
         "[p]\noutput = b\n",
         "a",
         false},
        {"the last of equal sections takes precedence",
         "[profile p]\nregion = a\n[profile p]\nregion = b\n",
         "",
         "b",
         false},
        {"an earlier section supplies keys that the last one lacks",
         "[profile p]\nregion = a\n[profile p]\noutput = b\n",
         "",
         "a",
         false},
        {"quotes are part of a name in the credentials file",
         "",
         "[\"p\"]\nregion = a\n",
         NULL,
         true},
        {"names are case-sensitive", "[profile P]\nregion = a\n", "", NULL, false},
    };
    for_each_row(row, rows, row->name) {
        RIA_AUTO(profiles) profiles = {0};
        struct ria_error err = {0};
        struct ria_setting setting = {0};
        struct ria_fake fake;
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, row->config);
        ria_fake_file(&fake, RIA_FAKE_AWS_CREDENTIALS, row->credentials);
        expect_number(row->name, ria_profiles_load(&fake.world, &profiles, &err), RIA_FOUND);
        bool found = ria_profiles_get(&profiles, "p", "region", &setting);
        expect_number(row->name, found, row->region != NULL);
        if (found) {
            expect_text(row->name, setting.value, row->region);
        }
        expect_number(row->name, ria_fake_log_count(&fake, RIA_LOG_WARNING) > 0, row->is_warned);
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

static void one_file_can_be_searched_alone(void **state)
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
        cmocka_unit_test(files_are_found_as_the_sdks_find_them),
        cmocka_unit_test(a_path_that_is_too_long_is_reported_as_such),
        cmocka_unit_test(a_file_that_cannot_be_read_is_not_absent),
        cmocka_unit_test(only_at_a_default_path_an_unreachable_file_is_skipped_with_a_warning),
        cmocka_unit_test(without_home_the_home_of_the_passwd_entry_is_used),
        cmocka_unit_test(section_names_of_the_config_file_are_split_like_shell_words),
        cmocka_unit_test(the_credentials_file_uses_the_whole_section_name),
        cmocka_unit_test(files_of_many_profiles_are_read),
        cmocka_unit_test(texts_on_which_the_sdks_disagree_are_read_by_our_rules),
        cmocka_unit_test(warnings_name_file_and_line),
        cmocka_unit_test(one_file_can_be_searched_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The limit on the number of roles that are assumed one after another. */
#include "fake_world.h"
#include "provider/chain.h"
#include "provider/memory_cache.h"
#include "unit.h"

/* Each profile assumes a role with the credentials of the next one. The section of rds-iam's
 * configuration may add one more role. */
static void a_chain_of_too_many_roles_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned profiles;
        bool has_own_role;
    } rows[] = {
        {"as many as are allowed", RIA_ROLES_MAX, false},
        {"one profile too many", RIA_ROLES_MAX + 1, false},
        {"one role too many in rds-iam's configuration", RIA_ROLES_MAX, true},
    };
    for_each_row(row, rows, row->name) {
        struct ria_fake fake;
        struct ria_error err = {0};
        struct ria_trail trail;
        RIA_AUTO(response) response = RIA_RESPONSE_INIT;
        RIA_AUTO(buf) config = {.max = 64 * 1024};
        struct ria_role own = {0};
        own.value[RIA_ROLE_ARN].value = "arn:aws:iam::123456789012:role/own";
        for (unsigned i = 0; i < row->profiles; i++) {
            ria_buf_addf(
                &config,
                "[profile p%u]\nrole_arn = arn:aws:iam::123456789012:role/r\nregion = us-east-1\n"
                "source_profile = p%u\n",
                i,
                i + 1);
        }
        ria_buf_addf(
            &config,
            "[profile p%u]\naws_access_key_id = AKIA\naws_secret_access_key = s\n",
            row->profiles);
        ria_memory_cache_clear();
        ria_fake_init(&fake);
        ria_fake_file(&fake, RIA_FAKE_AWS_CONFIG, ria_buf_text(&config));
        const struct ria_query query = {
            .world = &fake.world,
            .deadline = ria_deadline_in(&fake.world, RIA_LOGIN_BUDGET_MS),
            .profile = {"p0", "--profile", 0},
            .role = row->has_own_role ? &own : NULL,
        };
        expect_number(row->name, ria_chain_find(&query, &response, &trail, &err), RIA_FAILED);
        bool is_refused =
            strstr(err.text, "the role chain is longer than 16 roles; shorten it") != NULL;
        expect_number(row->name, is_refused, row != rows);
        expect_number(row->name, fake.fetches, row == rows ? 1 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_too_many_roles_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

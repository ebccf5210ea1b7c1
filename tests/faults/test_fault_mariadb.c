/* SPDX-License-Identifier: MIT
 *
 * A login by each MariaDB plugin, many times; in each run, another call of the plugin fails
 * (walk.h). Function tables take the place of Connector/C (fake_mariadb.h); everything else is as
 * in a client. */
#include "fake_mariadb.h"
#include "login_walk.h"
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>

struct login {
    const char *name;
    const char *file; /* the plugin */
    const char *packet;
    const char *user; /* NULL: the operating system's user */
    bool is_verified;
    bool has_small_stack;
    const struct ria_mariadb_plugin *plugin;
};

static char host[] = LOGIN_HOST;
static char ca[] = "/ca.pem";
static char etl[] = "etl";

static void run(const void *argument, struct walk_result *out)
{
    static struct ria_fake_mariadb fake;
    const struct login *login = argument;
    ria_fake_mariadb_init(&fake);
    fake.tls = login->is_verified;
    fake.is_verification_on = login->is_verified ? 1 : 0;
    fake.mysql.options.ssl_ca = ca;
    fake.mysql.host = host;
    fake.mysql.user = login->user == NULL ? NULL : etl;
    fake.packet = login->packet;
    fake.read_fails = login->packet != NULL;
    errno = EDOM;
    int result = login->plugin->authenticate(&fake.vio, &fake.mysql);
    bool has_sent = result == RIA_MARIADB_OK;
    login_walk_result(out, has_sent, !login->is_verified, fake.sent, fake.error);
    if (errno != EDOM || result > RIA_MARIADB_ERROR) {
        out->has_succeeded = false;
        out->message[0] = '\0'; /* reported as a failure without a message */
    }
}

static struct login logins[] = {
    {"a login", "mysql_clear_password", NULL, etl, true, false, NULL},
    {"a login on a small stack", "mysql_clear_password", NULL, etl, true, true, NULL},
    {"a login without a user", "mysql_clear_password", NULL, NULL, true, false, NULL},
    {"a server that is not verified", "mysql_clear_password", NULL, etl, false, false, NULL},
    {"a default plugin", "aws_rds_iam", "\xfemysql_clear_password", etl, true, false, NULL},
};

static void every_call_may_fail(void **state)
{
    (void)state;
    for_each_row(login, logins, login->name) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s.so", RIA_PLUGINS, login->file);
        void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        expect(path, object != NULL);
        login->plugin = dlsym(object, "_mysql_client_plugin_declaration_");
        const struct walk_scenario scenario = {
            .name = login->name,
            .role = RIA_FAULT_ROLE_GUEST,
            .argument = login,
            .run = run,
            .has_small_stack = login->has_small_stack,
            .minimum_calls = login->is_verified ? 60 : 1,
        };
        login_walk(&scenario);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_may_fail)};
    login_walk_set_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

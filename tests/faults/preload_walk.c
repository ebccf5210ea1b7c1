/* SPDX-License-Identifier: MIT
 *
 * Starts a test again under the preload, and has the settings of its scenarios: a profile and an
 * empty log in a home directory, and other credentials that no login may use. */
#include "preload_walk.h"

#include "scratch.h"
#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

#define SECRET "wJalrXUtnFEMI-canary-of-the-secret-key"

void preload_walk_preloads(bool is_on)
{
    assert_int_equal(
        is_on ? setenv("LD_PRELOAD", RIA_FAULT_PRELOAD, 1) : unsetenv("LD_PRELOAD"), 0);
}

static void start_again(char **argv)
{
    const char *preload = getenv("LD_PRELOAD");
    if (preload == NULL || strcmp(preload, RIA_FAULT_PRELOAD) != 0) {
        preload_walk_preloads(true);
        (void)execv("/proc/self/exe", argv);
        abort();
    }
}

void preload_walk_set_up(char **argv)
{
    static const char *const secrets[] = {SECRET};
    char text[4096];
    start_again(argv);
    const char *directory = scratch_directory();
    (void)clearenv();
    (void)snprintf(text, sizeof(text), "%s/home", directory);
    (void)setenv("HOME", text, 1);
    (void)snprintf(text, sizeof(text), "warning:%s/home/log", directory);
    (void)setenv("RDS_IAM_LOG", text, 1);
    (void)snprintf(text, sizeof(text), "%s/home/ca.pem", directory);
    (void)setenv("RDS_IAM_CA", text, 1);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    walk_set_up(directory, PRELOAD_NOW, secrets, RIA_COUNT(secrets));
}

void preload_walk_prepare(void)
{
    scratch_clear("home");
    scratch_write("home/log", "");
    scratch_write("home/ca.pem", "");
    scratch_write(
        "home/.config/rds-iam/config",
        "[" PRELOAD_HOST "]\nprofile = etl\n"
        "[127.0.0.1]\nprofile = etl\nendpoint = " PRELOAD_HOST ":3306\n");
    scratch_write(
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIDWRONG\naws_secret_access_key = wrong\n"
        "[etl]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = " SECRET "\n");
}

void preload_walk_message(struct walk_result *out, const char *more)
{
    char log[WALK_MESSAGE_SIZE / 2];
    (void)scratch_read("home/log", log, sizeof(log));
    (void)snprintf(out->message, sizeof(out->message), "%s%.900s", log, more);
}

void preload_walk(const struct walk_scenario *scenario)
{
    static const enum ria_fault_mode modes[] = {
        RIA_FAULT_ONCE, RIA_FAULT_ALL, RIA_FAULT_INTERRUPT, RIA_FAULT_CUT};
    for (size_t i = 0; i < RIA_COUNT(modes); i++) {
        walk_expect_clean(scenario, modes[i]);
    }
}

/* SPDX-License-Identifier: MIT
 *
 * Builds the environment of rds-iam-fetch. Renames the variables of the dynamic linker and of
 * OpenSSL in a copy of the environment, and leaves the process's own environment unchanged. Drops a
 * variable of the host program that already has one of the new names, because rds-iam-fetch would
 * take it for a renamed variable. */
#include "os/host_variables.h"

#include "base/ascii.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The variables of ld.so(8), and those that tell OpenSSL 3.0 which files to load (openssl-env(7)).
 */
static const char library_path[] = "LD_LIBRARY_PATH";
const char *const ria_host_variables[RIA_HOST_VARIABLES] = {
    library_path,
    "LD_PRELOAD",
    "LD_AUDIT",
    "OPENSSL_CONF",
    "OPENSSL_CONF_INCLUDE",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
};

static bool host_variables_has_name(const char *variable, const char *name)
{
    size_t len = strlen(name);
    return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

static bool is_withheld(const char *variable)
{
    for (size_t i = 0; i < RIA_HOST_VARIABLES; i++) {
        if (host_variables_has_name(variable, ria_host_variables[i])) {
            return true;
        }
    }
    return false;
}

static bool is_renamed(const char *variable)
{
    static const char prefix[] = RIA_HOST_VARIABLE_PREFIX;
    return strncmp(variable, prefix, sizeof(prefix) - 1) == 0 &&
           is_withheld(variable + sizeof(prefix) - 1);
}

/* The state of the function that writes the new environment. Another thread of the host program may
 * change environ after its size was counted. A variable that no longer fits is left out. */
struct writer {
    struct ria_child_environment *out;
    size_t count;
    size_t room;
    char *at;
    size_t left;
};

static void host_variables_borrow(struct writer *writer, char *variable)
{
    if (writer->count < writer->room) {
        writer->out->variables[writer->count++] = variable;
    }
}

static void host_variables_add(struct writer *writer, const char *prefix, const char *rest)
{
    size_t prefix_len = strlen(prefix);
    size_t size = prefix_len + strlen(rest) + 1;
    if (size <= writer->left) {
        host_variables_borrow(writer, writer->at);
        memcpy(writer->at, prefix, prefix_len);
        memcpy(writer->at + prefix_len, rest, size - prefix_len);
        writer->at += size;
        writer->left -= size;
    }
}

static bool is_set(const char *variable)
{
    const char *value = strchr(variable, '=');
    return value != NULL && !ria_ascii_is_blank(value + 1);
}

/* Returns true if the child gets this variable under its own name. Returns false for a blank HOME.
 */
static bool host_variables_is_passed(const char *variable, bool keeps_library_path)
{
    if (is_withheld(variable)) {
        return keeps_library_path && host_variables_has_name(variable, library_path);
    }
    return !is_renamed(variable) &&
           (is_set(variable) || !host_variables_has_name(variable, "HOME"));
}

/* Allocates `count` variables and `size` bytes of text. */
static bool host_variables_make(struct ria_child_environment *out, size_t count, size_t size)
{
    out->variables = calloc(count + 1, sizeof(*out->variables));
    out->renamed = malloc(size);
    if (out->variables == NULL || out->renamed == NULL) {
        ria_child_environment_release(out);
        return false;
    }
    return true;
}

bool ria_host_variables_withhold(
    bool keeps_library_path, const char *home, struct ria_child_environment *out)
{
    size_t count = 0;
    size_t size = home == NULL ? 1 : sizeof("HOME=") + strlen(home);
    for (; environ != NULL && environ[count] != NULL; count++) {
        size += is_withheld(environ[count])
                    ? sizeof(RIA_HOST_VARIABLE_PREFIX) + strlen(environ[count])
                    : 0;
    }
    *out = (struct ria_child_environment){0};
    if (!host_variables_make(out, count + 2, size)) {
        return false;
    }
    struct writer writer = {.out = out, .room = count + 2, .at = out->renamed, .left = size};
    bool has_home = false;
    for (size_t i = 0; i < count && environ[i] != NULL; i++) {
        char *variable = environ[i];
        if (is_withheld(variable)) {
            host_variables_add(&writer, RIA_HOST_VARIABLE_PREFIX, variable);
        }
        if (host_variables_is_passed(variable, keeps_library_path)) {
            host_variables_borrow(&writer, variable);
            has_home = has_home || host_variables_has_name(variable, "HOME");
        }
    }
    if (!has_home && home != NULL) {
        host_variables_add(&writer, "HOME=", home);
    }
    return true;
}

void ria_child_environment_release(struct ria_child_environment *environment)
{
    free(environment->variables);
    free(environment->renamed);
    *environment = (struct ria_child_environment){0};
}

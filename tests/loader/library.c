/* SPDX-License-Identifier: MIT
 *
 * Models the plugin list of Oracle's client library: loads plugins, finds them by name, and calls
 * them. Rejects a plugin of another interface, a name that does not match the file, and a second
 * plugin of the same name, as the library does. */
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AUTHENTICATION_PLUGIN = 2,
    NAME_MAX_LENGTH = 64,
};

static const char clear_password[] = "mysql_clear_password";

const struct ria_profile ria_profiles[RIA_PROFILES] = {
    {"5.7", 0x0100, true, false, "rds_iam_v1"},
    {"8.0, early", 0x0101, false, false, "rds_iam_v1"},
    {"8.0, late, to 8.4", 0x0200, false, false, "rds_iam_v2"},
    {"9.x", 0x0200, false, true, "rds_iam_v2"},
};

typedef int authenticate_user(struct ria_connection *connection, void *mysql);

static authenticate_user *function_of(
    const struct ria_library *library, const struct ria_declaration *declaration)
{
    size_t index = library->profile->interface >= 0x0200 ? 1 : 0;
    return (authenticate_user *)declaration->functions[index];
}

void ria_library_start(struct ria_library *library, const struct ria_profile *profile)
{
    memset(library, 0, sizeof(*library));
    (void)pthread_mutex_init(&library->lock, NULL);
    library->profile = profile;
    struct ria_declaration *built_in = calloc(1, sizeof(*built_in));
    if (built_in == NULL) {
        abort();
    }
    built_in->type = AUTHENTICATION_PLUGIN;
    built_in->interface_version = profile->interface;
    built_in->name = clear_password;
    library->plugins[0].declaration = built_in;
    library->count = 1;
}

struct ria_declaration *ria_library_find(struct ria_library *library, const char *name)
{
    for (size_t i = library->count; i > 0; i--) {
        if (strcmp(library->plugins[i - 1].declaration->name, name) == 0) {
            return library->plugins[i - 1].declaration;
        }
    }
    return NULL;
}

static int call_init(struct ria_declaration *declaration, char *error, size_t size, ...)
{
    va_list args;
    va_start(args, size);
    int result = declaration->init == NULL ? 0 : declaration->init(error, size, 0, args);
    va_end(args);
    return result;
}

/* Checks the interface, calls init(), and puts the plugin at the head of the list, in this order.
 */
static enum ria_load add(
    struct ria_library *library, struct ria_declaration *declaration, void *handle)
{
    char error[1024] = "";
    unsigned ours = library->profile->interface;
    if (declaration->interface_version < ours || declaration->interface_version >> 8 > ours >> 8) {
        return RIA_LOAD_OTHER_INTERFACE;
    }
    if (call_init(declaration, error, sizeof(error)) != 0 ||
        library->count == RIA_LIBRARY_PLUGINS_MAX) {
        return RIA_LOAD_INIT_FAILED;
    }
    library->plugins[library->count].declaration = declaration;
    library->plugins[library->count].handle = handle;
    library->count++;
    return RIA_LOADED;
}

static enum ria_load load_locked(
    struct ria_library *library, const char *path, const char *name, void **handle)
{
    *handle = dlopen(path, RTLD_NOW);
    if (*handle == NULL) {
        return RIA_LOAD_NO_FILE;
    }
    struct ria_declaration *declaration = dlsym(*handle, "_mysql_client_plugin_declaration_");
    if (declaration == NULL || declaration->type != AUTHENTICATION_PLUGIN) {
        return RIA_LOAD_NO_PLUGIN;
    }
    if (strcmp(name, declaration->name) != 0) {
        return RIA_LOAD_OTHER_NAME;
    }
    if (ria_library_find(library, declaration->name) != NULL) {
        return RIA_LOAD_TWICE;
    }
    return add(library, declaration, *handle);
}

enum ria_load ria_library_load(struct ria_library *library, const char *directory, const char *name)
{
    char path[4096];
    void *handle = NULL;
    if (strlen(name) > NAME_MAX_LENGTH || strchr(name, '/') != NULL) {
        return RIA_LOAD_NO_FILE;
    }
    (void)snprintf(path, sizeof(path), "%s/%s.so", directory, name);
    (void)pthread_mutex_lock(&library->lock);
    enum ria_load result = load_locked(library, path, name, &handle);
    if (result != RIA_LOADED && handle != NULL) {
        (void)dlclose(handle);
    }
    (void)pthread_mutex_unlock(&library->lock);
    return result;
}

size_t ria_library_preload(struct ria_library *library, const char *directory, const char *names)
{
    char copy[256];
    char *rest = NULL;
    size_t taken = 0;
    (void)snprintf(copy, sizeof(copy), "%s", names);
    for (char *name = strtok_r(copy, ";", &rest); name != NULL; name = strtok_r(NULL, ";", &rest)) {
        taken += ria_library_load(library, directory, name) == RIA_LOADED;
    }
    return taken;
}

void ria_library_end(struct ria_library *library)
{
    for (size_t i = library->count; i > 0; i--) {
        struct ria_declaration *declaration = library->plugins[i - 1].declaration;
        if (declaration->deinit != NULL) {
            (void)declaration->deinit();
        }
        if (library->plugins[i - 1].handle != NULL) {
            (void)dlclose(library->plugins[i - 1].handle);
        } else {
            free(declaration);
        }
    }
    library->count = 0;
    (void)pthread_mutex_destroy(&library->lock);
}

/* The built-in plugin. The gate (library.h) decides whether it runs. */
static int send_password(struct ria_connection *connection, const char *password)
{
    const unsigned char *text = (const unsigned char *)password;
    return connection->write_packet(connection, text, (int)strlen(password) + 1) == 0 ? -1 : 0;
}

/* The gate in front of the built-in plugin. It compares pointers, so every other plugin passes. */
static bool is_enabled(const struct ria_library *library, const struct ria_declaration *plugin)
{
    const char *value = getenv("LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN");
    return plugin != library->plugins[0].declaration || library->is_cleartext_enabled ||
           (value != NULL && strchr("1Yy", value[0]) != NULL);
}

bool ria_library_authenticate(
    struct ria_library *library, struct ria_connection *connection, int *result)
{
    const struct ria_declaration *plugin = ria_library_find(library, clear_password);
    *result = 1;
    if (!is_enabled(library, plugin)) {
        ria_connection_set_error(
            connection,
            2059,
            "HY000",
            "Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled");
        return false;
    }
    *result = plugin == library->plugins[0].declaration
                  ? send_password(connection, ria_connection_password(connection))
                  : function_of(library, plugin)(connection, connection->mysql);
    if (*result > 0) {
        ria_connection_set_error(connection, (unsigned)*result, "HY000", "Unknown MySQL error");
    } else if (*result == 0 && ria_connection_errno(connection) == 0) {
        ria_connection_set_error(connection, 2000, "HY000", "Unknown MySQL error");
    }
    return *result < 0;
}

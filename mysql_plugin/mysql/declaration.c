/* SPDX-License-Identifier: MIT
 *
 * Defines the plugin's one exported symbol, and makes the plugin replace the library's built-in
 * mysql_clear_password. The library compares the plugin's name with the file's name before it calls
 * init(). The library then puts the plugin in front of its built-in plugins, and later finds a
 * plugin by the name in the plugin's structure. So init() changes the name in this plugin's
 * structure to mysql_clear_password, and the library finds this plugin before its own.
 *
 * This file is compiled twice: with RIA_MYSQL_PLUGIN as rds_iam_v1 and as rds_iam_v2. */
#include "plugin.h"

#include "message.h"

#define TEXT_OF(macro) TEXT(macro)
#define TEXT(word) #word

static int init(char *error, size_t size, int argc, va_list args);
static int deinit(void);
static int declaration_authenticate(struct ria_mysql_vio *vio, struct ria_mysql *mysql);

static const char name_on_file[] = TEXT_OF(RIA_MYSQL_PLUGIN);

extern struct RIA_MYSQL_DECLARATION _mysql_client_plugin_declaration_;

__attribute__((
    visibility("default"))) struct RIA_MYSQL_DECLARATION _mysql_client_plugin_declaration_ = {
    .type = RIA_MYSQL_AUTHENTICATION_PLUGIN,
    .interface_version = RIA_MYSQL_INTERFACE_VERSION,
    .name = name_on_file,
    .author = RIA_PLUGIN_AUTHOR,
    .description = RIA_PLUGIN_DESCRIPTION,
    .version = {0, 1, 0},
    .license = "MIT",
    .init = init,
    .deinit = deinit,
    .authenticate = declaration_authenticate,
};

/* The library calls init() under its lock, before another thread can see the structure. */
static int init(char *error, size_t size, int argc, va_list args)
{
    (void)argc;
    (void)args;
    if (error != NULL && size > 0) {
        error[0] = '\0';
    }
    _mysql_client_plugin_declaration_.name = "mysql_clear_password";
    return 0;
}

/* Restores the name. The library may be initialized again in this process, and then compares the
 * name with the file's name once more. */
static int deinit(void)
{
    _mysql_client_plugin_declaration_.name = name_on_file;
    return 0;
}

static int declaration_authenticate(struct ria_mysql_vio *vio, struct ria_mysql *mysql)
{
    return ria_mysql_authenticate(vio, mysql, RIA_MYSQL_INTERFACE_VERSION);
}

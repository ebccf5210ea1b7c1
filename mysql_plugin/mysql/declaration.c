/* SPDX-License-Identifier: MIT
 *
 * The one exported symbol, and the trick: the library compares a plugin's name before it calls
 * init(), puts the plugin in front of its own ones afterwards, and looks it up by the name in this
 * very structure. init() changes that name to mysql_clear_password, so that this plugin is found
 * where the library's own would be.
 *
 * Built twice, as RIA_MYSQL_PLUGIN rds_iam_v1 and rds_iam_v2. */
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

/* Called under the library's lock, before anybody else can see the structure. */
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

/* The library may be started again in this process, and then looks for the name of the file. */
static int deinit(void)
{
    _mysql_client_plugin_declaration_.name = name_on_file;
    return 0;
}

static int declaration_authenticate(struct ria_mysql_vio *vio, struct ria_mysql *mysql)
{
    return ria_mysql_authenticate(vio, mysql, RIA_MYSQL_INTERFACE_VERSION);
}

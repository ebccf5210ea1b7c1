/* SPDX-License-Identifier: MIT
 *
 * Reads the list of options that PQconninfo() gave. The kinds of hosts follow pqConnectOptions2()
 * in fe-connect.c, PostgreSQL 10 to 18. */
#include "preload/settled.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Every option of libpq 18, and some of later ones. */
    OPTIONS_MAX = 128,
    MORE = 3,
};

char *ria_settled_value(const struct ria_settled *settled, const char *keyword)
{
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        if (strcmp(at->keyword, keyword) == 0) {
            return at->val == NULL || *at->val == '\0' ? NULL : at->val;
        }
    }
    return NULL;
}

bool ria_settled_prefers_gss(const struct ria_settled *settled)
{
    const char *mode = ria_settled_value(settled, "gssencmode");
    return mode != NULL && strcmp(mode, "prefer") == 0;
}

/* -- where it goes --------------------------------------------------------------------------- */

/* Moves to the next item of a list, or to the end of its last one. NULL is an empty list. */
static const char *next_item(const char *item)
{
    const char *end = item == NULL ? NULL : strchrnul(item, ',');
    return end == NULL || *end == '\0' ? end : end + 1;
}

static bool is_empty_item(const char *item)
{
    return item == NULL || *item == '\0' || *item == ',';
}

/* libpq dials the address of an entry if it has one, else its host. An entry that has neither is
 * the default directory of sockets. Before libpq 14 '@' was the beginning of a name, which DNS does
 * not know. Both lists have as many items, or libpq refuses the connection. */
static bool has_socket(const char *hosts, const char *addresses)
{
    const char *list = addresses != NULL ? addresses : hosts;
    size_t count = 1;
    for (const char *at = list; at != NULL && *at != '\0'; at++) {
        count += *at == ',' ? 1 : 0;
    }
    for (; count > 0; count--) {
        bool is_named = !is_empty_item(hosts) && *hosts != '/' && *hosts != '@';
        if (is_empty_item(addresses) && !is_named) {
            return true;
        }
        hosts = next_item(hosts);
        addresses = next_item(addresses);
    }
    return false;
}

struct ria_pq_target ria_settled_target(const struct ria_settled *settled)
{
    struct ria_pq_target target = {
        .host = ria_settled_value(settled, "host"),
        .hostaddr = ria_settled_value(settled, "hostaddr"),
        .port = ria_settled_value(settled, "port"),
        .user = ria_settled_value(settled, "user"),
        .sslmode = ria_settled_value(settled, "sslmode"),
        .gssencmode = ria_settled_value(settled, "gssencmode"),
        .passfile = ria_settled_value(settled, "passfile"),
        .service_path = settled->service_path,
        .service_fd = settled->service_fd,
    };
    target.has_socket = has_socket(target.host, target.hostaddr);
    return target;
}

/* -- the same without a password ------------------------------------------------------------- */

static bool is_one_of(const char *keyword, const char *const *list)
{
    while (*list != NULL && strcmp(*list, keyword) != 0) {
        list++;
    }
    return *list != NULL;
}

static bool is_left_out(const struct ria_pq_option *option, const char *const *but)
{
    return option->val == NULL || strcmp(option->keyword, "password") == 0 ||
           is_one_of(option->keyword, but);
}

/* Only a connection string can say that a setting is empty, as the password now is: an empty
 * argument means that the environment or the default counts (10 to 18). */
static bool say_what_is_empty(
    const struct ria_settled *settled, const char *const *but, struct ria_arguments *out)
{
    static const char password[] = "password=''";
    size_t size = sizeof(password);
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        size += strlen(at->keyword) + strlen(" =''");
    }
    char *end = ria_arguments_text(out, size);
    end = end == NULL ? NULL : stpcpy(end, password);
    for (const struct ria_pq_option *at = settled->options; end != NULL && at->keyword != NULL;
         at++) {
        if (!is_left_out(at, but) && *at->val == '\0') {
            end = stpcpy(stpcpy(stpcpy(end, " "), at->keyword), "=''");
        }
    }
    ria_arguments_add(out, "dbname", out->text);
    return end != NULL;
}

bool ria_settled_without_password(
    const struct ria_settled *settled, const char *const *but, struct ria_arguments *out)
{
    if (!ria_arguments_init(out, OPTIONS_MAX + MORE + 1, 1) ||
        !say_what_is_empty(settled, but, out)) {
        return false;
    }
    for (const struct ria_pq_option *at = settled->options; at->keyword != NULL; at++) {
        if (!is_left_out(at, but) && *at->val != '\0' && out->count < OPTIONS_MAX) {
            ria_arguments_add(out, at->keyword, at->val);
        }
    }
    return true;
}

void ria_settled_release(struct ria_settled *settled)
{
    void (*release)(struct ria_pq_option *);
    void (*finish)(struct ria_pq_conn *);
    if (settled->options != NULL &&
        ria_library_function(settled->libpq, "PQconninfoFree", &release)) {
        release(settled->options);
    }
    if (settled->refused != NULL && ria_library_function(settled->libpq, "PQfinish", &finish)) {
        finish(settled->refused);
    }
    if (settled->stored_token != NULL) {
        explicit_bzero(settled->stored_token, strlen(settled->stored_token));
        free(settled->stored_token);
    }
    if (settled->service_path != NULL && settled->service_fd >= 0) {
        (void)close(settled->service_fd);
    }
    free(settled->service_path);
    *settled = (struct ria_settled){0};
}

/* SPDX-License-Identifier: MIT
 *
 * Checks and quotes the names of database users and databases, with tables of the limits and of the
 * reserved names. Rejects a name that a server would reject or would change when it stores the
 * name. */
#include "tool/sql_name.h"

enum {
    BMP_MAX = 0xffff, /* the largest character of MySQL's utf8mb3 */
};

static const char postgres_limit[] = "is longer than the 63 bytes that PostgreSQL stores";
static const char database_limit[] = "is longer than the 64 characters of a database name";

/* PostgreSQL: NAMEDATALEN - 1. MySQL: Reference Manual 8.4, "Identifier Length Limits". MariaDB:
 * the limit that every release of MariaDB on RDS has. */
static const struct {
    unsigned max;
    const char *fault;
} limits[RIA_ENGINES][RIA_NAME_KINDS] = {
    [RIA_ENGINE_POSTGRES] = {{63, postgres_limit}, {63, postgres_limit}},
    [RIA_ENGINE_MYSQL] =
        {{32, "is longer than the 32 characters of a MySQL user"}, {64, database_limit}},
    [RIA_ENGINE_MARIADB] =
        {{80, "is longer than the 80 characters of a MariaDB user"}, {64, database_limit}},
};

/* The properties of a name that the checks use. */
struct name_facts {
    unsigned bytes;
    unsigned characters;
    uint32_t largest;
    bool is_utf8;
    bool has_control;
};

static struct name_facts sql_name_measure(const char *name)
{
    struct name_facts facts = {.is_utf8 = true};
    while (*name != '\0') {
        uint32_t code = 0;
        size_t len = ria_text_decode(name, &code);
        if (len == 0) {
            facts.is_utf8 = false;
            len = 1;
        }
        facts.has_control |= len > 0 && (code < 0x20 || (code >= 0x7f && code < 0xa0));
        facts.largest = code > facts.largest ? code : facts.largest;
        facts.bytes += (unsigned)len;
        facts.characters++;
        name += len;
    }
    return facts;
}

const char *ria_name_fault(const char *name)
{
    struct name_facts facts = sql_name_measure(name);
    if (!facts.is_utf8) {
        return "is not UTF-8";
    }
    return facts.has_control ? "contains a control character" : NULL;
}

/* Checks a user's name against the names that only PostgreSQL reserves. Returns what is wrong, or
 * NULL. CREATE ROLE rejects a reserved name even if the name is in quotes. */
static const char *find_reserved(const char *name)
{
    static const char *const reserved[] = {"public", "none"};
    if (strncmp(name, "pg_", 3) == 0) {
        return "begins with pg_, which PostgreSQL reserves for its own roles";
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return "is reserved by PostgreSQL";
        }
    }
    return NULL;
}

/* Checks a name by the rules that only MySQL and MariaDB have. Returns what is wrong, or NULL. */
static const char *find_mysql_fault(const char *name, uint32_t largest)
{
    if (largest > BMP_MAX) {
        return "contains a character above U+FFFF, which the server cannot store in a name";
    }
    size_t len = strlen(name);
    return len > 0 && name[len - 1] == ' ' ? "ends with a space, which the server does not store"
                                           : NULL;
}

const char *ria_sql_name_fault(enum ria_engine engine, enum ria_name_kind kind, const char *name)
{
    const char *fault = ria_name_fault(name);
    if (fault != NULL) {
        return fault;
    }
    struct name_facts facts = sql_name_measure(name);
    bool is_postgres = engine == RIA_ENGINE_POSTGRES;
    if ((is_postgres ? facts.bytes : facts.characters) > limits[engine][kind].max) {
        return limits[engine][kind].fault;
    }
    if (is_postgres) {
        return kind == RIA_NAME_USER ? find_reserved(name) : NULL;
    }
    return find_mysql_fault(name, facts.largest);
}

void ria_sql_name_add(enum ria_engine engine, const char *name, struct ria_buf *out)
{
    char quote = (char)(engine == RIA_ENGINE_POSTGRES ? '"' : '`');
    ria_buf_add_char(out, quote);
    for (; *name != '\0'; name++) {
        if (*name == quote) {
            ria_buf_add_char(out, quote);
        }
        ria_buf_add_char(out, *name);
    }
    ria_buf_add_char(out, quote);
}

void ria_sql_name_add_pattern(const char *name, struct ria_buf *out)
{
    RIA_AUTO(buf) pattern = {.max = out->max};
    for (; *name != '\0'; name++) {
        if (strchr("_%\\", *name) != NULL) {
            ria_buf_add_char(&pattern, '\\');
        }
        ria_buf_add_char(&pattern, *name);
    }
    const char *text = ria_buf_text(&pattern);
    if (text == NULL) {
        out->failed = true;
        return;
    }
    ria_sql_name_add(RIA_ENGINE_MYSQL, text, out);
}

/* SPDX-License-Identifier: MIT
 *
 * The runner for tables of rows: remembers which table and row are running, and how many checks
 * have failed.
 */
#include "unit.h"

static struct unit_table current;

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

void unit_fail(const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (current.file == NULL) {
        print_error("%s:%d: %s\n", base_name(file), line, text);
        _fail(file, line);
    }
    print_error(
        "%s:%d: row %zu of %s, \"%s\": %s\n",
        base_name(file),
        line,
        current.ran,
        current.table,
        current.row == NULL ? "" : current.row,
        text);
    current.failed++;
}

struct unit_table unit_table_begin(const char *file, int line, const char *table, size_t count)
{
    struct unit_table outer = current;
    current = (struct unit_table){.file = file, .line = line, .table = table, .count = count};
    return outer;
}

bool unit_table_enter(void)
{
    bool is_first = !current.is_entered;
    current.is_entered = true;
    return is_first;
}

bool unit_row_begin(const char *name)
{
    current.ran++;
    current.row = name;
    return true;
}

void unit_table_end(const struct unit_table *outer)
{
    struct unit_table table = current;
    const char *file = base_name(table.file);
    current = *outer;
    print_message("# %s:%d: %s: %zu rows\n", file, table.line, table.table, table.ran);
    if (table.count == 0 || table.ran != table.count) {
        unit_fail(
            table.file,
            table.line,
            "%s: %zu of %zu rows ran; a table runs all rows and has at least one",
            table.table,
            table.ran,
            table.count);
    }
    if (table.failed > 0) {
        unit_fail(table.file, table.line, "%s: %zu checks failed", table.table, table.failed);
    }
}

int unit_setup(void **state)
{
    (void)state;
    current = (struct unit_table){0};
    return 0;
}

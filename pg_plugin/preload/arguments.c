/* SPDX-License-Identifier: MIT
 *
 * Keeps keywords and values in two arrays that end with NULL, as libpq expects them. What does not
 * fit into the room that was asked for is left out. */
#include "preload/arguments.h"

#include <stdlib.h>

bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname)
{
    *arguments = (struct ria_arguments){.expand_dbname = expand_dbname, .room = room};
    arguments->keywords = calloc(room + 1, sizeof(*arguments->keywords));
    arguments->values = calloc(room + 1, sizeof(*arguments->values));
    return arguments->keywords != NULL && arguments->values != NULL;
}

void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value)
{
    if (arguments->count < arguments->room) {
        arguments->keywords[arguments->count] = keyword;
        arguments->values[arguments->count++] = value;
    }
}

void ria_arguments_cut(struct ria_arguments *arguments, size_t count)
{
    while (arguments->count > count) {
        arguments->count--;
        arguments->keywords[arguments->count] = NULL;
        arguments->values[arguments->count] = NULL;
    }
}

char *ria_arguments_text(struct ria_arguments *arguments, size_t size)
{
    arguments->text = malloc(size);
    return arguments->text;
}

void ria_arguments_release(struct ria_arguments *arguments)
{
    free(arguments->keywords);
    free(arguments->values);
    free(arguments->text);
    *arguments = (struct ria_arguments){0};
}

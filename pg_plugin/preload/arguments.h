/* SPDX-License-Identifier: MIT
 *
 * The arguments of PQconnectdbParams(), as a list that grows within the room that it was made with.
 */
#ifndef RIA_PRELOAD_ARGUMENTS_H
#define RIA_PRELOAD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* The arrays and the text are owned, what else they point at is borrowed. */
struct ria_arguments {
    const char **keywords;
    const char **values;
    size_t count;
    size_t room;
    int expand_dbname;
    char *text; /* for an argument that nothing else holds; or NULL */
};

/* Makes room for `room` arguments. False without memory. Release it, or use RIA_AUTO(arguments). */
bool ria_arguments_init(struct ria_arguments *arguments, size_t room, int expand_dbname);

/* Appends one. Within the room asked for. */
void ria_arguments_add(struct ria_arguments *arguments, const char *keyword, const char *value);

/* Takes the last arguments away, down to `count`. */
void ria_arguments_cut(struct ria_arguments *arguments, size_t count);

/* Memory for a text of the arguments' own; they have one at most. NULL if there is none. */
char *ria_arguments_text(struct ria_arguments *arguments, size_t size);

void ria_arguments_release(struct ria_arguments *arguments);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Loads a client library at run time and looks up its functions.
 */
#ifndef RIA_PROBE_LIBRARY_H
#define RIA_PROBE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct probe_function {
    const char *name;
    void **out; /* receives the function's address */
};

/* Loads the library and fills the functions. Prints error_stage "library" and error, and returns
 * false, if the library or a function is missing. The library stays loaded. */
bool probe_load(const char *library, const struct probe_function *functions, size_t count);

#endif

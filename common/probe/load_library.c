/* SPDX-License-Identifier: MIT
 *
 * Loads a client library with dlopen(). Other libraries can see the library's functions, as in a
 * program that is linked with the library. Rejects a library without one of the functions that the
 * caller needs. */

#include "probe/probe_program.h"

#include <dlfcn.h>

bool probe_load(const char *library, const struct probe_function *functions, size_t count)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (handle == NULL) {
        probe_print("error_stage", "library");
        probe_print("error", "%s", dlerror());
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        *functions[i].out = dlsym(handle, functions[i].name);
        if (*functions[i].out == NULL) {
            probe_print("error_stage", "library");
            probe_print("error", "%s has no function %s", library, functions[i].name);
            return false;
        }
    }
    probe_print("library", "%s", library);
    return true;
}

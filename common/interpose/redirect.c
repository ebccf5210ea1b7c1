/* SPDX-License-Identifier: MIT
 *
 * Stores the redirected path and its function. Both are written before main(), and only read after
 * that. */
#include "interpose/redirect.h"

#include <stddef.h>
#include <string.h>

static struct {
    const char *path; /* NULL: no path is redirected */
    ria_redirect_open *open;
} redirect;

void ria_redirect_set(const char *path, ria_redirect_open *open)
{
    redirect.open = open;
    redirect.path = path;
}

int ria_redirect_try(const char *path)
{
    return redirect.path != NULL && strcmp(path, redirect.path) == 0 ? redirect.open() : -1;
}

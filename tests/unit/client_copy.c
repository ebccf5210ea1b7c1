/* SPDX-License-Identifier: MIT
 *
 * A client library that is built in several copies: client_number() returns the number of the copy.
 * If WRAPPER is defined, the object stands for a wrapper of the library: it has all functions
 * except client_mark(). */
typedef int client_function(void);

__attribute__((visibility("default"))) client_function client_number, client_twice, client_other,
    client_mark;

int client_number(void)
{
    return NUMBER;
}

int client_twice(void)
{
    return 2 * NUMBER;
}

int client_other(void)
{
    return 100 + NUMBER;
}

#ifndef WRAPPER
int client_mark(void)
{
    return 0;
}
#endif

/* SPDX-License-Identifier: MIT
 *
 * Interposes the functions of libmariadb and libmysqlclient that create a handle (MYSQL), close it,
 * set its options or begin a connection. Each function is compiled nine times: once with its public
 * name, for programs that are linked with a library, and in eight numbered variants, for programs
 * that call dlsym(). A program may have loaded several copies of the libraries; dlsym() returns a
 * different variant for each copy. Each variant calls the function of its copy with the program's
 * own arguments. After the library has accepted an option, this file records the option. Before a
 * connection, it sets the missing options (settings.h).
 *
 * A library calls its own functions by their public names, so these calls also reach this file: at
 * a reconnect, from mysql_real_connect_start(), and for each line of an option file. This file
 * passes such a call to the library, but records nothing and sets nothing. It recognizes a
 * library's own call by the return address, which lies in the library. There is one exception: if a
 * function of the library ends with a jump to another function, the return address lies in this
 * object, because this object has called the first of the two functions. This file recognizes such
 * a call too, because the first function has not returned yet. A library's own call may run on a
 * stack of 60 KB (libmariadb's coroutines). */
#include "preload/client_abi.h"
#include "preload/handle_record.h"
#include "preload/mysql_list.h"
#include "preload/settings.h"

#include "base/buf.h"
#include "base/text.h"
#include "interpose/library.h"
#include "interpose/lookup.h"
#include "interpose/preload_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

/* Marks a function that has nine callers: one for programs that are linked with a library, and one
 * for each of RIA_COPIES_MAX copies. Without this attribute, the compiler would inline the function
 * into each caller. */
#define ONE_FOR_ALL_COPIES __attribute__((noinline)) static

/* -- a call ------------------------------------------------------------------------------------ */

/* The origin of a call. */
struct origin {
    const void *copy;   /* identifies the copy: an address in the caller's object, or in the copy */
    const void *caller; /* the return address */
};

/* The copy of a library in which a call is in progress on this thread: this file has called a
 * function of the copy, and that function has not returned yet. NULL: no such call is in progress.
 * Borrowed. */
static __thread void *entered;

struct call {
    struct ria_library library;
    bool is_borrowed; /* an outer call owns the reference to the library */
    bool is_programs; /* the program, and not the library, made the call; false in a program that
                         runs with more privileges than its caller */
    void *outer;      /* the value of `entered` before this call */
    int saved_errno;
};

/* Logs why a call fails, because the library cannot set an error for a call that it does not get.
 * Returns false. */
static bool call_fail(const char *name)
{
    char text[RIA_LOG_LINE_MAX];
    (void)ria_text_format(
        text,
        sizeof(text),
        "%s() fails, because it was not found in the client library, maybe for lack of memory; try "
        "again",
        name);
    ria_preload_log(RIA_LOG_WARNING, text);
    return false;
}

/* Finds the copy that the call is meant for, and copies the address of its function `name` to
 * *function. Returns false, with the reason logged, if no such copy or function exists. The
 * caller must call call_end() in both cases. */
static bool call_begin(
    struct call *call, const struct origin *origin, const char *name, void *function)
{
    *call = (struct call){.outer = entered, .saved_errno = errno};
    if (entered != NULL && ria_library_is_ours(origin->caller)) {
        call->library.handle = entered;
        call->is_borrowed = true;
    } else if (!ria_library_find(name, origin->copy, &call->library)) {
        return call_fail(name);
    }
    call->is_programs = !call->is_borrowed && getauxval(AT_SECURE) == 0 &&
                        !ria_library_contains(&call->library, origin->caller);
    entered = call->library.handle;
    errno = call->saved_errno;
    return ria_library_function(&call->library, name, function) || call_fail(name);
}

static void call_end(struct call *call)
{
    int saved = errno;
    entered = call->outer;
    if (!call->is_borrowed) {
        ria_library_release(&call->library);
    }
    errno = saved;
}

/* -- handles and options ----------------------------------------------------------------------- */

ONE_FOR_ALL_COPIES struct ria_handle *do_init(const struct origin *origin, struct ria_handle *mysql)
{
    struct call call;
    struct ria_handle *(*real)(struct ria_handle *);
    struct ria_handle *made = NULL;
    if (call_begin(&call, origin, "mysql_init", &real)) {
        made = real(mysql);
    }
    if (made != NULL && call.is_programs && !ria_handle_begin(made)) {
        ria_preload_log(
            RIA_LOG_WARNING,
            "the settings of a handle are left alone: memory ran out, or there are too many "
            "handles; close others and try again");
    }
    call_end(&call);
    return made;
}

/* Removes the entry before the library frees the handle, because another thread may get a handle at
 * the same address at once. */
ONE_FOR_ALL_COPIES void do_close(const struct origin *origin, struct ria_handle *mysql)
{
    struct call call;
    void (*real)(struct ria_handle *);
    if (call_begin(&call, origin, "mysql_close", &real)) {
        if (call.is_programs) {
            ria_handle_end(mysql);
        }
        real(mysql);
    }
    call_end(&call);
}

/* mysql_close_cont(), which completes the close, is not interposed, so the entry is removed here.
 */
ONE_FOR_ALL_COPIES int do_close_start(const struct origin *origin, struct ria_handle *mysql)
{
    struct call call;
    int (*real)(struct ria_handle *);
    int result = 0;
    if (call_begin(&call, origin, "mysql_close_start", &real)) {
        if (call.is_programs) {
            ria_handle_end(mysql);
        }
        result = real(mysql);
    }
    call_end(&call);
    return result;
}

/* Sets an option that has one value or two. `name` is the name of the function that the program has
 * called. */
ONE_FOR_ALL_COPIES int set_option(
    const struct origin *origin,
    const char *name,
    struct ria_handle *mysql,
    int option,
    const void *values[2])
{
    struct call call;
    int (*real)(struct ria_handle *, int, const void *, const void *);
    int (*real_variadic)(struct ria_handle *, int, ...);
    int result = 1;
    bool is_variadic = strcmp(name, "mysql_optionsv") == 0;
    if (call_begin(&call, origin, name, is_variadic ? (void *)&real_variadic : (void *)&real)) {
        result = is_variadic ? real_variadic(mysql, option, values[0], values[1])
                             : real(mysql, option, values[0], values[1]);
    }
    if (result == 0 && call.is_programs) {
        ria_settings_record(&call.library, mysql, option, values[0]);
    }
    call_end(&call);
    return result;
}

/* `texts` are the key, the certificate, the CA file, the CA directory and the ciphers. */
ONE_FOR_ALL_COPIES char set_ssl(
    const struct origin *origin, struct ria_handle *mysql, const char *texts[5])
{
    struct call call;
    char (*real)(
        struct ria_handle *, const char *, const char *, const char *, const char *, const char *);
    char result = 1;
    if (call_begin(&call, origin, "mysql_ssl_set", &real)) {
        result = real(mysql, texts[0], texts[1], texts[2], texts[3], texts[4]);
    }
    if (result == 0 && call.is_programs) {
        ria_settings_record_ssl(&call.library, mysql, texts[2], texts[3]);
    }
    call_end(&call);
    return result;
}

/* -- connections ------------------------------------------------------------------------------- */

struct connection {
    struct ria_handle *mysql;
    struct ria_dialed dialed;
    const char *password;
    const char *database;
    unsigned long flags;
};

static bool forgets_options(const struct connection *with)
{
    return (with->flags & RIA_REMEMBER_OPTIONS) == 0;
}

ONE_FOR_ALL_COPIES struct ria_handle *do_connect(
    const struct origin *origin, const struct connection *with)
{
    struct call call;
    struct ria_handle *(*real)(
        struct ria_handle *,
        const char *,
        const char *,
        const char *,
        const char *,
        unsigned,
        const char *,
        unsigned long);
    struct ria_handle *result = NULL;
    const struct ria_dialed *dialed = &with->dialed;
    if (call_begin(&call, origin, "mysql_real_connect", &real)) {
        if (call.is_programs) {
            ria_settings_apply(&call.library, with->mysql, dialed);
        }
        result = real(
            with->mysql,
            dialed->host,
            dialed->user,
            with->password,
            with->database,
            dialed->port,
            dialed->unix_socket,
            with->flags);
        if (result == NULL && call.is_programs && forgets_options(with)) {
            ria_settings_forget(&call.library, with->mysql);
        }
    }
    call_end(&call);
    return result;
}

/* If this connection fails, libmariadb keeps the handle's options (unlike after
 * mysql_real_connect()), so this function keeps the record. */
ONE_FOR_ALL_COPIES int do_connect_start(
    const struct origin *origin, const struct connection *with, struct ria_handle **result)
{
    struct call call;
    int (*real)(
        struct ria_handle **,
        struct ria_handle *,
        const char *,
        const char *,
        const char *,
        const char *,
        unsigned,
        const char *,
        unsigned long);
    int wait = 0;
    *result = NULL;
    const struct ria_dialed *dialed = &with->dialed;
    if (call_begin(&call, origin, "mysql_real_connect_start", &real)) {
        if (call.is_programs) {
            ria_settings_apply(&call.library, with->mysql, dialed);
        }
        wait = real(
            result,
            with->mysql,
            dialed->host,
            dialed->user,
            with->password,
            with->database,
            dialed->port,
            dialed->unix_socket,
            with->flags);
    }
    call_end(&call);
    return wait;
}

static void follow_nonblocking(
    const struct ria_library *library, const struct connection *with, int status)
{
    ria_handle_change(
        with->mysql, RIA_IS_CONNECTING, status == RIA_ASYNC_NOT_READY ? RIA_IS_CONNECTING : 0);
    if (status != RIA_ASYNC_NOT_READY && status != RIA_ASYNC_COMPLETE && forgets_options(with)) {
        ria_settings_forget(library, with->mysql);
    }
}

/* The program calls this function with the same arguments until the connection is complete. */
ONE_FOR_ALL_COPIES int do_connect_nonblocking(
    const struct origin *origin, const struct connection *with)
{
    struct call call;
    int (*real)(
        struct ria_handle *,
        const char *,
        const char *,
        const char *,
        const char *,
        unsigned,
        const char *,
        unsigned long);
    int status = 2; /* NET_ASYNC_ERROR */
    const struct ria_dialed *dialed = &with->dialed;
    if (call_begin(&call, origin, "mysql_real_connect_nonblocking", &real)) {
        if (call.is_programs) {
            ria_settings_apply(&call.library, with->mysql, dialed);
        }
        status = real(
            with->mysql,
            dialed->host,
            dialed->user,
            with->password,
            with->database,
            dialed->port,
            dialed->unix_socket,
            with->flags);
        if (call.is_programs) {
            follow_nonblocking(&call.library, with, status);
        }
    }
    call_end(&call);
    return status;
}

/* -- the interposed functions ------------------------------------------------------------------ */

static const void *marks[RIA_COPIES_MAX];

static const void *mysql_mark(size_t number)
{
    return ria_interposed_mark(marks, number);
}

/* Two lint checks are off. One asks for parentheses around macro arguments, but an argument that is
 * a type or a suffix cannot have them. The other limits the number of parameters, which the
 * library's declarations determine.
 * NOLINTBEGIN(bugprone-macro-parentheses,readability-function-size) */

#define ORIGIN(address) (&(const struct origin){(address), __builtin_return_address(0)})
#define CONNECTION                                                                                 \
    (&(const struct connection){mysql, {host, port, user, unix_socket}, password, database, flags})

#define FUNCTIONS(linkage, suffix, address)                                                        \
    linkage struct ria_handle *mysql_init##suffix(struct ria_handle *mysql)                        \
    {                                                                                              \
        return do_init(ORIGIN(address), mysql);                                                    \
    }                                                                                              \
    linkage void mysql_close##suffix(struct ria_handle *mysql)                                     \
    {                                                                                              \
        do_close(ORIGIN(address), mysql);                                                          \
    }                                                                                              \
    linkage int mysql_close_start##suffix(struct ria_handle *mysql)                                \
    {                                                                                              \
        return do_close_start(ORIGIN(address), mysql);                                             \
    }                                                                                              \
    linkage int mysql_options##suffix(struct ria_handle *mysql, int option, const void *value)     \
    {                                                                                              \
        return set_option(                                                                         \
            ORIGIN(address), "mysql_options", mysql, option, (const void *[]){value, NULL});       \
    }                                                                                              \
    linkage int mysql_options4##suffix(                                                            \
        struct ria_handle *mysql, int option, const void *value, const void *second)               \
    {                                                                                              \
        return set_option(                                                                         \
            ORIGIN(address), "mysql_options4", mysql, option, (const void *[]){value, second});    \
    }                                                                                              \
    linkage int mysql_optionsv##suffix(struct ria_handle *mysql, int option, ...)                  \
    {                                                                                              \
        va_list rest;                                                                              \
        va_start(rest, option);                                                                    \
        const void *value = va_arg(rest, const void *);                                            \
        const void *second = va_arg(rest, const void *);                                           \
        va_end(rest);                                                                              \
        return set_option(                                                                         \
            ORIGIN(address), "mysql_optionsv", mysql, option, (const void *[]){value, second});    \
    }                                                                                              \
    linkage char mysql_ssl_set##suffix(                                                            \
        struct ria_handle *mysql,                                                                  \
        const char *key,                                                                           \
        const char *cert,                                                                          \
        const char *ca,                                                                            \
        const char *capath,                                                                        \
        const char *cipher)                                                                        \
    {                                                                                              \
        return set_ssl(ORIGIN(address), mysql, (const char *[]){key, cert, ca, capath, cipher});   \
    }                                                                                              \
    linkage struct ria_handle *mysql_real_connect##suffix(                                         \
        struct ria_handle *mysql,                                                                  \
        const char *host,                                                                          \
        const char *user,                                                                          \
        const char *password,                                                                      \
        const char *database,                                                                      \
        unsigned port,                                                                             \
        const char *unix_socket,                                                                   \
        unsigned long flags)                                                                       \
    {                                                                                              \
        return do_connect(ORIGIN(address), CONNECTION);                                            \
    }                                                                                              \
    linkage int mysql_real_connect_start##suffix(                                                  \
        struct ria_handle **result,                                                                \
        struct ria_handle *mysql,                                                                  \
        const char *host,                                                                          \
        const char *user,                                                                          \
        const char *password,                                                                      \
        const char *database,                                                                      \
        unsigned port,                                                                             \
        const char *unix_socket,                                                                   \
        unsigned long flags)                                                                       \
    {                                                                                              \
        return do_connect_start(ORIGIN(address), CONNECTION, result);                              \
    }                                                                                              \
    linkage int mysql_real_connect_nonblocking##suffix(                                            \
        struct ria_handle *mysql,                                                                  \
        const char *host,                                                                          \
        const char *user,                                                                          \
        const char *password,                                                                      \
        const char *database,                                                                      \
        unsigned port,                                                                             \
        const char *unix_socket,                                                                   \
        unsigned long flags)                                                                       \
    {                                                                                              \
        return do_connect_nonblocking(ORIGIN(address), CONNECTION);                                \
    }

FUNCTIONS(RIA_INTERPOSED, , __builtin_return_address(0))
FUNCTIONS(static, _0, mysql_mark(0))
FUNCTIONS(static, _1, mysql_mark(1))
FUNCTIONS(static, _2, mysql_mark(2))
FUNCTIONS(static, _3, mysql_mark(3))
FUNCTIONS(static, _4, mysql_mark(4))
FUNCTIONS(static, _5, mysql_mark(5))
FUNCTIONS(static, _6, mysql_mark(6))
FUNCTIONS(static, _7, mysql_mark(7))
_Static_assert(RIA_COPIES_MAX == 8, "there is one line for each copy");

#define LINKED(name) #name, (ria_any_function *)(name)
#define COPY(name) (ria_any_function *)(name)
#define COPIES(name)                                                                               \
    COPY(name##_0), COPY(name##_1), COPY(name##_2), COPY(name##_3), COPY(name##_4),                \
        COPY(name##_5), COPY(name##_6), COPY(name##_7)

static const struct ria_interposed_function functions[] = {
    {LINKED(mysql_init), {COPIES(mysql_init)}},
    {LINKED(mysql_close), {COPIES(mysql_close)}},
    {LINKED(mysql_close_start), {COPIES(mysql_close_start)}},
    {LINKED(mysql_options), {COPIES(mysql_options)}},
    {LINKED(mysql_options4), {COPIES(mysql_options4)}},
    {LINKED(mysql_optionsv), {COPIES(mysql_optionsv)}},
    {LINKED(mysql_ssl_set), {COPIES(mysql_ssl_set)}},
    {LINKED(mysql_real_connect), {COPIES(mysql_real_connect)}},
    {LINKED(mysql_real_connect_start), {COPIES(mysql_real_connect_start)}},
    {LINKED(mysql_real_connect_nonblocking), {COPIES(mysql_real_connect_nonblocking)}},
};

/* NOLINTEND(bugprone-macro-parentheses,readability-function-size) */

const struct ria_interposed_list ria_mysql_interposed = {
    .prefix = "mysql_",
    .mark = "mysql_get_client_version",
    .functions = functions,
    .count = sizeof(functions) / sizeof(functions[0]),
    .marks = marks,
};

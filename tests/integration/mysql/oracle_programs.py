# SPDX-License-Identifier: MIT
"""Programs on Oracle's client library, which is the model in tests/loader. A program gets a host, a port, a user and no
password, and no setting for TLS or plugins. It prints the account that the server has chosen for the login. Each test
file contains what its tests expect."""
CTYPES = """
import ctypes, sys
library, host, port, user = sys.argv[1:]
my = ctypes.CDLL(library)
for name in ("mysql_init", "mysql_real_connect", "mysql_store_result"):
    getattr(my, name).restype = ctypes.c_void_p
my.mysql_fetch_row.restype = ctypes.POINTER(ctypes.c_char_p)
handle = ctypes.c_void_p(my.mysql_init(None))
if not my.mysql_real_connect(handle, host.encode(), user.encode(), None, None, int(port), None, 0):
    sys.exit("%d" % my.mysql_errno(handle))
my.mysql_query(handle, b"select current_user()")
result = ctypes.c_void_p(my.mysql_store_result(handle))
print(my.mysql_fetch_row(result)[0].decode())
my.mysql_close(handle)
"""
CFFI = """
import cffi, sys
library, host, port, user = sys.argv[1:]
ffi = cffi.FFI()
ffi.cdef("typedef struct my my; my *mysql_init(my *); int mysql_query(my *, const char *); void mysql_close(my *);"
         "my *mysql_real_connect(my *, const char *, const char *, const char *, const char *, unsigned,"
         " const char *, unsigned long); my *mysql_store_result(my *); char **mysql_fetch_row(my *);"
         "const char *mysql_error(my *);")
my = ffi.dlopen(library)
handle = my.mysql_init(ffi.NULL)
if not my.mysql_real_connect(handle, host.encode(), user.encode(), ffi.NULL, ffi.NULL, int(port), ffi.NULL, 0):
    sys.exit(ffi.string(my.mysql_error(handle)).decode())
my.mysql_query(handle, b"select current_user()")
print(ffi.string(my.mysql_fetch_row(my.mysql_store_result(handle))[0]).decode())
my.mysql_close(handle)
"""
# A program that is linked with the library, and two that look its functions up.
PROGRAMS = ("linked", "ctypes", "cffi")


def command(name, library, linked, place):
    """Returns the command line of a program. `linked` is the path of the program that is linked with the library; this
    program also takes a password."""
    scripts = {"ctypes": CTYPES, "cffi": CFFI}
    return [linked, *place, ""] if name == "linked" else ["/usr/bin/python3", "-c", scripts[name], library, *place]

# SPDX-License-Identifier: MIT
"""Programs and language bindings whose packages are too large for every run: GDAL, Qt, R and OCaml, with both
engines. Each prints the user name that the server reports. No program gets a TLS setting.

    install()                                   installs the missing packages, as root
    PROGRAMS[name](home, place)                 a command line; the name begins with the engine; `place` contains the
                                                host, port and user of the login
"""
import os
import shlex
import subprocess

import harness

PACKAGES = ("gdal-bin", "python3-pyqt5.qtsql", "libqt5sql5-mysql", "libqt5sql5-psql", "r-cran-rmysql",
            "r-cran-rpostgresql", "ocaml-interp", "libmysql-ocaml-dev", "libpostgresql-ocaml-dev")
SECONDS = 1800
QT = """
import sys
from PyQt5.QtCore import QCoreApplication
from PyQt5.QtSql import QSqlDatabase
application = QCoreApplication([])
database = QSqlDatabase.addDatabase("{driver}")
database.setHostName("%(host)s")
database.setPort(%(port)d)
database.setUserName("%(user)s")
database.setDatabaseName("shop")
if not database.open():
    sys.exit(database.lastError().text())
query = database.exec("{query}")
query.next()
print(query.value(0))
"""
R = """
library(DBI)
connection <- dbConnect({package}::{driver}(), host="%(host)s", port=%(port)d, user="%(user)s", dbname="shop")
cat(dbGetQuery(connection, "{query}")[1, 1], "\\n")
"""
OCAML_MYSQL = """
let db = Mysql.connect { Mysql.defaults with Mysql.dbhost = Some "%(host)s"; dbport = Some %(port)d;
                         dbuser = Some "%(user)s"; dbname = Some "shop" };;
match Mysql.fetch (Mysql.exec db "select current_user()") with
| Some row -> (match row.(0) with Some name -> print_endline name | None -> ())
| None -> ();;
"""
OCAML_PG = """
let db = new Postgresql.connection ~host:"%(host)s" ~port:"%(port)d" ~user:"%(user)s" ~dbname:"shop" ();;
print_endline ((db#exec "select current_user")#getvalue 0 0);;
"""
WHO = {"mysql": "select current_user()", "pgsql": "select current_user"}


def missing():
    """Returns the packages that are not installed."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n", *PACKAGES],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, timeout=SECONDS)
    return [name for name in PACKAGES if f"installed {name}" not in done.stdout.splitlines()]


def install():
    """Installs the missing packages, if the caller is root. Returns None, or the command that root must run."""
    argv = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600", *missing()]
    if missing() and os.geteuid() == 0:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=SECONDS)
    return shlex.join(argv) if missing() else None


def _script(interpreter, text):
    def command(home, place):
        return [*interpreter, home.write("script.ml", text % place)]
    return command


def _gdal(source, query):
    def command(_home, place):
        return ["ogrinfo", "-q", source % place, "-sql", query + " as me"]
    return command


def _qt(driver, query):
    return _script(["/usr/bin/python3"], QT.format(driver=driver, query=query))


def _r(package, driver, query):
    return _script(["Rscript", "--vanilla"], R.format(package=package, driver=driver, query=query))


def _ocaml(package, archives, text):
    """The command runs `ocaml`, which loads a package from OCaml's own directory, and the package's C library from the
    directory stublibs."""
    def command(home, place):
        directory = harness.run(["ocamlc", "-where"]).stdout.strip()
        archive = [f"{archive}.cma" for archive in archives]
        return ["env", f"CAML_LD_LIBRARY_PATH={directory}/stublibs", "ocaml", "-I", "+unix", "-I", "+threads", "-I",
                f"+{package}", *archive,
                home.write("script.ml", text % place)]
    return command


PROGRAMS = {
    "mysql, GDAL": _gdal("MYSQL:shop,host=%(host)s,port=%(port)d,user=%(user)s", WHO["mysql"]),
    "mysql, Qt": _qt("QMYSQL", WHO["mysql"]),
    "mysql, R": _r("RMySQL", "MySQL", WHO["mysql"]),
    "mysql, OCaml": _ocaml("mysql", ["mysql"], OCAML_MYSQL),
    "pgsql, GDAL": _gdal("PG:host=%(host)s port=%(port)d user=%(user)s dbname=shop", WHO["pgsql"]),
    "pgsql, Qt": _qt("QPSQL", WHO["pgsql"]),
    "pgsql, R": _r("RPostgreSQL", "PostgreSQL", WHO["pgsql"]),
    "pgsql, OCaml": _ocaml("postgresql", ["unix", "threads", "postgresql"], OCAML_PG),
}

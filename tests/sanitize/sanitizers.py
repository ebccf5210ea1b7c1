# SPDX-License-Identifier: MIT
"""Builds the product with sanitizers, and collects their findings.

Programs of the product may start with an empty environment, and the test that started them may expect their failure.
So options.c sets the options of the sanitizers, and each finding is a file in FINDINGS. This module does not decide
which tests run.
"""
import os
import pathlib
import shutil

import harness

ROOT = harness.SOURCE / "build"
FINDINGS = ROOT / "asan-findings"
OPTIONS = pathlib.Path(__file__).with_name("options.c")

# The whole product, installed: address sanitizer and undefined behaviour sanitizer.
ADDRESS = ROOT / "asan"
ADDRESS_PREFIX = ROOT / "asan-prefix"
# The plugins with sanitizers, moved out of ADDRESS_PREFIX.
ADDRESS_GUESTS = ROOT / "asan-guests"
COMMANDS = "rds-iam-commands.so"  # the commands of rds-iam except exec

# Thread sanitizer: unit tests, and a host program with the plugin.
THREAD = ROOT / "tsan"
THREAD_GUESTS = ROOT / "tsan-guests"
THREAD_UNITS = ("config_copy", "forked_child", "guest_thread", "guest_work", "handle_record", "memory_cache", "secret")
THREAD_PROGRAMS = ("connections",)


def checked(*argv, **env):
    result = harness.run(argv, cwd=harness.SOURCE, timeout=3600, env={**os.environ, **env})
    if result.returncode != 0:
        raise RuntimeError(f"{argv}: exit status {result.returncode}\n{result.stdout[-8000:]}{result.stderr[-8000:]}")
    return result.stdout


def runtime(name):
    """Returns the path of a sanitizer's runtime library, such as libasan.so."""
    return os.path.realpath(checked("gcc", f"-print-file-name={name}").strip())


def default_options(*more, output, findings=FINDINGS):
    """Compiles options.c, as an object or as a library for LD_PRELOAD."""
    output.parent.mkdir(parents=True, exist_ok=True)
    checked("gcc", "-O1", "-fPIC", f'-DRIA_FINDINGS="{findings}"', *more, OPTIONS, "-o", output)
    return output


def configure(directory, *options):
    if not (directory / "build.ninja").exists():
        checked("meson", "setup", directory, "-Dman=disabled", "-Doptimization=1", "-Db_lundef=false", *options)


def build_address():
    options = default_options("-c", output=ROOT / "asan-options.o")
    configure(ADDRESS, f"--prefix={ADDRESS_PREFIX}", "-Dtests=false", "-Db_sanitize=address,undefined",
              "-Dc_args=-fno-sanitize-recover=undefined", f"-Dc_link_args={options}")
    checked("ninja", "-C", ADDRESS)
    shutil.rmtree(ADDRESS_PREFIX, ignore_errors=True)
    checked("meson", "install", "-C", ADDRESS, "--no-rebuild")
    shutil.rmtree(ADDRESS_GUESTS, ignore_errors=True)
    (ADDRESS_PREFIX / "lib/rds-iam").rename(ADDRESS_GUESTS)
    # Clients without sanitizers cannot load the sanitized plugins and preload, so they get those of the normal build.
    # Only rds-iam loads rds-iam-commands.so, which contains its commands and the path of the sanitized rds-iam-fetch.
    shutil.copytree(harness.PREFIX / "lib/rds-iam", ADDRESS_PREFIX / "lib/rds-iam", symlinks=True)
    shutil.copy2(ADDRESS_GUESTS / COMMANDS, ADDRESS_PREFIX / "lib/rds-iam" / COMMANDS)


def build_thread():
    configure(THREAD, f"--prefix={ROOT / 'tsan-prefix'}", "-Db_sanitize=thread")
    targets = checked("ninja", "-C", THREAD, "-t", "targets", "all")
    names = [line.split(":")[0] for line in targets.splitlines()]
    plugin, = (name for name in names if name.startswith("mysql_plugin/") and name.endswith("/mysql_clear_password.so"))
    checked("ninja", "-C", THREAD, plugin, *(f"tests/unit/test_{name}" for name in THREAD_UNITS),
            *(f"tests/integration/src/{name}" for name in THREAD_PROGRAMS))
    shutil.rmtree(THREAD_GUESTS, ignore_errors=True)
    (THREAD_GUESTS / "mariadb").mkdir(parents=True)
    shutil.copy(THREAD / plugin, THREAD_GUESTS / "mariadb")

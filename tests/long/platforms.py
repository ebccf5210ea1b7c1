# SPDX-License-Identifier: MIT
"""Builds for other machines: a sysroot with the libraries of another processor, a build with Debian's cross compiler,
and programs of that processor under qemu-user. A build can also use another compiler of this machine.

    sysroot = Sysroot("arm64", "aarch64", "little", LIBRARIES).make()
    build = Build("arm64", cross=sysroot)
    build.set_up()
    build.make("tests/unit/test_endpoint")
    sysroot.run([build.path / "tests/unit/test_endpoint"])

debootstrap downloads the packages of a sysroot. Of their files, the sysroot keeps only those in lib, lib64 and usr.
install_tools() installs the packages in TOOLS on this machine: debootstrap, qemu-user, and compilers with their C
libraries. Only install_tools() and Sysroot.make() need root.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

import harness

ROOTS = harness.WORK.parent / "roots"
BUILDS = harness.WORK / "platforms"
RELEASE = "bookworm"
TOOLS = ("debootstrap", "qemu-user", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "gcc-s390x-linux-gnu",
         "libc6-dev-s390x-cross", "gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross", "musl-tools", "clang")
LIBRARIES = ("libc6-dev", "libssl-dev", "libcurl4-openssl-dev", "libexpat1-dev", "libjansson-dev", "libcmocka-dev")
CLIENTS = ("libpq-dev", "libmariadb-dev", "libmariadbd-dev", "libpam0g-dev", "libdbi-dev")
SECONDS = 3600
TEST_SECONDS = 120


def run(*command, cwd=None, env=None, timeout=SECONDS):
    """Runs a program that must succeed. Returns its output."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, timeout=timeout, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(str(w) for w in command)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


def install_tools():
    """Installs the missing ones of TOOLS."""
    known = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n", *TOOLS],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    missing = [name for name in TOOLS if f"installed {name}" not in known.splitlines()]
    if missing:
        run("apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=600", *missing,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


class Sysroot:
    """The libraries of Debian for another processor. machine and endian are names that meson uses; machine is also the
    name that qemu uses."""

    def __init__(self, architecture, machine, endian, packages):
        self.architecture, self.machine, self.endian, self.packages = architecture, machine, endian, packages
        self.triplet = f"{machine}-linux-gnu"
        self.path = ROOTS / f"sysroot-{architecture}-{len(packages)}"
        self.emulator = (f"qemu-{machine}", "-L", str(self.path))

    def make(self):
        """Downloads and unpacks the packages, unless this was done before."""
        if self.path.exists():
            return self
        ROOTS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="sysroot-", dir=ROOTS) as directory:
            root, draft = pathlib.Path(directory) / "root", pathlib.Path(directory) / "draft"
            run("debootstrap", "--foreign", "--variant=minbase", f"--arch={self.architecture}",
                "--include=" + ",".join(self.packages), RELEASE, root)
            for package in sorted(root.glob("var/cache/apt/archives/*.deb")):
                run("dpkg-deb", "-x", package, draft)
            # Other directories of the sysroot (proc, dev, tmp) would hide this machine's /proc, /dev and /tmp from the
            # emulated programs.
            for path in draft.iterdir():
                if path.name not in ("lib", "lib64", "usr"):
                    shutil.rmtree(path)
            self._make_links_relative(draft)
            draft.rename(self.path)
        return self

    @staticmethod
    def _make_links_relative(root):
        for path in root.rglob("*"):
            if path.is_symlink() and os.path.isabs(target := os.readlink(path)):
                path.unlink()
                path.symlink_to(os.path.relpath(root / target.lstrip("/"), path.parent))

    def add_file(self, name, text):
        """Adds a file that emulated programs find instead of the file of this machine."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def cross_file(self):
        """The text of meson's cross file."""
        lists = {name: ", ".join(f"'{word}'" for word in words) for name, words in {
            "compiler": ("ccache", f"{self.triplet}-gcc", f"--sysroot={self.path}"), "emulator": self.emulator}.items()}
        if shutil.which("ccache") is None:
            lists["compiler"] = lists["compiler"].removeprefix("'ccache', ")
        return (f"[binaries]\nc = [{lists['compiler']}]\nar = '{self.triplet}-ar'\nstrip = '{self.triplet}-strip'\n"
                f"pkgconfig = 'pkg-config'\nexe_wrapper = [{lists['emulator']}]\n"
                f"[properties]\nsys_root = '{self.path}'\n"
                f"pkg_config_libdir = '{self.path}/usr/lib/{self.triplet}/pkgconfig:{self.path}/usr/share/pkgconfig'\n"
                f"[host_machine]\nsystem = 'linux'\ncpu_family = '{self.machine}'\ncpu = '{self.machine}'\n"
                f"endian = '{self.endian}'\n")

    def run(self, argv, **extra):
        """Runs a program of this processor. Returns the result. The environment is that of this process."""
        return harness.run([*self.emulator, *argv], env={**os.environ, **extra}, timeout=TEST_SECONDS)


class Build:
    """A build directory of this tree. `cc`: the compiler; `cross`: a Sysroot."""

    def __init__(self, name, cc=None, cross=None):
        self.path, self.prefix = BUILDS / name, BUILDS / f"{name}-prefix"
        self._cc, self._cross = cc, cross

    def set_up(self, *options):
        BUILDS.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)
        if self._cross:
            file = self.path.with_suffix(".ini")
            file.write_text(self._cross.cross_file(), encoding="utf-8")
            options += ("--cross-file", file)
        env = {**os.environ, **({"CC": self._cc} if self._cc else {})}
        run("meson", "setup", self.path, harness.SOURCE, f"-Dprefix={self.prefix}", "--werror", *options, env=env)
        return self

    def make(self, *targets):
        """Builds. A warning of the compiler is an error."""
        run("ninja", "-k", "0", "-C", self.path, *targets)
        return self

    def install(self):
        run("meson", "install", "-C", self.path, "--no-rebuild")
        return self

    def targets(self, pattern):
        """The targets whose whole name matches the pattern."""
        listed = run("ninja", "-C", self.path, "-t", "targets", "all")
        return sorted({line.partition(":")[0] for line in listed.splitlines()
                       if re.fullmatch(pattern, line.partition(":")[0])})

    def commands(self):
        """The compiler's commands: {path of the object: (directory, words)}."""
        listed = json.loads((self.path / "compile_commands.json").read_text())
        return {each["output"]: (each["directory"], shlex.split(each["command"])) for each in listed}

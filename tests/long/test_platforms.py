# SPDX-License-Identifier: MIT
"""Other processors, another C library, and the compilers of Debian 12 and 13. Every build turns warnings into errors.

usage: tests/python tests/long/test_platforms.py [PLATFORM]     (as root; default: all platforms)

PLATFORM is Arm64, S390x, Bits32, Musl, Clang or Trixie, the name of a class below. The programs of other processors
run under qemu-user. EXEMPT and exempt_programs name the tests and programs that cannot pass, each with the reason. The
reason is qemu-user, except for one program: dlsym.S has no code for s390x. Every other test must pass.
"""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import harness
import rdslab
from empty_root import EmptyRoot
from labcase import USER
from platforms import BUILDS, CLIENTS, LIBRARIES, Build, Sysroot, install_tools, run

SMAPS = "reads /proc/self/smaps, where qemu shows its own memory"
STARTS = "starts a program of the other processor, which this machine's kernel cannot run"
MEMORY = "qemu does not apply RLIMIT_AS to the program"
STACK = "the size of the main thread's stack is that of qemu"
NO_DLSYM = "dlsym.S has no code for this processor, so the preload does not see lookups by dlsym()"
EXEMPT = {
    "memory_cache": {"cached_credentials_are_in_the_mapping_and_not_on_the_heap": SMAPS},
    "secret": dict.fromkeys((
        "without_a_mapping_no_secret_is_stored", "the_mapping_has_guard_pages_and_is_not_dumped",
        "a_replaced_secret_leaves_no_bytes", "secrets_do_not_overlap", "a_forked_child_has_its_own_copy"), SMAPS),
    "handle_record": {"without_memory_a_handle_gets_no_entry": MEMORY},
    "guest_thread": {"the_main_stack_is_large_enough_up_to_its_limit": STACK},
    "fetch_client": dict.fromkeys((
        "every_conversation_ends_as_expected",
        "every_conversation_ends_the_same_for_a_nonblocking_caller",
        "if_real_and_effective_group_differ_rds_iam_fetch_is_not_started"), STARTS),
    "background": dict.fromkeys((
        "a_response_comes_later_and_stays", "a_refusal_is_a_response", "errors_are_reported_and_stay",
        "a_seventeenth_child_is_not_started", "one_result_too_many_replaces_the_oldest",
        "without_secret_memory_a_response_is_still_given"), STARTS),
    "unit": {"failures_are_printed_with_their_rows": STARTS},
    "preload_lookup": {
        "test_a_copy_at_the_address_of_an_unloaded_copy": "qemu maps no library at the address of an unloaded one",
    },
}
VECTORS = ("token_vectors", "dsql_tokens", "endpoint", "behaviour", "config_grammar", "service_endpoint", "token_file",
           "record", "passfile", "plan", "digest", "es256")
# The libraries that unit tests load at run time.
LIBRARIES_OF_TESTS = r"tests/unit/(library|client)_\w+\.so"
PROGRAMS = ("postgresql-client-15", "mariadb-client-core")
LOOKUPS = ("python3-minimal", "libpython3.11-stdlib", "libfaketime", "libjemalloc2", "libtcmalloc-minimal4")
# The parts that must build with musl: everything but the agent, which is tested with glibc alone, and the preloads, which
# replace functions of glibc's loader.
MUSL_PARTS = ("common/librdsiam.a.p/", "common/librdsiam_signer.a.p/", "common/fetch/", "common/probe/", "common/check/",
              "common/cli/", "common/tool/", "mysql_plugin/mariadb/", "mysql_plugin/mysql/", "pg_plugin/librdsiam_pg.a.p/")
HEADERS = ("openssl", "curl", "jansson.h", "jansson_config.h", "expat.h", "expat_external.h", "expat_config.h")
SHARED = ("libcrypto.so.3", "libssl.so.3", "libcurl.so.4", "libjansson.so.4", "libexpat.so.1")
TRIXIE_PACKAGES = ("gcc", "clang", "libclang-rt-19-dev", "meson", "ninja-build", "pkg-config", "python3",
                   "mariadb-client-core", "postgresql-client", *LIBRARIES, *CLIENTS)


def failed_tests(output):
    """Returns the names of the failed tests and the number of tests that ran, from cmocka's TAP output."""
    return (re.findall(r"^not ok \d+ - (\w+)$", output, re.MULTILINE),
            len(re.findall(r"^(?:not )?ok \d+ - \w+$", output, re.MULTILINE)))


class PlatformCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install_tools()


class EmulatedCase(PlatformCase):
    """The unit tests (tests/unit), built for another processor. The C tests of tests/loader are not run here."""

    exempt_programs = {}

    def check_unit_tests(self, sysroot, build):
        programs = build.targets(r"tests/unit/test_\w+")
        build.make(*programs, *build.targets(LIBRARIES_OF_TESTS), *build.targets("tests/unit/(fetch_peer|planted)"))
        ran, exempt = 0, []
        for program in programs:
            name = program.rpartition("test_")[2]
            result = sysroot.run([build.path / program], CMOCKA_MESSAGE_OUTPUT="TAP")
            failed, tests = failed_tests(result.stdout)
            if name in self.exempt_programs:
                exempt.append(f"{name} ({self.exempt_programs[name]})")
                continue
            allowed = EXEMPT.get(name, {})
            with self.subTest(name):
                self.assertEqual([test for test in failed if test not in allowed], [], result.stdout[-3000:])
                self.assertTrue(result.returncode == 0 or failed, f"ended with {result.returncode}: {result.stderr[-900:]}")
                self.assertGreater(tests, 0)
            ran += tests - len(failed)
            exempt += [f"{name}.{test} ({allowed[test]})" for test in failed if test in allowed]
        print(f"# {sysroot.architecture}: {ran} tests of {len(programs)} programs passed; {len(exempt)} are exempt:")
        for each in exempt:
            print(f"#   {each}")
        self.assertGreater(ran, 300, "control: the tests ran")
        self.assertLessEqual(set(VECTORS), {program.rpartition("test_")[2] for program in programs})


class Arm64(EmulatedCase):
    def test_everything_builds_and_unit_tests_and_lookups_pass(self):
        sysroot = Sysroot("arm64", "aarch64", "little", (*LIBRARIES, *CLIENTS, *LOOKUPS, *PROGRAMS)).make()
        build = Build("arm64", cross=sysroot).set_up().make().install()
        self.check_unit_tests(sysroot, build)
        self.check_lookups(sysroot, build)
        with rdslab.Lab(harness.BUILD) as lab:
            self.check_logins(sysroot, build, lab)

    def check_lookups(self, sysroot, build):
        """The preload's lookup tests, with the preload and the Python of arm64."""
        result = harness.run(
            [harness.PYTHON, harness.SOURCE / "tests/integration/preload/test_preload_lookup.py"],
            env={**os.environ, "RIA_BUILD": str(build.path), "RIA_PREFIX": str(build.prefix),
                 "RIA_WORK": str(BUILDS / "work"), "RIA_EMULATOR": " ".join(sysroot.emulator),
                 "RIA_COMPILER": f"{sysroot.triplet}-gcc"}, timeout=900)
        lines = re.findall(r"^(not )?ok \d+ (.*)$", result.stdout, re.MULTILINE)
        failed = [name for wrong, name in lines if wrong and name.split()[0] not in EXEMPT["preload_lookup"]]
        passed = [name for wrong, name in lines if not wrong]
        print(f"# arm64: {len(passed)} lookup tests passed; exempt: {EXEMPT['preload_lookup']}")
        self.assertEqual(failed, [], result.stdout[-4000:] + result.stderr[-2000:])
        self.assertGreater(len(passed), 15, "control: the tests ran")


    def check_logins(self, sysroot, build, lab):
        """psql under the preload, and mariadb with the plugin, log in to the servers of this machine. These clients,
        the preload and the plugin are built for arm64. The keys are in the environment, because an emulated program
        cannot start rds-iam-fetch."""
        sysroot.add_file("etc/hosts", lab.hosts_file.read_text())
        preload = next(build.prefix.glob("lib*/**/librds-iam-pq.so"))
        plugins = next(build.prefix.glob("lib*/**/mariadb/mysql_clear_password.so")).parent
        psql = ("usr/lib/postgresql/15/bin/psql", "-XAtw", "-c", "select current_user",
                f"host={lab.pg.host} port={lab.pg.port} user={USER} dbname={lab.database_name}")
        mariadb = ("usr/bin/mariadb", "--no-defaults", f"--host={lab.mariadb.host}", f"--port={lab.mariadb.port}",
                   f"--user={USER}", f"--ssl-ca={lab.ca_file}", "--ssl-verify-server-cert", "-N", "-e",
                   "select current_user()")
        rows = (
            (psql, (), None), (psql, ("-E", f"LD_PRELOAD={preload}"), f"{USER}\n"),
            (mariadb, (), None), ((*mariadb, f"--plugin-dir={plugins}"), (), f"{USER}@%\n"),
        )  # fmt: skip
        env = {"PATH": os.environ["PATH"], "HOME": str(lab.home), "RDS_IAM_CA": str(lab.ca_file),
               **lab.principals["etl"].env()}
        for (program, *words), options, expected in rows:
            with self.subTest(program=program, expected=expected):
                result = harness.run([*sysroot.emulator, *options, sysroot.path / program, *words], env=env)
                self.assertEqual(result.stdout, expected or "", result.stderr)
                self.assertEqual(result.returncode == 0, expected is not None)
        self.assertEqual([entry["reason"] for entry in lab.journal() if entry["token_length"] > 0], [None, None])
        print("# arm64: psql and mariadb logged in")


class S390x(EmulatedCase):
    """A big-endian processor: vectors, records and the other unit tests, but not the preload."""

    exempt_programs = {"lookup": NO_DLSYM}

    def test_unit_tests_pass(self):
        sysroot = Sysroot("s390x", "s390x", "big", LIBRARIES).make()
        build = Build("s390x", cross=sysroot).set_up()
        self.check_unit_tests(sysroot, build)


class Bits32(PlatformCase):
    def test_a_compiler_for_32_bits_is_refused_with_a_message(self):
        file = BUILDS / "armhf.ini"
        BUILDS.mkdir(parents=True, exist_ok=True)
        file.write_text("[binaries]\nc = 'arm-linux-gnueabihf-gcc'\nar = 'arm-linux-gnueabihf-ar'\npkgconfig = 'pkg-config'\n"
                        "[host_machine]\nsystem = 'linux'\ncpu_family = 'arm'\ncpu = 'armv7'\nendian = 'little'\n")
        shutil.rmtree(BUILDS / "armhf", ignore_errors=True)
        done = subprocess.run(["meson", "setup", BUILDS / "armhf", harness.SOURCE, "--cross-file", file],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("rds-iam runs on 64-bit processors only", done.stdout)


class Musl(PlatformCase):
    """The sources of MUSL_PARTS compile with musl's headers. Every function that their objects need is defined by one
    of these objects, by musl, or by a library in SHARED. Debian has no libcrypto for musl, so the objects are not
    linked."""

    def symbols(self, *files, defined):
        """If `defined` is true, the names that the libraries or objects define; otherwise those that they need."""
        option = "--defined-only" if defined else "--undefined-only"
        dynamic = ("--dynamic",) if defined and str(files[0]).find(".so") > 0 else ()
        text = run("nm", "--format=posix", option, *dynamic, *files)
        return {line.split()[0].partition("@")[0] for line in text.splitlines() if len(line.split()) > 1}

    def headers(self):
        """A directory with copies of the libraries' headers alone, because the other files in /usr/include are
        glibc's."""
        place = BUILDS / "musl-headers"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        triplet = run("gcc", "-print-multiarch").strip()
        found = []
        for name in HEADERS:
            for root in (f"/usr/include/{triplet}", "/usr/include"):
                if os.path.exists(f"{root}/{name}"):
                    # Debian has OpenSSL's headers in two directories, and all of curl's headers in one.
                    source, target = pathlib.Path(root) / name, place / name
                    if source.is_dir():
                        shutil.copytree(source, target, dirs_exist_ok=True)
                    else:
                        shutil.copy(source, target)
                    found.append(name)
        self.assertLessEqual({"openssl", "curl", "jansson.h", "expat.h"}, set(found))
        return place

    def test_the_core_the_tool_and_the_mysql_plugins(self):
        build = Build("musl", cc="musl-gcc").set_up("-Dtests=false")
        headers = self.headers()
        objects, errors = [], []
        for output, (directory, words) in build.commands().items():
            if output.startswith(MUSL_PARTS) and "mysql_plugin/preload" not in output:
                target = build.path / f"musl-{len(objects)}.o"
                words = [word for word in words if word != "ccache" and "/usr/include" not in word]
                words[words.index("-o") + 1] = str(target)
                done = harness.run([*words, "-fdiagnostics-color=never", "-isystem", headers], cwd=directory)
                objects.append(target)
                errors += re.findall(r"^\S+: (?:fatal )?error: .*$", done.stderr, re.MULTILINE)
        self.assertFalse(errors, "\n".join(errors))
        self.assertGreater(len(objects), 150, "control")
        libc = "/lib/ld-musl-x86_64.so.1" if os.path.exists("/lib/ld-musl-x86_64.so.1") else "/usr/lib/x86_64-linux-musl/libc.so"
        libraries = [f"/usr/lib/x86_64-linux-gnu/{name}" for name in SHARED]
        known = self.symbols(*objects, defined=True)
        for library in (libc, *libraries):
            known |= self.symbols(library, defined=True)
        needed = self.symbols(*objects, defined=False)
        print(f"# musl: {len(objects)} objects need {len(needed)} functions")
        linker = {"_GLOBAL_OFFSET_TABLE_", "__ehdr_start"}
        self.assertEqual(sorted(needed - known - linker), [])
        self.assertIn("explicit_bzero", known, "control: a function that musl and glibc have")
        self.assertNotIn("fcloseall", known, "control: a function of glibc alone")


class Clang(PlatformCase):
    def test_clang_of_this_machine(self):
        print(f"# {run('clang', '--version').splitlines()[0]}")
        Build("clang", cc="clang").set_up().make()


class Trixie(PlatformCase):
    def test_both_compilers_of_debian_13(self):
        with EmptyRoot("trixie") as root:
            root.clone()
            self.done(root, "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "
                      + " ".join(TRIXIE_PACKAGES))
            for compiler in ("gcc", "clang"):
                version = self.done(root, f"{compiler} --version | head -1; pkg-config --modversion libcrypto")
                print(f"# {version.split(chr(10))[0]}, OpenSSL {version.split(chr(10))[1]}")
                self.done(root, f"CC={compiler} meson setup build/{compiler} --werror && ninja -C build/{compiler}")

    def done(self, root, command):
        status, output = root.run(command)
        self.assertEqual(status, 0, f"{command}:\n{output[-6000:]}")
        return output


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: MIT
"""`rds-iam setup ca`: the bundles that it installs from Amazon's server and from disk. If a command fails, the
installed bundle does not change."""
import datetime
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import unittest

import harness
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cloud import needs_root
from trust_server import PATH, TrustServer

NOW = datetime.datetime.utcnow()
DAY = datetime.timedelta(days=1)


def certificate(name, starts=-10, ends=4000, is_ca=True, issuer=None):
    """Returns a PEM certificate, self-signed unless an issuer is given. `starts` and `ends` are days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Amazon Web Services, Inc."),
                         x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = ec.generate_private_key(ec.SECP256R1()) if issuer else key
    made = (x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]) if issuer else subject)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + starts * DAY).not_valid_after(NOW + ends * DAY)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .sign(signer, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM)


def root(region, kind="RSA2048", **dates):
    return certificate(f"Amazon RDS {region} Root CA {kind} G1", **dates)


EVERY_USER = ("/etc/rds-iam: every user of this machine uses these files, except users with files of their own in "
              "~/.config/rds-iam\n")


class Case(unittest.TestCase):
    def setUp(self):
        self.tool = harness.installed("bin/rds-iam")
        harness.WORK.mkdir(parents=True, exist_ok=True)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="ca-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.config = self.scratch / "config"
        self.store = self.config / "rds-iam" / "rds-ca.pem"
        self.public = self.config / "rds-iam" / "rds-ca-public.pem"
        self.prefix = []

    def setup_ca(self, *options, prefix=(), **extra):
        """Runs `rds-iam setup ca` as an ordinary user whose store is below XDG_CONFIG_HOME."""
        self.config.mkdir(exist_ok=True)
        return harness.run([*self.prefix, *prefix, *self.as_user(), self.tool, "setup", "ca", *options],
                           env={"PATH": PATH, "HOME": str(self.scratch), "XDG_CONFIG_HOME": str(self.config), **extra})

    def as_user(self):
        if os.geteuid() != 0:
            return []
        for path in (self.scratch, self.config):
            os.chown(path, 65534, 65534)
        self.scratch.chmod(0o755)
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def file(self, content, name="bundle.pem"):
        path = self.scratch / name
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    def assert_installed(self, result, count):
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.store.read_bytes().count(b"-----BEGIN CERTIFICATE-----"), count)
        self.assertEqual(self.store.stat().st_mode & 0o777, 0o644)

    def assert_refused(self, result, message, before):
        """Checks that the reason is printed, that the exit status is 1, and that the installed bundle is unchanged."""
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertEqual(self.store.read_bytes() if self.store.exists() else None, before)
        names = os.listdir(self.store.parent) if self.store.parent.exists() else []
        self.assertEqual([name for name in names if name.endswith(".new")], [])


class FromDisk(Case):
    def test_the_region_whose_roots_expire_first_is_printed_and_stored(self):
        content = (root("us-east-1") + root("eu-west-1", ends=3000) + root("eu-west-1", "ECC384", ends=900)
                   + root("ap-south-1", ends=2000))
        result = self.setup_ca("--file", self.file(b"a comment\n" + content))
        self.assert_installed(result, 4)
        end = (NOW + 2000 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.assertIn(f"{self.store}: 4 roots of Amazon RDS; the roots of ap-south-1 expire first, at {end}\n",
                      result.stdout)
        self.assertTrue(self.store.read_text().startswith(
            f"# rds-iam setup ca: the roots of ap-south-1 expire at {end}\n"))
        read = harness.run(["openssl", "storeutl", "-certs", "-noout", self.store])
        self.assertIn("Total found: 4", read.stdout, read.stderr)

    def as_root(self, bundle, script):
        """Runs a shell script with an /etc of its own, which contains only the certificates of the system. In the
        script, `setup` runs `rds-iam setup ca --file BUNDLE`, and `reader` reads the store as another user."""
        empty = self.scratch / "etc"
        empty.mkdir()
        self.scratch.chmod(0o755)
        start = ('cp -a /etc/ssl "$3" && mount --bind "$3" /etc || exit 9; tool=$1 bundle=$2\n'
                 'setup() { "$tool" setup ca --file "$bundle"; }\n'
                 'reader() { setpriv --reuid=65534 --regid=65534 --clear-groups cat /etc/rds-iam/*.pem; }\n')
        return harness.run(["unshare", "-m", "sh", "-c", start + script, "sh", self.tool, bundle, empty],
                           env={"PATH": PATH, "HOME": str(self.scratch)})

    @needs_root  # only root installs the files of all users, here in a mount namespace
    def test_every_user_can_read_the_files_of_root(self):
        bundle = self.file(root("us-east-1"))
        result = self.as_root(bundle, "umask 077; setup && reader")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(EVERY_USER, result.stdout)
        self.assertNotIn("changed the mode", result.stdout)
        self.assertIn("/etc/rds-iam/rds-ca.pem: 1 root of Amazon RDS", result.stdout)
        self.assertIn("-----BEGIN CERTIFICATE-----", result.stdout, "control: another user reads the file")
        self.assertNotIn("every user", self.setup_ca("--file", bundle).stdout, "control: an ordinary user")

    @needs_root
    def test_a_store_of_root_that_other_users_cannot_read_becomes_readable(self):
        result = self.as_root(self.file(root("us-east-1")), (
            "setup >/dev/null && cd /etc/rds-iam && chmod 0600 *.pem && chmod 0700 . || exit 8\n"
            "before=$(ls -i); reader 2>/dev/null && exit 7\n"  # control: the other user cannot read
            'setup && reader >/dev/null && test "$before" = "$(ls -i)" || exit 6; echo SECOND; setup'))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        first, second = result.stdout.split("SECOND\n")
        change = "changed the mode from 0{} to 0{}, so that every user can read it\n"
        self.assertIn(f"/etc/rds-iam: {change.format(700, 755)}/etc/rds-iam/rds-ca.pem: {change.format(600, 644)}"
                      f"/etc/rds-iam/rds-ca-public.pem: {change.format(600, 644)}{EVERY_USER}", first)
        self.assertNotIn("changed the mode", second)
        self.assertIn(EVERY_USER, second)

    @needs_root
    def test_a_store_of_root_that_cannot_become_readable_is_reported(self):
        result = self.as_root(self.file(root("us-east-1")), (
            "setup >/dev/null && cd /etc/rds-iam && mv rds-ca.pem /etc/x && ln -s /etc/x rds-ca.pem && setup || exit 8\n"
            "chmod 0600 /etc/x; echo SECOND; setup"))
        first, second = result.stdout.split("SECOND\n")
        self.assertIn(EVERY_USER, first, "control: the target of the link is readable")
        self.assertEqual((result.returncode, result.stderr), (
            1, "rds-iam: /etc/rds-iam/rds-ca.pem: other users cannot read it, and its mode cannot be changed: "
               "Too many levels of symbolic links\n"))
        self.assertNotIn(EVERY_USER, second)

    def test_the_mode_of_a_users_own_store_does_not_change(self):
        bundle = self.file(root("us-east-1"))
        self.assert_installed(self.setup_ca("--file", bundle), 1)
        self.store.chmod(0o600)
        self.assertEqual(self.setup_ca("--file", bundle).returncode, 0)
        self.assertEqual((self.store.stat().st_mode & 0o777, self.store.parent.stat().st_mode & 0o777), (0o600, 0o700))

    def test_a_home_with_a_path_that_is_too_long_is_named(self):
        long = "/" + "x" * 5000
        for variables, why in (({"HOME": long}, "the path of the home directory is too long"),
                               ({"XDG_CONFIG_HOME": long}, "XDG_CONFIG_HOME is too long")):
            with self.subTest(why):
                result = self.setup_ca("--file", self.file(root("us-east-1")), **{"XDG_CONFIG_HOME": "", **variables})
                self.assert_refused(
                    result, f"no directory for the CA store: {why}; set XDG_CONFIG_HOME to a directory\n", None)

    def test_a_second_run_changes_nothing(self):
        bundle = self.file(root("us-east-1"))
        self.assert_installed(self.setup_ca("--file", bundle), 1)
        before = self.store.stat()
        self.assert_installed(self.setup_ca("--file", bundle), 1)
        self.assertEqual((self.store.stat().st_ino, self.store.stat().st_mtime_ns), (before.st_ino, before.st_mtime_ns))

    def test_a_certificate_that_occurs_twice_is_installed_once(self):
        one = root("us-east-1")
        self.assert_installed(self.setup_ca("--file", self.file(one + one)), 1)

    def test_an_incomplete_or_invalid_bundle_is_refused(self):
        good = root("us-east-1")
        self.assert_installed(self.setup_ca("--file", self.file(good)), 1)
        before = self.store.read_bytes()
        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        lines = good.decode().splitlines()
        garbled = "\n".join([lines[0], lines[2], *lines[3:]]).encode() + b"\n"
        for name, content, message in (
                ("cut in the last certificate", good + root("eu-west-1")[:-40], f":{good.count(10) + 1}: the certificate is cut off"),
                ("cut before another one", good[:-40] + b"\n" + good, ":1: the certificate is cut off"),
                ("a line is missing", garbled, ":1: the certificate cannot be parsed"),
                ("a private key", good + key, "is not a certificate; name a file that contains only certificates"),
                ("empty", b"", "contains no certificate"),
                ("a page of HTML", b"<html>Access denied</html>", "contains no certificate"),
                ("DER", x509.load_pem_x509_certificate(good).public_bytes(serialization.Encoding.DER), "is not a PEM file"),
                ("an expired root", good + root("eu-west-1", ends=-1), '"Amazon RDS eu-west-1 Root CA RSA2048 G1" has expired'),
                ("a root that is not valid yet", good + root("eu-west-1", starts=2), "is not valid yet; check the clock"),
                ("a CA of another company", good + certificate("Example Root CA"), '"Example Root CA" is not a root certificate of Amazon RDS'),
                ("a server's certificate", good + certificate("Amazon RDS us-east-1 db", is_ca=False), "is not a self-signed CA certificate"),
                ("an intermediate CA", good + certificate("Amazon RDS us-east-1 CA", issuer="Amazon RDS Root"), "is not a self-signed CA certificate"),
                ("a public root", good + certificate("Amazon Root CA 1"), "is not a root certificate of Amazon RDS"),
        ):
            with self.subTest(name):
                self.assert_refused(self.setup_ca("--file", self.file(content)), message, before)
        self.assert_refused(self.setup_ca("--file", self.scratch / "nothing"), "does not exist", before)
        self.assert_refused(self.setup_ca("--file", self.scratch), "directory", before)

    def test_a_bundle_that_lacks_an_installed_root_needs_force(self):
        first, second, third = root("us-east-1"), root("eu-west-1"), root("ap-south-1")
        self.assert_installed(self.setup_ca("--file", self.file(first + second)), 2)
        before = self.store.read_bytes()
        result = self.setup_ca("--file", self.file(first + third))
        self.assert_refused(result, f"the new bundle lacks 1 root that {self.store} has; if that is intended, use --force", before)
        self.assertIn("not in the new bundle: Amazon RDS eu-west-1 Root CA RSA2048 G1\n", result.stderr)
        result = self.setup_ca("--file", self.file(first + third), "--force")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("not in the new bundle: Amazon RDS eu-west-1", result.stderr)
        self.assertEqual(self.store.read_bytes().count(b"BEGIN CERTIFICATE"), 2)

    def test_replacing_all_roots_needs_force(self):
        self.assert_installed(self.setup_ca("--file", self.file(root("us-east-1") + root("eu-west-1"))), 2)
        before = self.store.read_bytes()
        new = self.file(root("us-east-1", "RSA4096") + root("eu-west-1", "RSA4096"))
        self.assert_refused(self.setup_ca("--file", new), "the new bundle lacks 2 roots", before)
        self.assertEqual(self.setup_ca("--file", new, "--force").returncode, 0)

    def test_an_encrypted_block_is_refused_without_a_question_on_the_terminal(self):
        encrypted = root("us-east-1").replace(
            b"CERTIFICATE-----\n", b"CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
            b"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n", 1)
        self.config.mkdir()
        argv = [*self.as_user(), self.tool, "setup", "ca", "--file", self.file(encrypted)]
        result = harness.run(["script", "-qec", shlex.join(map(str, argv)), "/dev/null"],
                             env={"PATH": PATH, "HOME": str(self.scratch)}, timeout=20)
        self.assertIn(":1: the certificate cannot be parsed", result.stdout)
        self.assertNotIn("pass phrase", result.stdout)

    def test_a_full_disk_does_not_change_the_store(self):
        first, second = root("us-east-1"), root("eu-west-1")
        small, large = self.file(first, "small.pem"), self.file(first + second * 1 + b"".join(
            root(f"region-{i}") for i in range(40)), "large.pem")
        script = ('mount -t tmpfs -o size=20k,mode=1777 disk "$1" || exit 9; shift; small=$1; large=$2; shift 2\n'
                  '"$@" setup ca --file "$small" >/dev/null || exit 8\n'
                  'before=$(md5sum <"$XDG_CONFIG_HOME/rds-iam/rds-ca.pem"); "$@" setup ca --file "$large"; status=$?\n'
                  'test "$before" = "$(md5sum <"$XDG_CONFIG_HOME/rds-iam/rds-ca.pem")" || exit 7\n'
                  'ls -A "$XDG_CONFIG_HOME/rds-iam"; exit $status')
        self.config.mkdir()
        unshare = ["unshare", "--mount"]
        if os.geteuid() != 0:
            unshare += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
        result = harness.run(
            [*unshare, "sh", "-c", script, "sh", self.config, small, large, *self.as_user(), self.tool],
            env={"PATH": PATH, "HOME": str(self.scratch), "XDG_CONFIG_HOME": str(self.config)})
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("rds-ca.pem: cannot be written and is unchanged: No space left on device", result.stderr)
        self.assertEqual(result.stdout.split(), ["rds-ca-public.pem", "rds-ca.pem"])

    def test_a_directory_that_cannot_be_written_does_not_change_the_store(self):
        self.assert_installed(self.setup_ca("--file", self.file(root("us-east-1"))), 1)
        before = self.store.read_bytes()
        self.store.parent.chmod(0o500)
        self.addCleanup(self.store.parent.chmod, 0o700)
        self.assert_refused(self.setup_ca("--file", self.file(before + root("eu-west-1"))),
                            "cannot be written and is unchanged: Permission denied", before)

    def test_a_store_that_other_users_can_write_is_refused(self):
        self.assert_installed(self.setup_ca("--file", self.file(root("us-east-1"))), 1)
        self.store.parent.chmod(0o777)
        self.assert_refused(self.setup_ca("--file", self.file(root("us-east-1"))),
                            f"{self.store.parent}: every user can write it", self.store.read_bytes())

    def test_eight_commands_at_once(self):
        bundle = self.file(root("us-east-1") + root("eu-west-1"))
        self.config.mkdir(exist_ok=True)
        env = {"PATH": PATH, "HOME": str(self.scratch), "XDG_CONFIG_HOME": str(self.config)}
        argv = [*self.as_user(), self.tool, "setup", "ca", "--file", bundle]
        running = [subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for _ in range(8)]
        self.assertEqual([(p.communicate()[1], p.returncode) for p in running], [("", 0)] * 8)
        self.assertEqual(self.store.read_bytes().count(b"BEGIN CERTIFICATE"), 2)
        self.assertEqual(sorted(os.listdir(self.store.parent))[:1], ["rds-ca-public.pem"])

    def test_a_wrong_command_line_is_a_usage_error(self):
        for options, message in ((("--partition", "aws-iso"), '"aws-iso" is not a partition with a bundle; write aws,'),
                                 (("--partition", "aws", "--file", "x"), "--partition and --file cannot be used together"),
                                 (("bundle.pem",), "bundle.pem")):
            with self.subTest(options=options):
                result = self.setup_ca(*options)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(message, result.stderr)


class Download(Case):
    def setUp(self):
        super().setUp()
        roots = sorted(pathlib.Path("/etc/ssl/certs").glob("Amazon_Root_CA_*.pem"))
        directory = pathlib.Path(tempfile.mkdtemp(prefix="trust-", dir=harness.WORK))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.server = TrustServer(directory, roots).__enter__()
        self.addCleanup(self.server.__exit__)
        self.prefix = self.server.argv([])

    def test_each_partition_has_its_own_address(self):
        self.server.body.write_bytes(root("us-east-1"))
        for partition, request in (
                (None, "truststore.pki.rds.amazonaws.com /global/global-bundle.pem"),
                ("aws", "truststore.pki.rds.amazonaws.com /global/global-bundle.pem"),
                ("aws-us-gov", "truststore.pki.us-gov-west-1.rds.amazonaws.com /global/global-bundle.pem"),
                ("aws-cn", "rds-truststore.s3.cn-north-1.amazonaws.com.cn /global/global-bundle.pem")):
            with self.subTest(partition=partition):
                self.assert_installed(self.setup_ca(*(("--partition", partition) if partition else ())), 1)
                self.assertEqual(self.server.requests.read_text().splitlines()[-1], request)

    def test_the_help_names_the_address_of_the_bundle(self):
        self.server.body.write_bytes(root("us-east-1"))
        self.assert_installed(self.setup_ca(), 1)
        request = self.server.requests.read_text().splitlines()[-1]
        self.assertIn(f"https://{request.replace(' ', '')}\n", self.setup_ca("--help").stdout)

    def test_the_public_roots_come_from_the_system(self):
        self.server.body.write_bytes(root("us-east-1"))
        result = self.setup_ca()
        self.assert_installed(result, 1)
        self.assertIn(f"{self.public}: 4 public roots of Amazon, for RDS Proxy and Aurora DSQL\n", result.stdout)
        self.assertEqual(self.public.read_text().count("# Amazon Root CA "), 4)
        self.assertNotIn("Amazon RDS", self.public.read_text())
        self.assertNotIn("Amazon Root", self.store.read_text())

    def test_a_bundle_as_large_as_amazons_is_installed(self):
        roots = b"".join(root(f"region-{i}") for i in range(110))
        padding = b"# " + b"x" * 1000 + b"\n"
        self.server.body.write_bytes(roots + padding * 200)
        self.assert_installed(self.setup_ca(), 110)

    def test_a_failed_download_does_not_change_the_store(self):
        self.server.body.write_bytes(root("us-east-1"))
        self.assert_installed(self.setup_ca(), 1)
        before = self.store.read_bytes()
        self.server.body.write_bytes(before + root("eu-west-1"))
        for behaviour, message in (("cut", "Transferred a partial file; check the network and HTTPS_PROXY, "),
                                   ("status 503", "HTTP status 503"),
                                   ("status 404", "HTTP status 404"),
                                   ("other certificate", "certificate")):
            with self.subTest(behaviour=behaviour):
                self.server.behave(behaviour)
                result = self.setup_ca()
                self.assert_refused(result, message, before)
                self.assertIn("or install a bundle from disk: rds-iam setup ca --file FILE\n", result.stderr)
        self.server.behave("")
        self.server.body.write_bytes(b"x" * 2 * 1024 * 1024)
        self.assert_refused(self.setup_ca(), "the bundle is longer than 1 MB", before)
        self.server.body.write_bytes(before + root("eu-west-1"))
        self.assertEqual(self.setup_ca().returncode, 0)

    def test_aws_ca_bundle_is_ignored_and_https_proxy_is_used(self):
        """AWS_CA_BUNDLE applies only to AWS's services, not to the server of the bundles. HTTPS_PROXY applies to
        both."""
        self.server.body.write_bytes(root("us-east-1"))
        self.server.behave("other certificate")
        result = self.setup_ca(AWS_CA_BUNDLE=str(self.server.directory / "other/aws-ca.crt"))
        self.assert_refused(result, "truststore.pki.rds.amazonaws.com", None)
        self.server.behave("")
        result = self.setup_ca(HTTPS_PROXY="http://127.0.0.1:9")
        self.assert_refused(result, "truststore.pki.rds.amazonaws.com", None)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: MIT
"""Variables and files of the user that other programs with libcurl or OpenSSL obey. rds-iam-fetch does not obey them:
it logs no TLS keys, trusts no certificate authority that they name, and sends no password that they contain.

Not here: the loader's variables and OPENSSL_* (test_host_variables.py), and set-uid programs (test_other_users.py)."""
import shutil

from cloud import needs_root
from labcase import harness
from whose_files import TOOL, WhoseFilesCase

FETCH = harness.installed("libexec/rds-iam/rds-iam-fetch")
REPLACE = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


class Environment(WhoseFilesCase):
    @needs_root
    def test_no_log_of_tls_keys_is_written(self):
        """rds-iam-fetch removes the variable from its environment. The control is a copy that removes a variable of
        another name instead, so libcurl finds SSLKEYLOGFILE."""
        env = self.web_identity_env()
        log = self.home.path / "tls-keys"
        copy = self.home.path / "rds-iam-fetch"
        program = FETCH.read_bytes()
        self.assertEqual(program.count(b"SSLKEYLOGFILE"), 1)
        for change, is_written in ((b"SSLKEYLOGFILE", False), (b"sslkeylogfile", True)):
            with self.subTest(variable=change):
                shutil.rmtree(self.home.path / ".cache", ignore_errors=True)
                copy.write_bytes(program.replace(b"SSLKEYLOGFILE", change))
                copy.chmod(0o755)
                result = self.home.run(["unshare", "--mount", "sh", "-c", REPLACE, "sh", copy, FETCH, TOOL, "credentials"],
                                       None, SSLKEYLOGFILE=str(log), **env)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(log.exists(), is_written)
        self.assertIn("CLIENT_", log.read_text(), "control: libcurl logged the keys")

    def test_no_other_variable_names_an_authority(self):
        """OpenSSL and many programs obey these variables. Only AWS_CA_BUNDLE names an authority for rds-iam."""
        ca = str(self.lab.cloud_ca_file)
        names = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        env = self.web_identity_env()
        del env["AWS_CA_BUNDLE"]
        directory = self.home.path / "certificates"
        directory.mkdir()
        shutil.copy(ca, directory / "ca.pem")
        self.assertEqual(harness.run(["openssl", "rehash", directory]).returncode, 0)
        others = {name: str(directory) if name.endswith("_DIR") else ca for name in names}
        result = self.home.run([TOOL, "credentials"], None, **env, **others)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("certificate", result.stderr)
        self.assertEqual(self.calls(), [], "nothing was sent")
        port = self.lab.cloud_https.rpartition(":")[2]
        control = ["openssl", "s_client", "-connect", f"localhost:{port}", "-verify_return_error", "-brief"]
        self.assertEqual(self.home.run(control, None, stdin="", **others).returncode, 0, "control: openssl obeys them")
        self.assertNotEqual(self.home.run(control, None, stdin="").returncode, 0, "control: openssl without them")
        result = self.home.run([TOOL, "credentials"], None, **env, AWS_CA_BUNDLE=ca)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_files_of_curl_and_netrc_are_not_read(self):
        """curl itself reads both files."""
        self.home.write(".netrc", "machine 127.0.0.1 login user password c4nary\n")
        self.home.write(".curlrc", 'header = "X-Planted: c4nary"\nnetrc\n')
        self.role_profile("p", "rds-access")
        curl = ["curl", "-s", self.recorder.url]
        self.home.run(curl, None, CURL_HOME=str(self.home.path))
        self.assertIn("X-Planted: c4nary", self.recorder.requests[0], "control")
        self.assertIn("Authorization: Basic", self.recorder.requests[0], "control")
        self.recorder.requests.clear()
        result = self.home.run([TOOL, "credentials", "--profile", "p"], "etl-base", CURL_HOME=str(self.home.path),
                               **self.cloud_env(AWS_ENDPOINT_URL_STS=self.recorder.url))
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(self.recorder.requests), 1)
        self.assertNotIn("c4nary", self.recorder.requests[0])
        self.assertNotIn("Basic", self.recorder.requests[0])


if __name__ == "__main__":
    harness.main()

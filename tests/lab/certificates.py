# SPDX-License-Identifier: MIT
"""Makes certificates with the openssl command: those of the lab's servers, signed by a CA like that of RDS; those that
a client must reject; and those of the AWS services, signed by a CA of their own.

They are made once per build directory. This module does not decide which client trusts which certificate.
"""
import pathlib
import subprocess
from typing import NamedTuple

from fixture import LabError

DAYS = "3650"


class Certificate(NamedTuple):
    """The paths of a PEM certificate and its key."""

    certificate: pathlib.Path
    key: pathlib.Path


class Certificates:
    """The paths of the certificates in a directory that make() has filled."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.ca_file = self.directory / "rds-ca.crt"
        self.other_ca_file = self.directory / "other-ca.crt"
        # The first three certificates contain the names of the lab's own servers.
        self.server = self._pair("server")  # signed by RDS's CA
        self.other_ca = self._pair("other-ca-server")  # signed by another CA
        self.self_signed = self._pair("self-signed-server")
        # RDS's CA has signed the other three certificates.
        self.wrong_name = self._pair("wrong-name-server")
        self.other_names = self._pair("other-names-server")  # the fixture's uncertified names
        self.expired = self._pair("expired-server")  # the names of the lab's own servers

    def _pair(self, name):
        return Certificate(self.directory / f"{name}.crt", self.directory / f"{name}.key")


class CloudCertificates:
    """The paths in a directory that make_cloud() has filled: the CA of the AWS services (another CA than that of RDS),
    the certificate of the AWS services, and the key that signs a cluster's web identity tokens."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.ca_file = self.directory / "aws-ca.crt"
        self.server = Certificate(self.directory / "aws.crt", self.directory / "aws.key")
        self.provider_key = self.directory / "provider.key"
        self.provider_public_key = self.directory / "provider.pub"


def make_cloud(directory, names, environment):
    """Fills an existing, empty directory with the certificates of AWS services with these host names."""
    directory = pathlib.Path(directory)
    maker = _Maker(directory, environment)
    maker.authority("aws-ca", "Lab AWS Root CA")
    maker.leaf("aws-ca", "aws", [*names, "localhost"], addresses=["127.0.0.1"])
    maker.rsa_key("provider")


def make(directory, names, other_names, environment):
    """Fills an existing, empty directory with certificates for the servers' host names, one for other_names, and one
    for wrong.example.com."""
    directory = pathlib.Path(directory)
    maker = _Maker(directory, environment)
    maker.authority("rds-ca", "Amazon RDS us-east-1 Root CA ECC256 G1")
    maker.authority("other-ca", "Some Other CA")
    maker.leaf("rds-ca", "server", names)
    maker.leaf("other-ca", "other-ca-server", names)
    maker.self_signed("self-signed-server", names)
    maker.leaf("rds-ca", "wrong-name-server", ["wrong.example.com"])
    maker.leaf("rds-ca", "other-names-server", other_names)
    maker.leaf("rds-ca", "expired-server", names, days="0")


class _Maker:
    def __init__(self, directory, environment):
        self._directory = directory
        self._environment = environment

    def authority(self, name, title):
        self._key(name)
        self._openssl(
            "req", "-x509", "-new", "-key", f"{name}.key", "-out", f"{name}.crt",
            "-sha256", "-days", DAYS, "-subj", f"/CN={title}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip

    def self_signed(self, name, dns_names):
        self._key(name)
        alternatives = ",".join(f"DNS:{dns_name}" for dns_name in dns_names)
        self._openssl(
            "req", "-x509", "-new", "-key", f"{name}.key", "-out", f"{name}.crt",
            "-sha256", "-days", DAYS, "-subj", f"/CN={dns_names[0][:60]}",
            "-addext", f"subjectAltName={alternatives}",
        )  # fmt: skip

    def leaf(self, authority, name, dns_names, addresses=(), days=DAYS):
        self._key(name)
        extensions = self._directory / f"{name}.ext"
        alternatives = ",".join(
            [f"DNS:{dns_name}" for dns_name in dns_names] + [f"IP:{each}" for each in addresses]
        )
        extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth\n")
        # X.509 limits the common name to 64 characters; clients check the subject alternative names.
        self._openssl(
            "req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={dns_names[0][:60]}",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", "-sha256", "-days", days,
            "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial",
            "-extfile", extensions.name,
        )  # fmt: skip

    def rsa_key(self, name):
        self._openssl("genrsa", "-out", f"{name}.key", "2048")
        (self._directory / f"{name}.key").chmod(0o600)
        self._openssl("rsa", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pub")

    def _key(self, name):
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        (self._directory / f"{name}.key").chmod(0o600)

    def _openssl(self, *arguments):
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"openssl {arguments[0]} failed: {done.stdout.strip()[-300:]}")

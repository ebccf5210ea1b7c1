# SPDX-License-Identifier: MIT
"""Reads AWS's two files with botocore, for the target "profiles". The arguments are the paths of the config file and
of the credentials file. For each line on stdin, it reads both files again and writes to stdout a number of four bytes
(little-endian), and then that many bytes: "error" if botocore rejects a file; otherwise records of five fields, each of
which ends with a NUL:

    value    PROFILE  KEY     VALUE    ""      a setting; VALUE is "" for a key with sub-properties
    sub      PROFILE  KEY     SUB-KEY  VALUE
    session  SESSION  KEY     VALUE    ""      a setting of [sso-session SESSION]
    source   PROFILE  METHOD  ID       SECRET  what botocore would use: METHOD is "keys" (with ID and SECRET),
                                               "process" (ID is the command), "web" (ID is the file), "sso" (ID is
                                               the account), "credential_source" (ID is its value), "none", "error" or
                                               "defect" (botocore itself fails)
    role     PROFILE  ARN     ""       ""      each role, in the order in which botocore would assume them
"""
import struct
import sys

import botocore.configloader
import botocore.credentials
import botocore.exceptions

NAMES = ("p", "default")
ERRORS = (
    botocore.exceptions.BotoCoreError,
    botocore.credentials.ConfigNotFound,
)


class Found(Exception):
    """Names a source, and ends the search before botocore gets credentials from it."""


def full_config(config_path, credentials_path):
    """The same as full_config() of a botocore session."""
    config = botocore.configloader.load_config(config_path)
    for name, values in botocore.configloader.raw_config_parse(credentials_path).items():
        config["profiles"].setdefault(name, {}).update(values)
    return config


class Process(botocore.credentials.ProcessProvider):
    def _retrieve_credentials_using(self, credential_process):
        raise Found("process", credential_process)


class Sso(botocore.credentials.SSOProvider):
    def load(self):
        config = self._load_sso_config()
        if config:
            raise Found("sso", config["sso_account_id"])


class Builder:
    """Has the providers of botocore's ProfileProviderBuilder."""

    def __init__(self, config, paths):
        self.config = config
        self.paths = paths

    def providers(self, profile_name, disable_env_vars=True):
        def load():
            return self.config

        return [
            botocore.credentials.AssumeRoleWithWebIdentityProvider(
                load, None, profile_name, disable_env_vars=disable_env_vars
            ),
            Sso(load, None, profile_name, token_cache={}),
            botocore.credentials.SharedCredentialProvider(self.paths[1], profile_name),
            Process(profile_name, load),
            botocore.credentials.ConfigProvider(self.paths[0], profile_name),
        ]


class Sourcer:
    def is_supported(self, name):
        return name in ("Environment", "Ec2InstanceMetadata", "EcsContainer")

    def source_credentials(self, name):
        raise Found("credential_source", name)


class Assume(botocore.credentials.AssumeRoleProvider):
    """Records the roles. The role that is assumed last comes first."""

    def _get_role_config(self, profile_name):
        config = super()._get_role_config(profile_name)
        self.roles.append(config["role_arn"])
        return config


def source_of(name, config, paths):
    """Returns METHOD, ID and SECRET of the source, and the roles."""
    builder = Builder(config, paths)
    assume = Assume(
        lambda: config, None, {}, name, credential_sourcer=Sourcer(), profile_provider_builder=builder
    )
    assume.roles = roles = []
    try:
        for provider in [assume, *builder.providers(name)]:
            credentials = provider.load()
            if credentials is not None:
                return describe(credentials, roles)
    except Found as found:
        return (*found.args, "", roles)
    except ERRORS:
        return "error", "", "", []
    except (AttributeError, TypeError):
        return "defect", "", "", []  # botocore does not expect sub-properties as the value of a key
    return "none", "", "", []


def describe(credentials, roles):
    """Follows the deferred credentials to their source."""
    while credentials.method in ("assume-role", "assume-role-with-web-identity"):
        refresh = credentials._refresh_using
        if credentials.method == "assume-role-with-web-identity":
            fetcher = refresh.__self__
            return "web", fetcher._web_identity_token_loader._web_identity_token_path, "", [*roles, fetcher._role_arn]
        # For a role with an MFA device, botocore wraps the refresh method.
        credentials = getattr(refresh, "_refresh", refresh).__self__._source_credentials
    return "keys", credentials.access_key, credentials.secret_key, roles


def answer(paths):
    try:
        config = full_config(*paths)
    except ERRORS:
        return ["error"]
    fields = []
    for kind, sections in (("value", config["profiles"]), ("session", config["sso_sessions"])):
        for name, values in sections.items():
            for key, value in values.items():
                if isinstance(value, dict):
                    fields += [kind, name, key, "", ""]
                    for sub, text in value.items():
                        fields += ["sub", name, key, sub, text]
                else:
                    fields += [kind, name, key, value, ""]
    for name in NAMES:
        method, first, second, roles = source_of(name, config, paths)
        fields += ["source", name, method, first, second]
        for role in reversed(roles):
            fields += ["role", name, role, "", ""]
    return fields


def main():
    paths = sys.argv[1:3]
    for _ in sys.stdin:
        text = "".join(str(field) + "\0" for field in answer(paths)).encode()
        sys.stdout.buffer.write(struct.pack("<I", len(text)) + text)
        sys.stdout.buffer.flush()


main()

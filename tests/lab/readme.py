# SPDX-License-Identifier: MIT
"""The policies, the SQL and the configuration that the README shows to users: its fenced blocks, verbatim, with values
in the place of their {PLACEHOLDERS}.

The lab uses these blocks, so the tests test what the README shows. A missing or repeated block is an error.
"""
import json
import pathlib
import re

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([A-Z_]+)\}")


def trust_policy(**values):
    """The trust policy of the access role."""
    return json.loads(_filled(_block("json", '"Principal"'), values))


def access_policy(**values):
    """The policy that allows the access role to connect to one database."""
    return json.loads(_filled(_block("json", '"Resource"'), values))


def configuration(**values):
    """The service's file ~/.config/rds-iam/config."""
    return _filled(_block("ini", "role_arn"), values)


def statements(title):
    """The SQL block whose first line is a comment with this title."""
    return _block("sql", f"-- {title}\n")


def install_steps():
    """The commands of the section Install, as a list of lines."""
    content = README.read_text(encoding="utf-8")
    section = content.partition("\n## Install\n")[2].partition("\n## ")[0]
    found = re.search(r"(?:^    .*\n)+", section, re.MULTILINE)
    if found is None:
        raise LookupError(f"{README} has no indented block in its section Install")
    return [line.strip() for line in found[0].splitlines()]


def _block(language, text):
    """The only block of a language that contains this text."""
    content = README.read_text(encoding="utf-8")
    found = [body for name, body in _BLOCK.findall(content) if name == language and text in body]
    if len(found) != 1:
        raise LookupError(f"{README} has {len(found)} blocks of {language} with {text.strip()}")
    return found[0]


def _filled(text, values):
    filled = _PLACEHOLDER.sub(lambda name: values[name[1]], text)
    unused = set(values) - set(_PLACEHOLDER.findall(text))
    if unused:
        raise LookupError(f"{README} has no placeholder {', '.join(sorted(unused))} there")
    return filled

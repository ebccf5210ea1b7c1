# SPDX-License-Identifier: MIT
"""What the README tells people to write at AWS, at their databases and on the service's machine: its
fenced blocks, word for word, with their {PLACEHOLDERS} filled.

So what the README says is what is tested. A block that is not there, or there twice, is an error.
"""
import json
import pathlib
import re

README = pathlib.Path(__file__).resolve().parent.parent.parent / "README.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([A-Z_]+)\}")


def trust_policy(**values):
    """Who may assume the access role."""
    return json.loads(_filled(_block("json", '"Principal"'), values))


def access_policy(**values):
    """What the access role may do at one database."""
    return json.loads(_filled(_block("json", '"Resource"'), values))


def configuration(**values):
    """The service's ~/.config/rds-iam/config."""
    return _filled(_block("ini", "role_arn"), values)


def statements(title):
    """The SQL whose first line is the comment with this title."""
    return _block("sql", f"-- {title}\n")


def install_steps():
    """The commands that install the software, one a line."""
    content = README.read_text(encoding="utf-8")
    section = content.partition("\n## Install\n")[2].partition("\n## ")[0]
    found = re.search(r"(?:^    .*\n)+", section, re.MULTILINE)
    if found is None:
        raise LookupError(f"{README} has no indented block in its section Install")
    return [line.strip() for line in found[0].splitlines()]


def _block(language, text):
    """The one block of a language that has this text."""
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

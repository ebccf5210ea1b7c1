# SPDX-License-Identifier: MIT
"""Each link in a document leads to a file that exists, and to a heading of it. Each path of a source file that a
document names exists."""
import pathlib
import re
import tempfile
import unittest

import harness
import phrases

FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.M)
# A path in backquotes that begins with a folder of this tree. NAME stands for a name.
PATH = re.compile(r"`((?:common|mysql_plugin|pg_plugin|tests)/[\w./-]+\.(?:c|h|py|md|json|yaml|sql))`")
PLANTED = """# A title: with `code`

[good](#a-title-with-code) [missing file](other/gone.md) [missing heading](../README.md#no-such-heading)
[also good](../README.md#quick-start) `[not a link](nowhere)` `common/rds_iam.h` `common/gone.c` `tests/unit/test_NAME.c`

```sh
[not a link](nowhere)
```
"""


def anchors(path):
    """The anchors of a document's headings, as GitHub and GitLab make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = [LINK.sub(lambda match: match[0].split("]")[0][1:], title) for title in HEADING.findall(text)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(path, root):
    """The links and paths of one document that lead to nothing."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    for target in LINK.findall(CODE.sub("", text)):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        other = (path.parent / name) if name else path
        if not other.exists():
            yield f"{path.name}: {target}: there is no such file"
        elif anchor and anchor not in anchors(other):
            yield f"{path.name}: {target}: there is no such heading"
    for name in PATH.findall(text):
        if "NAME" not in name and not (root / name).exists():
            yield f"{path.name}: {name}: there is no such file"


class Links(unittest.TestCase):
    def test_each_link_resolves(self):
        found = list(phrases.documents(harness.SOURCE))
        self.assertGreater(len(found), 30)
        links = sum(len(LINK.findall(path.read_text(encoding="utf-8"))) for path in found)
        self.assertGreater(links, 40)
        self.assertEqual([each for path in found for each in broken(path, harness.SOURCE)], [])

    def test_control_planted_links_are_found(self):
        with tempfile.TemporaryDirectory(dir=harness.SOURCE / "tests") as scratch:
            path = pathlib.Path(scratch) / "planted.md"
            path.write_text(PLANTED.replace("../README", "../../README"), encoding="utf-8")
            self.assertEqual(list(broken(path, harness.SOURCE)), [
                "planted.md: other/gone.md: there is no such file",
                "planted.md: ../../README.md#no-such-heading: there is no such heading",
                "planted.md: common/gone.c: there is no such file"])


harness.main()

"""Says whether dashboard and alerts of a render are those of the folder. Usage: same.py RENDER FOLDER

Without a YAML reader: the dashboard is JSON in a block, and of alerts the names and expressions count."""

import json
import pathlib
import re
import sys


def block(text, key):
    """The literal block under the key, without its indentation."""
    after = text.split(f"  {key}: |\n", 1)[1]
    lines = []
    for line in after.splitlines():
        if line.strip() and not line.startswith("    "):
            break
        lines.append(line[4:])
    return "\n".join(lines)


def words(text):
    """Names of alerts and records, in order."""
    return re.findall(r"(?:alert|record): (\S+)", text)


def main():
    render, folder = pathlib.Path(sys.argv[1]).read_text(), pathlib.Path(sys.argv[2])
    dashboard = json.loads(block(render, "spaniel.json"))
    rules = render.split("kind: PrometheusRule", 1)[1].split("\n---", 1)[0]
    same = dashboard == json.loads((folder / "dashboard.json").read_text())
    alerts = (folder / "alerts.yaml").read_text()
    sys.exit(not (same and words(rules) and sorted(words(rules)) == sorted(words(alerts))))


main()

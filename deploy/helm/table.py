"""Prints the table of values of README.md, from values.yaml: a row for each value, its text from `# --`."""

import json
import pathlib
import re


def rows(text):
    """(path, default, words) of each value that has no values below it that are written out."""
    lines = text.splitlines()
    path, words = [], ""
    for number, line in enumerate(lines):
        said = re.match(r" *# -- (.*)", line)
        value = re.match(r"( *)([A-Za-z]+):(?: (.*))?$", line)
        if said:
            words = said[1]
        elif value:
            depth = len(value[1]) // 2
            path = path[:depth] + [value[2]]
            below = lines[number + 1] if number + 1 < len(lines) else ""
            parent = value[3] is None
            if words or not parent:
                whole = parent and re.match(rf"{value[1]}  [A-Za-z]+:", below) and words
                yield ".".join(path), "see values.yaml" if whole else value[3] or "", words
                if whole:
                    path = path[:depth] + [value[2]]
            words = ""
        elif not line.strip():
            words = ""


def main():
    text = pathlib.Path(__file__).with_name("spaniel").joinpath("values.yaml").read_text()
    print("| value | default | meaning |")
    print("| --- | --- | --- |")
    for path, default, words in rows(text):
        shown = f"`{default}`" if default != "see values.yaml" else default
        print(f"| `{path}` | {shown} | {words.replace('|', chr(92) + '|')} |")


main()

"""Writes JSON schemas for kubeconform: those that the package kubernetes-validate carries, and those of the
custom resource definitions in the folders that are named. Usage: schemas.py TO FOLDER..."""

import json
import pathlib
import sys

import kubernetes_validate
import yaml


def kubernetes(to):
    """The files as they are, but for references, which stand on the place of the server that they came from."""
    at = pathlib.Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    for folder in sorted(at.glob("v*")):
        (to / folder.name).mkdir()
        for file in folder.glob("*.json"):
            schema = json.loads(file.read_text().replace('"/api/_definitions.json#', '"_definitions.json#'))
            schema.pop("$id", None)
            (to / folder.name / file.name).write_text(json.dumps(schema))


def strict(schema):
    """As the API server refuses them: no field that is not named, unless the definition lets it be."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
    return schema


def custom(to, folders):
    for file in (file for folder in folders for file in sorted(pathlib.Path(folder).glob("*.yaml"))):
        for definition in yaml.safe_load_all(file.read_text()):
            if not definition or definition["kind"] != "CustomResourceDefinition":
                continue
            spec = definition["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                common = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
                schema["properties"] = {**schema["properties"], **common}
                schema["type"], schema["additionalProperties"] = "object", False
                name = f"{spec['names']['kind'].lower()}-{spec['group'].split('.')[0]}-{version['name']}.json"
                (to / name).write_text(json.dumps(schema))


def main():
    to = pathlib.Path(sys.argv[1])
    (to / "custom").mkdir(parents=True)
    kubernetes(to)
    custom(to / "custom", sys.argv[2:])


main()

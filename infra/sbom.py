"""`python -m infra.sbom [JSON]`: what is in the deployed app, as CycloneDX; build/app.cdx.json unless named otherwise.

Its components are what Azure installs in addition to the zip: constraints.txt, for the deployed Python. The
same constraints make the same document, byte for byte. https://cyclonedx.org/docs/1.6/json/
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[1]
DEFAULT_TARGET = REPOSITORY / "build" / "app.cdx.json"
#: what infra/bicep/modules/function-app.bicep asks for
DEPLOYED: Mapping[str, str] = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
}


def pinned(root: Path = REPOSITORY) -> Iterator[tuple[str, str]]:
    """Name and version of each package that is installed in Azure."""
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(dict(DEPLOYED)):
            [version] = requirement.specifier
            yield requirement.name, version.version


def document(root: Path = REPOSITORY) -> dict[str, Any]:
    """The list of components."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = [_component("library", name, version) for name, version in pinned(root)]
    app = _component("application", project["name"], project["version"])
    app["licenses"] = [{"license": {"id": project["license"]}}]
    content = json.dumps([app, components], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": app},
        "components": components,
        "dependencies": [
            {"ref": app["bom-ref"], "dependsOn": sorted(each["bom-ref"] for each in components)}
        ],
    }


def main() -> None:
    """Run the command line."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document(), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}\n")


def _component(kind: str, name: str, version: str) -> dict[str, Any]:
    url = f"pkg:pypi/{name}@{version}"
    return {"type": kind, "bom-ref": url, "name": name, "version": version, "purl": url}


if __name__ == "__main__":
    main()

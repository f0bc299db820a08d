"""``face-audit doctor --licences``: what this audit stands on, under which licences; the same as a CycloneDX list
(SBOM).

In: what is installed here (each package's own metadata), the lock beside the package where there is one, the model
files that presets name. Out: rows of plain values, or the text of a CycloneDX 1.6 document. The one idea: a licence is
what the package itself states, word for word; where it states none the row says so, and nothing is guessed. Same
packages, same bytes: no clock, and a serial number made from the content.
"""

from __future__ import annotations

import re
import uuid
from importlib import metadata
from pathlib import Path

from audit.backends.presets import PRESETS, YUNET
from audit.base.errors import ConfigError

__all__ = ["licences", "locked_hashes", "sbom"]

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "dev.lock"
LEFT_OUT = ("bench", "dev")
"""Extras that only the project's own tests and benches use."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def licences() -> list[dict[str, str]]:
    """Give one row a package or model file: kind ('package' or 'model'), name, version (of a model: its sha256),
    licence.

    Packages are those that face-audit needs, its extras for audits among them, as far as they are installed here; in
    order of their names.

    Examples
    --------
    >>> [row["licence"] for row in licences() if row["name"] == "scipy"] != []
    True
    """
    rows = [
        {"kind": "package", "name": name, "version": found.version, "licence": _licence(found)}
        for name, found in sorted(_needed().items())
    ]
    files = {file.name: file for file in [YUNET, *(preset.file for preset in PRESETS.values())]}
    return rows + [
        {"kind": "model", "name": file.name, "version": file.sha256, "licence": file.licence}
        for _, file in sorted(files.items())
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed() -> dict[str, metadata.Distribution]:
    """Installed packages that face-audit asks for, and what these ask for in turn."""
    waiting, found = ["face-audit"], dict[str, metadata.Distribution]()
    while waiting:
        asked = waiting.pop()
        try:
            here = metadata.distribution(asked)
        except metadata.PackageNotFoundError:
            continue  # an extra, or another platform's package, that is not installed here
        if asked != "face-audit":
            found[asked] = here
        for line in here.requires or []:
            name = _NAME.match(line)
            extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
            mine = asked == "face-audit" and extra is not None and extra[1] not in LEFT_OUT
            if name and (extra is None or mine) and _normal(name[0]) not in found:
                waiting.append(_normal(name[0]))
    return found


def _licence(package: metadata.Distribution) -> str:
    """What a package states: its SPDX expression, else its classifiers, else the first line of its licence field."""
    said = package.metadata
    if expression := said.get_all("License-Expression"):
        return str(expression[0])
    classes = [
        line.rsplit(" :: ", 1)[-1] for line in said.get_all("Classifier") or [] if line.startswith("License :: ")
    ]
    if named := [one for one in classes if one != "OSI Approved"]:
        return "; ".join(named)
    return next(
        (line.strip() for line in "\n".join(said.get_all("License") or []).splitlines() if line.strip()),
        "not stated by the package",
    )


def locked_hashes(lock: Path = LOCK) -> dict[str, tuple[str, list[str]]]:
    """Give, of each package of a lock, its version and the sha256 (hex) of its files; nothing where there is no lock
    (an installed wheel).
    """
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []:
        if pinned := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", line):
            name = _normal(pinned[1])
            found[name] = (pinned[2], [])
        elif name and (digest := re.search(r"--hash=sha256:([0-9a-f]{64})", line)):
            found[name][1].append(digest[1])
    return found


def sbom(version: str) -> str:
    """Give the text of a CycloneDX 1.6 document (JSON) of the rows of ``licences``, with the lock's hashes where lock
    and installation agree.

    Raises
    ------
    ConfigError
        The library that writes it is not installed.
    """
    try:
        from cyclonedx.model import HashAlgorithm, HashType, Property
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.model.license import DisjunctiveLicense
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ImportError:
        raise ConfigError(
            "doctor --sbom",
            got="no cyclonedx-python-lib here",
            allowed="that library writes the list",
            todo="Install the extra 'sbom'.",
        ) from None
    rows, locked = licences(), locked_hashes()
    bom = Bom()
    bom.metadata.timestamp = None  # type: ignore[assignment]  # same packages, same bytes
    bom.metadata.component = Component(
        name="face-audit", version=version, type=ComponentType.APPLICATION, bom_ref="face-audit"
    )
    for row in rows:
        package = row["kind"] == "package"
        pinned, digests = locked.get(row["name"], ("", []))
        hashes = [one for one in digests if pinned == row["version"]] if package else [row["version"]]
        # Every file of a release has its hash: a component's own field is for one file, so a package's are properties.
        bom.components.add(
            Component(
                name=row["name"],
                version=row["version"] if package else row["version"][:12],
                type=ComponentType.LIBRARY if package else ComponentType.MACHINE_LEARNING_MODEL,
                bom_ref=f"{row['name']}@{row['version'][:20]}",
                purl=PackageURL("pypi", None, row["name"], row["version"]) if package else None,
                licenses=[DisjunctiveLicense(name=row["licence"])],
                hashes=[] if package else [HashType(alg=HashAlgorithm.SHA_256, content=row["version"])],
                properties=[Property(name="face-audit:locked-sha256", value=one) for one in hashes] if package else (),
            )
        )
    bom.register_dependency(bom.metadata.component, list(bom.components))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, repr((version, rows, sorted(locked.items()))))
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"

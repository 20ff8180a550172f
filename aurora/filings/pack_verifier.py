"""Checks an evidence pack without Aurora and without the network: `python verify.py PACK.zip` or, unzipped, `python verify.py .`.

Every file's SHA-256 against the manifest, every journal record's path to the signed root of the checkpoint (RFC 6962),
and that a decision or approval shown is the one that was sealed. Standard library only. The checkpoint's signature
(Ed25519) needs a key from elsewhere: compare `verifier_key.txt` with the one you were given before; `aurora evidence
verify` checks the signature too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

MANIFEST = "manifest.json"


def problems_of(read: Callable[[str], bytes], names: set[str]) -> list[str]:
    """What does not hold; empty when all does. `read` gives a file's bytes by its name in the pack."""
    try:
        manifest = json.loads(read(MANIFEST))
        listed = {one["path"]: one["sha256"] for one in manifest["files"]}
    except (KeyError, ValueError, TypeError):
        return [f"{MANIFEST} is missing or cannot be read"]
    found = [f"{name} is in the pack and not in the manifest" for name in sorted(names - set(listed) - {MANIFEST})]
    for name, digest in sorted(listed.items()):
        if name not in names:
            found.append(f"{name} is missing")
        elif hashlib.sha256(read(name)).hexdigest() != digest:
            found.append(f"{name} was changed")
    if not found and "proofs.json" in listed:
        found += _proof_problems(json.loads(read("proofs.json")), read)
    return found


def _proof_problems(proofs: list[dict[str, object]], read: Callable[[str], bytes]) -> list[str]:
    try:
        return [f"the record {one['record_id']} is not in the signed log" for one in proofs if not _holds(one, read)]
    except (ValueError, KeyError, TypeError) as error:
        return [f"proofs.json cannot be read: {error}"]


def _holds(proof: dict[str, object], read: Callable[[str], bytes]) -> bool:
    """RFC 9162, 2.1.3.2, from the entry's bytes to the root of the proof's checkpoint."""
    _, lines_size, root = read(str(proof["checkpoint"])).decode().split("\n")[:3]
    size = int(lines_size)
    entry = base64.b64decode(str(proof["entry"]))
    record_id = json.loads(entry.split(b"\n", 1)[0])[0]
    found = hashlib.sha256(b"\x00" + entry).digest()
    place, last = int(str(proof["leaf_index"])), size - 1
    path = proof["path"]
    if record_id != proof["record_id"] or not isinstance(path, list) or not 0 <= place < size:
        return False
    for one in path:
        sibling = base64.b64decode(one)
        if last == 0:
            return False
        if place & 1 or place == last:
            found = hashlib.sha256(b"\x01" + sibling + found).digest()
            while place and not place & 1:
                place >>= 1
                last >>= 1
        else:
            found = hashlib.sha256(b"\x01" + found + sibling).digest()
        place >>= 1
        last >>= 1
    return last == 0 and found == base64.b64decode(root)


def problems_at(place: Path) -> list[str]:
    """What does not hold of a zip, or of a folder that one was unpacked into."""
    if place.is_dir():
        names = {file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file()}
        return problems_of(lambda name: (place / name).read_bytes(), names)
    try:
        with zipfile.ZipFile(place) as pack:
            listed = pack.namelist()
            doubled = [f"{name} is in the pack twice" for name in sorted(set(listed)) if listed.count(name) > 1]
            return doubled + problems_of(pack.read, set(listed))
    except (zipfile.BadZipFile, OSError) as error:
        return [f"{place.name} cannot be opened: {error}"]


if __name__ == "__main__":
    wrong = problems_at(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    sys.stdout.write("\n".join(wrong) + "\n" if wrong else "Every file and proof of the pack holds.\n")
    sys.exit(1 if wrong else 0)

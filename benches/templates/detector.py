"""Does looking at the photo as it is, and twice as large only where that finds nothing, find the same faces?
Photographs in, differences out.

    python benches/templates/detector.py PHOTOS [--count 1000] [--out detector.json]

Three ways on the same photos, all with ``engine = "onnx"``: upsample = 1 (the package's default), upsample = 0, and 0
first, then 1 where no face was found. Decisions are counted over the same pairs of photos, mated (same folder) and
non-mated; a pair needs templates in both ways.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from audit.backends.protocol import Extraction, Status
from audit.backends.registry import make

THRESHOLD = 0.6


def timed(backend: Any, images: list[NDArray[np.uint8]]) -> tuple[list[Extraction], np.ndarray]:
    """Extractions, and CPU seconds of each."""
    out, seconds = [], []
    for image in images:
        start = time.thread_time()
        out += backend.extract([image])
        seconds.append(time.thread_time() - start)
    return out, np.array(seconds)


def compared(one: list[Extraction], other: list[Extraction], people: np.ndarray) -> dict[str, Any]:
    """What differs between two ways, ``one`` being the package's default."""
    found = np.array([[row.status == Status.ACQUIRED for row in way] for way in (one, other)])
    both = np.flatnonzero(found.all(axis=0))
    a, b = (np.array([way[row].template for row in both], dtype=np.float64) for way in (one, other))
    moved = np.linalg.norm(a - b, axis=1)
    i, j = np.triu_indices(len(both), 1)
    mated = people[both][i] == people[both][j]
    first, second = (
        np.sqrt(np.maximum((v * v).sum(1)[:, None] + (v * v).sum(1) - 2 * v @ v.T, 0))[i, j] for v in (a, b)
    )
    changed = (first <= THRESHOLD) != (second <= THRESHOLD)
    same = [one[row].quality["face_pixels"] == other[row].quality["face_pixels"] for row in both]
    return {
        "acquired_by_default": int(found[0].sum()),
        "acquired": int(found[1].sum()),
        "lost": int((found[0] & ~found[1]).sum()),
        "gained": int((found[1] & ~found[0]).sum()),
        "templates_within_1e-5": int((moved < 1e-5).sum()),
        "face_size_equal": sum(same),
        "median_template_distance": float(np.median(moved)),
        "largest_template_distance": float(moved.max()),
        "templates_further_than_0.6": int((moved > THRESHOLD).sum()),
        "number_of_faces_differs": sum(one[row].faces != other[row].faces for row in both),
        "mated_pairs": int(mated.sum()),
        "changed_mated": int((changed & mated).sum()),
        "non_mated_pairs": int((~mated).sum()),
        "changed_non_mated": int((changed & ~mated).sum()),
        "false_non_matches": [int((mated & (way > THRESHOLD)).sum()) for way in (first, second)],
        "false_matches": [int((~mated & (way <= THRESHOLD)).sum()) for way in (first, second)],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=1000, help="photos: every n-th subject's, all of them")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    folders = sorted(path for path in chosen.photos.iterdir() if path.is_dir())
    several = [folder for folder in folders if 2 <= len(list(folder.glob("*.jpg"))) <= 8]
    files = [file for folder in several[::2] for file in sorted(folder.glob("*.jpg"))][: chosen.count]
    people = np.unique([str(file.parent) for file in files], return_inverse=True)[1]
    images = [np.asarray(cv2.imread(str(file)), dtype=np.uint8) for file in files]
    backends = {level: make("face_recognition", {"engine": "onnx", "upsample": level}) for level in (1, 0)}
    for backend in backends.values():
        backend.extract(images[:3])
    (default, slow), (small, quick) = (timed(backends[level], images) for level in (1, 0))
    lost = np.array([row.status == Status.NO_FACE for row in small])
    mixed = [default[row] if lost[row] else small[row] for row in range(len(files))]
    found = {
        "photos": len(files),
        "subjects": len(np.unique(people)),
        "upsample 0": {"times_as_fast": float(slow.sum() / quick.sum()), **compared(default, small, people)},
        "upsample 0, then 1": {
            "times_as_fast": float(slow.sum() / (quick.sum() + slow[lost].sum())),
            **compared(default, mixed, people),
        },
    }
    text = json.dumps(found, indent=2)
    print(text)
    if chosen.out:
        chosen.out.write_text(text + "\n")


if __name__ == "__main__":
    main()

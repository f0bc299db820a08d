"""Do dlib's templates and those of ``engine = "onnx"`` decide alike? Whole photographs in, both ways; the largest
differences and every decision out.

    python benches/templates/agreement.py PHOTOS [--pairs pairs.txt] [--cache FOLDER] [--jobs 2] [--out
    differences.json]

PHOTOS holds one folder per subject. dlib's templates come from the template cache where they are in it. Distances are
float64; what is printed are numbers, never names.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from audit.backends.protocol import Status
from audit.embeddings.extract import extract
from audit.embeddings.store import Store


def distances(vectors: np.ndarray, norms: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Distances of rows start..stop to all rows that come after them, float64, flat."""
    squares = norms[start:stop, None] + norms[start:] - 2 * vectors[start:stop] @ vectors[start:].T
    return np.asarray(np.sqrt(np.maximum(squares[np.triu(np.ones_like(squares, dtype=bool), 1)], 0)))


def all_pairs(one: np.ndarray, other: np.ndarray, threshold: float) -> dict[str, float]:
    """Largest difference of a distance, and decisions at the threshold, over all pairs."""
    largest, changed, count, nearest = 0.0, 0, 0, np.inf
    squares = (one * one).sum(axis=1), (other * other).sum(axis=1)
    for start in range(0, len(one), 256):
        a, b = (
            distances(vectors, norms, start, start + 256) for vectors, norms in zip((one, other), squares, strict=True)
        )
        if len(a):
            largest = max(largest, float(np.abs(a - b).max()))
            nearest = min(nearest, float(np.abs(a - threshold).min()))
            changed += int(((a <= threshold) != (b <= threshold)).sum())
            count += len(a)
    return {
        "pairs": count,
        "largest_distance_difference": largest,
        "changed_decisions": changed,
        "nearest_distance_to_threshold": nearest,
    }


def listed(path: Path) -> list[tuple[list[str], bool]]:
    """Read an LFW pair list, NAME I J or NAME I NAME J after a first line of counts: the two files, and whether the
    pair is mated.
    """
    out = []
    for line in path.read_text().splitlines()[1:]:
        part = line.split("\t")
        name, number, second, last = (part[0], part[1], part[0], part[2]) if len(part) == 3 else part
        out.append(([f"{name}_{int(number):04d}.jpg", f"{second}_{int(last):04d}.jpg"], len(part) == 3))
    return out


def view2(
    every: list[tuple[list[str], bool]], rows: dict[str, int], one: np.ndarray, other: np.ndarray, threshold: float
) -> dict[str, float]:
    """The same over an LFW pair list; pairs without two templates are left out and counted."""
    pairs = [[*map(rows.__getitem__, keys), mated] for keys, mated in every if all(key in rows for key in keys)]
    absent = len(every) - len(pairs)
    if not pairs:
        return {"pairs": 0, "pairs_without_templates": absent}
    i, j, mated = np.array(pairs).T
    a, b = (np.linalg.norm(vectors[i] - vectors[j], axis=1) for vectors in (one, other))
    right = [int(((distance <= threshold) == mated).sum()) for distance in (a, b)]
    return {
        "pairs": len(pairs),
        "pairs_without_templates": absent,
        "largest_distance_difference": float(np.abs(a - b).max()),
        "changed_decisions": int(((a <= threshold) != (b <= threshold)).sum()),
        "right_decisions_dlib": right[0],
        "right_decisions_other": right[1],
    }


def main() -> None:
    """Extract, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--threshold", type=float, default=0.6)
    parser.add_argument("--options", default='{"engine": "onnx"}', help="of the other extraction, JSON")
    parser.add_argument(
        "--folds", type=int, help="only the photos of the pair list's first so many folds of 600 pairs"
    )
    parser.add_argument("--stride", type=int, default=1, help="every how many-th photo")
    parser.add_argument("--all-pairs", action="store_true")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    files = sorted(chosen.photos.rglob("*.jpg"))[:: chosen.stride]
    if chosen.folds:
        wanted = {key for keys, _ in listed(chosen.pairs)[: 600 * chosen.folds] for key in keys}
        files = [file for file in files if file.name in wanted]
    store = Store(chosen.cache) if chosen.cache else None
    one, other = (
        extract(files, "face_recognition", options, jobs=chosen.jobs, store=store)
        for options in ({"engine": "dlib"}, json.loads(chosen.options))
    )
    both = one.acquired & other.acquired
    a, b = one.vectors.astype(np.float64)[both], other.vectors.astype(np.float64)[both]
    found: dict[str, object] = {
        "options": json.loads(chosen.options),
        "photos": len(files),
        "templates": int(both.sum()),
        "status_differs": int((one.status != other.status).sum()),
        "found_by_dlib_only": int((one.acquired & ~other.acquired).sum()),
        "found_by_other_only": int((other.acquired & ~one.acquired).sum()),
        "faces_differ": int((one.faces != other.faces).sum()),
        "quality_differs": int((one.quality.to_numpy() != other.quality.to_numpy())[both].any(axis=1).sum()),
        "no_face": int((one.status == Status.NO_FACE).sum()),
        "templates_equal_in_every_bit": int((one.vectors[both] == other.vectors[both]).all(axis=1).sum()),
        "largest_template_difference": float(np.abs(a - b).max()),
        "largest_template_distance": float(np.linalg.norm(a - b, axis=1).max()),
        "median_template_distance": float(np.median(np.linalg.norm(a - b, axis=1))),
    }
    if chosen.pairs:
        rows = {files[index].name: row for row, index in enumerate(np.flatnonzero(both))}
        found["pair_list"] = view2(
            listed(chosen.pairs)[: 600 * chosen.folds if chosen.folds else None], rows, a, b, chosen.threshold
        )
    if chosen.all_pairs:
        found["all_pairs"] = all_pairs(a, b, chosen.threshold)
    text = json.dumps(found, indent=2)
    print(text)
    if chosen.out:
        chosen.out.write_text(text + "\n")


if __name__ == "__main__":
    main()

"""A small benchmark with planted identity errors: noise for photographs, points for templates.

28 people in two groups, three photos each (one photo of person 27 only). Planted: persons 2 and 3 are one person;
photo 1 of person 4 is filed under person 5 as photo 3; persons 6 (group a) and 20 (group b) are one person across
groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from audit.benchmark.tables import key

PEOPLE, PHOTOS = 28, 3
SAME_A, SAME_B = 2, 3
OWNER, MISFILED = 4, 5
ACROSS_A, ACROSS_B = 6, 20


@dataclass(frozen=True)
class World:
    """Where it lies, and who is who."""

    folder: Path
    config: Path

    @staticmethod
    def path(person: int, photo: int) -> str:
        return f"photos/{person:02d}_{photo}.png"

    def sample(self, person: int, photo: int) -> str:
        return key(self.path(person, photo))


CONFIG = """
version = 1
name = "planted"
[benchmark]
name = "files"
[benchmark.options.labels.group]
role = "group"
[backend]
name = "templates"
[backend.options]
path = "{templates}"
measure = "euclidean"
kind = "dissimilarity"
low = -40.0
high = 0.0
default_threshold = 1.0
[groups]
attributes = {{ group = "group" }}
reference = "group=a"
minimum_subjects = 3
[[operating_points]]
kind = "vendor_default"
[[operating_points]]
kind = "fixed"
threshold = 0.01
[report]
curve = [0.1, 0.05]
[review]
depth = 3
"""


def make(tmp_path: Path) -> World:
    rng = np.random.default_rng(11)
    folder = tmp_path / "data"
    (folder / "photos").mkdir(parents=True)
    points = rng.standard_normal((PEOPLE, 8)) * 3
    points[SAME_B], points[ACROSS_B] = points[SAME_A], points[ACROSS_A]
    rows, ids, vectors = [], [], []
    for person in range(PEOPLE):
        for photo in range(1, PHOTOS + 1 if person != 27 else 2):
            path = World.path(person, photo)
            cv2.imwrite(str(folder / path), rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))
            rows.append((path, f"person {person}", "a" if person < 14 else "b"))
            owner = OWNER if (person, photo) == (MISFILED, 3) else person
            ids.append(key(path))
            blur = 0.05 * rng.standard_normal(8)
            vectors.append(
                vectors[-1] + 1e-4 if photo == 2 else points[owner] + blur
            )  # photos 1 and 2 of a person are nearly one
    pd.DataFrame(rows, columns=["path", "subject", "group"]).to_csv(folder / "labels.csv", index=False)
    np.savez(tmp_path / "templates.npz", sample_id=np.array(ids), vectors=np.array(vectors, np.float32))
    config = tmp_path / "planted.toml"
    config.write_text(CONFIG.format(templates=tmp_path / "templates.npz"))
    return World(folder, config)

"""The contract suite for a backend: does it keep what ``protocol.Backend`` promises, and how fast is it?

In comes a backend's name and options; out comes one row per check, ``(check, passed, detail)``. The one idea: what an
audit relies on is tried on real images rather than believed: one answer per image, float32 templates of one width, the
same template twice, alone and in company, upright and turned by EXIF, a failure that is a status and not an exception.

``passed`` is None where a check does not apply or could not be made, and says why. Without photographs (``photos``)
most checks that need a face cannot be made, and say so: no picture of a person is shipped with this project.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.backends.contract import ContractError, answers_of, fault_of, form_fault, raised
from audit.backends.protocol import Backend, Extraction, ScoreRule, Status
from audit.backends.registry import make
from audit.backends.separation import separation, share_above, slightly_changed
from audit.base.errors import AuditError
from audit.base.photos import decode, read

__all__ = ["Check", "check", "rows_of", "score"]

Known = Sequence[tuple[Path, str]]
"""Photographs, and who is on each: any id, which is never printed."""

POOR = 0.75
"""Chance that a mated comparison scores higher than a non-mated one, below which no matcher is at work (as
``findings.doubts``)."""

Image = NDArray[np.uint8]

HUGE = (4000, 6000)
"""Rows and columns of the huge image: 24 megapixels, what a common camera gives."""


class Check(NamedTuple):
    """One check: its name, whether it passed (None: not made), and what was seen."""

    check: str
    passed: bool | None
    detail: str


def score(a: NDArray[np.floating], b: NDArray[np.floating], rule: ScoreRule) -> float:
    """Score two templates as METRICS 1 defines it: float64, larger = more alike."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    if rule.measure == "euclidean":
        return -float(np.sqrt(np.sum((x - y) ** 2)))
    product = float(np.sum(x * y))
    return product if rule.measure == "inner" else product / float(np.sqrt(np.sum(x * x) * np.sum(y * y)))


def check(
    name: str, options: Mapping[str, Any], *, photos: Sequence[Path] = (), huge: bool = True, known: Known = ()
) -> list[Check]:
    """Try a backend.

    Parameters
    ----------
    name, options
        As in the config.
    photos : sequence of Path
        Photographs with one face each, of two people or more; 4 to 20 are enough. They stay here.
    huge : bool
        Whether to try an image of 24 megapixels (may take a minute).
    known : sequence of (Path, str)
        Photographs of known people, some with two or more: whether the matcher tells them apart is said first.

    Returns
    -------
    list of Check
        Nothing is raised for what the backend does; a crash would end this process (see ``check_apart.check_apart``).
    """
    return list(rows_of(name, options, photos, huge, known))


def rows_of(
    name: str, options: Mapping[str, Any], photos: Sequence[Path], huge: bool, known: Known = ()
) -> Iterator[Check]:
    """Give the rows one by one, so that those before a crash are known."""
    try:
        backend = make(name, options)
    except AuditError as error:
        yield Check("it can be made", False, str(error))
        return
    yield Check("it can be made", True, f"{backend.name} {backend.version}")
    if getattr(backend, "precomputed", False):
        yield Check("images", None, "precomputed templates: there is no matcher to try")
        return
    yield from _guarded(_tells_apart, backend, known)
    yield from _guarded(_identity, backend, name, options)
    yield from _guarded(_without_faces, backend, huge)
    images = [_read(path) for path in photos]
    usable = [image for image in images if image is not None]
    if not usable:
        yield Check("photographs", None, "none given: templates, scores, rotation and speed were not tried")
        return
    yield from _guarded(_with_faces, backend, usable)
    yield from _guarded(_turned, backend, usable)
    yield from _guarded(
        _apart,
        backend,
        usable,
        [path.parent.name for path, image in zip(photos, images, strict=True) if image is not None],
    )


def _guarded(run: Callable[..., Iterator[Check]], *arguments: Any) -> Iterator[Check]:
    """Pass on a group of checks; an exception is a failed check of its own."""
    try:
        yield from run(*arguments)
    except ContractError as error:
        yield Check("it answers as the contract asks", False, str(error)[:300])
    except Exception as error:
        yield Check(run.__name__.strip("_").replace("_", " "), False, raised(error)[:300])


def _asked(backend: Backend, images: Sequence[Image], what: str = "photograph") -> list[Extraction]:
    """Ask for all images at once; raises ContractError that says what came, what was expected and for which image, by
    its place.
    """
    try:
        found = answers_of(backend.extract(list(images)), len(images))
    except ContractError as error:
        raise ContractError(f"{what}: {error}") from None
    out = []
    for place, answer in enumerate(found, start=1):
        if fault := form_fault(answer):
            raise ContractError(
                f"{what}{f' {place} of {len(images)}' if len(images) > 1 else ''}: the matcher gave {fault}"
            )
        out.append(answer)
    return out  # type: ignore[return-value]


def _one_by_one(backend: Backend, images: Sequence[Image]) -> list[Extraction]:
    return [
        _asked(backend, [image], f"photograph {place} of {len(images)}")[0]
        for place, image in enumerate(images, start=1)
    ]


def _read(path: Path) -> Image | None:
    return read(path).pixels


def _identity(backend: Backend, name: str, options: Mapping[str, Any]) -> Iterator[Check]:
    getattr(backend, "load", lambda: None)()
    yield Check(
        "dimensions is a positive int",
        isinstance(backend.dimensions, int) and backend.dimensions > 0,
        str(backend.dimensions),
    )
    rule = backend.rule
    fine = isinstance(rule, ScoreRule) and rule.low < rule.high and rule.measure in {"euclidean", "cosine", "inner"}
    yield Check("the rule is a ScoreRule with low < high", fine, str(rule))
    inside = rule.default_threshold is None or rule.low <= rule.to_score(rule.default_threshold) <= rule.high
    yield Check("the default threshold lies between low and high", inside, f"{rule.unit} {rule.default_threshold}")
    first, again = backend.fingerprint, make(name, options).fingerprint
    fine = isinstance(first, str) and len(first) == 64 and set(first) <= set("0123456789abcdef")
    yield Check("the fingerprint is a sha256 in hex", fine, str(first)[:80])
    yield Check(
        "made again, it has the same fingerprint",
        first == again,
        "the same" if first == again else f"{first[:12]} and {again[:12]}",
    )
    said = backend.describe()
    json.dumps(said)
    missing = [key for key in ("product", "licence", "training_data") if not said.get(key)]
    yield Check(
        "it states product, licence and training data",
        not missing,
        "all stated" if not missing else "missing: " + ", ".join(missing),
    )


def _tells_apart(backend: Backend, known: Known) -> Iterator[Check]:
    """Whether scores of one person's photographs lie above those of two people's, and whether they spread at all."""
    if not known:
        return
    getattr(backend, "load", lambda: None)()
    read_ = [(image, who) for path, who in known if (image := _read(path)) is not None]
    rows = [(backend.extract([image])[0], who) for image, who in read_]
    made = [(row.template, who) for row, who in rows if row.status == Status.ACQUIRED and row.template is not None]
    pairs = [(score(a, b, backend.rule), x == y) for n, (a, x) in enumerate(made) for b, y in made[:n]]
    mated, other = (np.array([value for value, same in pairs if same is wanted]) for wanted in (True, False))
    if not (len(mated) and len(other)):
        yield Check(
            "it tells people apart",
            None,
            f"{len(made)} of {len(known)} photographs acquired: no two of one person, or of two people",
        )
        return
    low, high = min(mated.min(), other.min()), max(mated.max(), other.max())
    width = high - low
    narrow = width < 0.01 * (backend.rule.high - backend.rule.low) or width <= 1e-4 * max(abs(low), abs(high))
    detail = f"{len(pairs)} scores, {low:.6g} to {high:.6g}" + (", a small part of what is possible" if narrow else "")
    yield Check("scores differ between photographs", False if width == 0 else None if narrow else True, detail)
    above = share_above(mated, other)
    people = len({who for _, who in made})
    twice = sum(1 for who in {who for _, who in made} if sum(one == who for _, one in made) > 1)
    doubt = 2 * float(
        np.sqrt((1 / twice + 1 / max(1, people // 2)) / 12)
    )  # Hanley & McNeil at one half, people as the unit
    unit = float(np.sqrt((mated.var() + other.var()) / 2))
    seen = (
        f"of 100 comparisons of one person about {100 * above:.3g} score above one of two people (guessing gives 50)"
    )
    seen += f", d' {(mated.mean() - other.mean()) / unit:.3g}" if unit > 0 else ""
    seen += (
        f"; mated {mated.min():.4g} to {mated.max():.4g}, others {other.min():.4g} to "
        f"{other.max():.4g}; {people} people, {twice} of them twice"
    )
    poor = above + doubt < POOR
    if poor and above < 0.5:
        seen += ". If that is far below 50, the scores are turned round: the rule's measure and kind"
    yield Check("it tells people apart", False if poor else True if above - doubt > 0.5 else None, seen)
    if backend.rule.default_threshold is not None:
        at = backend.rule.to_score(backend.rule.default_threshold)
        hits = int((mated >= at).sum()), int((other >= at).sum())
        fine = not (hits == (0, 0) or hits == (len(mated), len(other)))
        yield Check(
            "its default threshold lies among the scores",
            fine,
            f"{hits[0]} of {len(mated)} mated and {hits[1]} of {len(other)} others match",
        )


def _without_faces(backend: Backend, huge: bool) -> Iterator[Check]:
    none: Any = backend.extract([])
    yield Check(
        "no images give no answers",
        isinstance(none, list | tuple) and not none,
        "extract([]) gives an empty list" if none == [] else str(none)[:80],
    )
    cases = {
        "a black image": np.zeros((200, 160, 3), np.uint8),
        "a white image": np.full((200, 160, 3), 255, np.uint8),
        "one pixel": np.zeros((1, 1, 3), np.uint8),
    }
    if huge:
        cases[f"a huge grey image ({HUGE[1]} x {HUGE[0]})"] = np.full((*HUGE, 3), 128, np.uint8)
    for what, image in cases.items():
        start = time.perf_counter()
        row = _asked(backend, [image], what)[0]
        seen = f"{Status(row.status).name} {row.reason}".strip() + f", {time.perf_counter() - start:.2f} s"
        yield Check(
            f"{what} is a failure with a reason",
            row.status != Status.ACQUIRED and row.template is None and bool(row.reason),
            seen,
        )


def _with_faces(backend: Backend, images: list[Image]) -> Iterator[Check]:
    before = [image.copy() for image in images]
    start = time.perf_counter()
    alone = _one_by_one(backend, images)
    seconds = (time.perf_counter() - start) / len(images)
    yield Check(
        "it leaves the images as they were",
        all((a == b).all() for a, b in zip(images, before, strict=True)),
        f"{len(images)} photographs",
    )
    templates = [row.template for row in alone if row.status == Status.ACQUIRED]
    yield Check("it finds the faces", len(templates) == len(images), f"{len(templates)} of {len(images)} acquired")
    if not templates:
        return
    faults = ((place, fault_of(row, backend)) for place, row in enumerate(alone, start=1))
    wrong = [f"photograph {place} of {len(images)}: {fault}" for place, fault in faults if fault]
    yield Check(
        "templates are finite float32 of the stated width",
        not wrong,
        f"{backend.dimensions} wide" if not wrong else wrong[0],
    )
    if any(not _fits(t, backend) for t in templates):
        return
    try:
        together = _asked(backend, images, "a batch")
    except ContractError as error:
        yield Check("a batch gives one answer per image", False, str(error))
        return
    yield Check("a batch gives one answer per image", True, f"{len(together)} for {len(images)}")
    yield _equal("a batch gives what single images give", alone, together)
    yield _equal("the same images give the same templates", alone, _one_by_one(backend, images))
    yield _equal("the order of images does not matter", alone, _asked(backend, images[::-1])[::-1])
    whole = [t for t in templates if t is not None]
    pairs = [(a, b) for n, a in enumerate(whole) for b in whole[:n]]
    scores = [score(a, b, backend.rule) for a, b in pairs] + [score(t, t, backend.rule) for t in whole]
    yield Check(
        "scores are symmetric",
        all(score(a, b, backend.rule) == score(b, a, backend.rule) for a, b in pairs),
        f"{len(pairs)} pairs",
    )
    inside = all(backend.rule.low - 1e-9 <= value <= backend.rule.high + 1e-9 for value in scores)
    yield Check("scores lie between low and high", inside, f"{min(scores):.4g} to {max(scores):.4g}")
    if pairs:
        apart = len({t.tobytes() for t in whole}) == len(whole)
        yield Check("different photographs give different templates", apart, f"{len(whole)} templates")
    yield Check("speed", None, f"{1 / seconds:.1f} photographs a second alone ({seconds * 1000:.0f} ms each)")


def _apart(backend: Backend, images: list[Image], people: list[str]) -> Iterator[Check]:
    rows = [(row.template, person) for row, person in zip(_one_by_one(backend, images), people, strict=True)]
    usable = [
        (image, template, person)
        for image, (template, person) in zip(images, rows, strict=True)
        if _fits(template, backend)
    ]
    if not usable:
        return
    copies = [
        row.template if _fits(row.template, backend) else None
        for row in _one_by_one(backend, [slightly_changed(one[0]) for one in usable])
    ]
    templates = [one[1] for one in usable if one[1] is not None]
    for name, detail in separation(
        templates, copies, [one[2] for one in usable], lambda a, b: score(a, b, backend.rule)
    ):
        yield Check(name, None, detail)


def _turned(backend: Backend, images: list[Image]) -> Iterator[Check]:
    image = images[0]
    grey = np.repeat(np.asarray(np.rint(image.mean(axis=2)), dtype=np.uint8)[:, :, None], 3, axis=2)
    row = _asked(backend, [grey], "a grey photograph")[0]
    yield Check(
        "a grey photograph is acquired",
        row.status == Status.ACQUIRED,
        f"{Status(row.status).name} {row.reason}".strip(),
    )
    view = np.asfortranarray(image)[:, :, :]
    plain, odd = _asked(backend, [image])[0], _asked(backend, [view])[0]
    yield _equal("an image that is not contiguous in memory gives the same template", [plain], [odd])
    yield _equal(
        "a photograph stored sideways, with EXIF rotation, gives the same template",
        [plain],
        _asked(backend, [_through_exif(image)]),
    )


def _through_exif(image: Image) -> Image:
    """Store the photograph turned by 90 degrees with an EXIF tag that says so (losslessly), and read it back as the
    audit reads files.
    """
    import io

    from PIL import Image as Pillow

    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(np.rot90(image[:, :, ::-1]))).save(buffer, "PNG", exif=exif)
    pixels, reason = decode(buffer.getvalue())
    if pixels is None:
        raise ValueError(reason)
    return pixels


def _fits(template: Any, backend: Backend) -> bool:
    array = (
        isinstance(template, np.ndarray) and template.dtype == np.float32 and template.shape == (backend.dimensions,)
    )
    return array and bool(np.isfinite(template).all()) and (backend.rule.measure != "cosine" or bool(template.any()))


def _equal(what: str, one: Sequence[Extraction], other: Sequence[Extraction]) -> Check:
    """Compare bit by bit; where they differ, say by how much."""
    if [row.status for row in one] != [row.status for row in other]:
        return Check(what, False, "another status")
    pairs = [
        (a.template, b.template)
        for a, b in zip(one, other, strict=True)
        if a.template is not None and b.template is not None
    ]
    furthest = max((float(np.abs(a - b).max()) for a, b in pairs), default=0.0)
    return Check(what, furthest == 0.0, "bit for bit" if furthest == 0.0 else f"differs by up to {furthest:.2g}")

"""Bytes in, the same bytes damaged out: flipped, cut, doubled, spliced, hostile pieces put in. Drawn from a
``random.Random``, so seeds repeat.
"""

from __future__ import annotations

import random

__all__ = ["PIECES", "changed"]

PIECES = (
    *(
        b"\0",
        b"\r",
        b"\n",
        b'"',
        b"'",
        b",",
        b";",
        b"\t",
        b"#",
        b"|",
        b"=",
        b"-1",
        b" ",
        b"\\",
        b"/",
        b"%",
        b"{",
        b"}",
        b"]",
        b"[[a]]\n",
    ),
    *(
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe9",
        b"\xed\xa0\x80",
        b"\xff" * 8,
        b"\x7f" * 8,
        b"\xe2\x80\xae",
        b"\xe2\x80\x8b",
        b"e\xcc\x81",
    ),
    *(
        b"nan",
        b"NaN",
        b"1e999",
        b"-0.0",
        b"0x1",
        b"1_0",
        b"0,5",
        b"9" * 5000,
        b"1e-400",
        b"inf",
        b"true",
        b"null",
        b"TRUE",
        b"N/A",
    ),
    *(
        b"[" * 3000,
        b"{" * 3000,
        b'{"a":' * 2000,
        b"a" * 400,
        b"(" * 200,
        b"(2147483647, 2147483647)",
        b"|O",
        b"PK\3\4",
        b"\x1f\x8b",
        b"PAR1",
    ),
    *(
        b"../",
        b"/etc/passwd",
        b"=1+1",
        b"<script>",
        b"${HOME}",
        b"%s%n",
        b"\x80\x04\x95",
        b"II*\0",
        b"\xff\xd8",
        b"%!PS",
        b"\n\n\n" * 300,
    ),
)
"""What readers have fallen over."""


def changed(seed: bytes, draw: random.Random, most: int = 4) -> bytes:
    """Change ``seed`` one to ``most`` times; never longer than it and a few thousand bytes."""
    out = bytearray(seed)
    if draw.random() < 0.3:  # a digit or letter that means something else: mostly still a good file
        places = [k for k, byte in enumerate(out) if bytes([byte]).isalnum()]
        for at in draw.sample(places, min(len(places), draw.randint(1, most))):
            out[at] = draw.choice(b"0123456789") if bytes([out[at]]).isdigit() else out[at] ^ 1
        if places:
            return bytes(out)
    for _ in range(draw.randint(1, draw.randint(1, most))):
        at, way = draw.randrange(len(out) + 1), draw.randrange(8)
        if way < 2 and out:
            out[at % len(out)] ^= 1 << draw.randrange(8)
        elif way == 2 and draw.random() < 0.4:
            del out[at:]
        elif way == 3:
            out[at:at] = draw.choice(PIECES)
        elif way == 4:
            piece = draw.choice(PIECES)
            out[at : at + len(piece)] = piece
        elif way == 5:
            del out[at : at + draw.randrange(20)]
        elif way == 6:
            out[at:at] = out[draw.randrange(len(out) + 1) :][: draw.randrange(60)]
        else:  # a whole line moved or doubled
            lines = bytes(out).split(b"\n")
            lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))
            out = bytearray(b"\n".join(lines))
    return bytes(out)

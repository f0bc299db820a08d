"""A page in, a tagged PDF (PDF/UA-1) out, the same bytes each time. Needs WeasyPrint (``pip install
'face-audit[pdf]'``).
"""

from __future__ import annotations

import hashlib
import io
import logging

from audit.base.errors import ConfigError

__all__ = ["tagged_pdf"]


def tagged_pdf(page: bytes) -> bytes:
    """Print a page to PDF/UA-1.

    Parameters
    ----------
    page : bytes
        HTML whose pictures are data addresses; its own title becomes the document's. Nothing else is read, neither
        clock nor network.

    Raises
    ------
    ConfigError
        WeasyPrint is not installed.
    """
    try:
        import weasyprint
        from weasyprint.urls import URLFetcher
    except ImportError as error:
        raise ConfigError(
            "--pdf", got="no WeasyPrint", allowed="WeasyPrint 68 or newer", todo="pip install 'face-audit[pdf]'"
        ) from error
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)
    only_data = URLFetcher(allowed_protocols=("data",))
    document = weasyprint.HTML(string=page.decode(), url_fetcher=only_data)
    out = io.BytesIO()
    document.write_pdf(out, pdf_variant="pdf/ua-1", pdf_tags=True, pdf_identifier=hashlib.sha256(page).digest()[:16])
    return out.getvalue()

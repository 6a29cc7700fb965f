"""Papers as docstrings and configs name them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAME = r"[A-Z][\w'-]+"
_AUTHORS = rf"(?P<authors>{_NAME}(?:(?:, {_NAME})*,? and {_NAME}| et al\.)?)"
_IDENTIFIER = r"arXiv[: ]\s*(?P<arxiv>\d{4}\.\d{4,5})"
_CITATION = re.compile(
    rf"{_AUTHORS},? \(?(?P<year>(?:19|20)\d\d)\b(?:(?!\d{{4}}\)).){{0,160}}?{_IDENTIFIER}"
)
_CITING = re.compile(
    r" \([^()]*arXiv[^()]*\)"  # in brackets
    rf"|^{_NAME}[^:]* \(\d{{4}}\)[^:]*{_IDENTIFIER}[^:]*: "  # first
    rf"|: {_NAME}[^:]*\d{{4}}.*arXiv.*$"  # last
)


@dataclass(frozen=True)
class Citation:
    """A paper.

    Attributes:
        authors: Family names, or the first one's and "et al.".
        year: Of its publication.
        arxiv: Its identifier, as 1406.2661.
    """

    authors: str
    year: int
    arxiv: str

    def __str__(self) -> str:
        return f"{self.authors} {self.year}, arXiv {self.arxiv}"


def find_citations(text: str) -> Iterator[Citation]:
    """Find authors with a year and, soon after, an identifier of arXiv.

    Args:
        text: A docstring or a comment; line breaks do not matter.
    """
    for match in _CITATION.finditer(" ".join(text.split())):
        yield Citation(match["authors"], int(match["year"]), match["arxiv"])


def without_citations(text: str) -> str:
    """A line without the citation at its beginning or end, or in brackets."""
    return _CITING.sub("", text).strip()

"""The certificate as a PDF: one A4 page in both languages, with a QR code to its public page; equal input, equal bytes.

The face is the whole of Noto Sans SC. A character that even it lacks is set as 〓, the printers' mark for a missing
type, and named beneath by its code point, so that nobody's name is silently changed.
"""

import io
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from examapp.credentials import issuing
from examapp.credentials.models import Certificate
from examapp.scoring.rules import percent

FACE = "NotoSansSC"
FONT = Path(__file__).resolve().parent / "fonts" / "NotoSansSC-Regular.ttf"
GETA = "〓"
INK, MUTED, RULE = HexColor(0x1A2530), HexColor(0x55606B), HexColor(0x1F4E79)
WIDTH, HEIGHT = landscape(A4)
MARGIN = 62.0
ISSUING_BODIES = (
    ("中国材料研究学会", "Chinese Materials Research Society"),
    ("工业和信息化部教育与考试中心", "Education and Examination Center of MIIT"),
)


@dataclass(frozen=True)
class CertificatePage:
    """What stands on a certificate."""

    number: str
    holder: str
    title_zh: str
    title_en: str
    theory: str
    practical: str
    probability: str
    issued_on: date
    verify_url: str
    record_digests: tuple[str, ...]


def page_of(certificate: Certificate, public_url: str) -> CertificatePage:
    """Return what stands on a stored certificate."""
    exam = certificate.exam
    return CertificatePage(
        number=certificate.number, holder=certificate.holder_name, title_zh=exam.title_zh, title_en=exam.title_en,
        theory=certificate.theory_result.scaled, practical=certificate.practical_result.scaled,
        probability=certificate.probability, issued_on=issuing.issue_date(certificate.issued_at),
        verify_url=f"{public_url}/verify/{certificate.id}",
        record_digests=tuple(digest for _, digest in issuing.records_of(certificate)),
    )  # fmt: skip


def render(page: CertificatePage) -> bytes:
    """Return the PDF of a certificate."""
    _face()
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1)
    canvas.setTitle(page.number)
    canvas.setAuthor(" / ".join(english for _, english in ISSUING_BODIES))
    canvas.setSubject(page.title_en)
    _frame(canvas)
    _heading(canvas)
    _holder(canvas, page)
    _statement(canvas, page)
    _foot(canvas, page)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


class _WholeFont(TTFont):  # type: ignore[misc]
    """ReportLab writes code points beyond U+FFFF as they are where PDF wants UTF-16; then no text could be copied."""

    def addObjects(self, doc: Any) -> None:
        super().addObjects(doc)
        for name, stream in doc.idToObject.items():
            if name.startswith("toUnicodeCMap:"):
                stream.content = re.sub(r"<([0-9A-F]{5,6})>", _as_utf16, stream.content)


def _as_utf16(match: re.Match[str]) -> str:
    return f"<{chr(int(match[1], 16)).encode('utf-16-be').hex().upper()}>"


@lru_cache(maxsize=1)
def _face() -> frozenset[int]:
    """Load the face once and return the code points that it has."""
    font = _WholeFont(FACE, str(FONT))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def drawable(text: str) -> tuple[str, list[str]]:
    """Return `text` with 〓 for what the face lacks, and the code points of what it stands for.

    >>> drawable("张𠮷")
    ('张〓', ['U+20BB7'])
    """
    known = _face()
    missing = [f"U+{ord(character):04X}" for character in text if ord(character) not in known]
    return "".join(character if ord(character) in known else GETA for character in text), missing


def _centred(canvas: Canvas, y: float, size: float, text: str, color: Color = INK, width: float = 0) -> None:
    """Draw a line in the middle of the page, smaller where it would be wider than `width`."""
    widest = width or WIDTH - 2 * MARGIN
    natural = pdfmetrics.stringWidth(text, FACE, size)
    canvas.setFont(FACE, size * min(1.0, widest / natural) if natural else size)
    canvas.setFillColor(color)
    canvas.drawCentredString(WIDTH / 2, y, text)


def _line(canvas: Canvas, x: float, y: float, size: float, text: str, color: Color = INK) -> None:
    canvas.setFont(FACE, size)
    canvas.setFillColor(color)
    canvas.drawString(x, y, text)


def _frame(canvas: Canvas) -> None:
    canvas.setStrokeColor(RULE)
    for inset, width in ((24, 2.2), (31, 0.6)):
        canvas.setLineWidth(width)
        canvas.rect(inset, inset, WIDTH - 2 * inset, HEIGHT - 2 * inset)


def _heading(canvas: Canvas) -> None:
    _centred(canvas, HEIGHT - 74, 13, " · ".join(chinese for chinese, _ in ISSUING_BODIES), MUTED)
    _centred(canvas, HEIGHT - 90, 9, " · ".join(english for _, english in ISSUING_BODIES), MUTED)
    _centred(canvas, HEIGHT - 142, 36, "专 业 水 平 证 书", RULE)
    _centred(canvas, HEIGHT - 164, 13, "Certificate of Professional Level", RULE)


def _holder(canvas: Canvas, page: CertificatePage) -> None:
    name, missing = drawable(page.holder)
    _centred(canvas, HEIGHT - 222, 30, name)
    canvas.setLineWidth(0.6)
    canvas.line(WIDTH / 2 - 150, HEIGHT - 234, WIDTH / 2 + 150, HEIGHT - 234)
    if missing:
        _centred(canvas, HEIGHT - 246, 8, f"{GETA} = {', '.join(missing)} (Unicode)", MUTED)


def _statement(canvas: Canvas, page: CertificatePage) -> None:
    _centred(canvas, HEIGHT - 266, 13, "通过理论与实操两科考试，达到以下专业水平")
    _centred(canvas, HEIGHT - 282, 10, "has passed the theory and practical examinations for the level of", MUTED)
    _centred(canvas, HEIGHT - 316, 22, page.title_zh)
    _centred(canvas, HEIGHT - 336, 13, page.title_en)
    scores = f"理论 Theory  {page.theory}      实操 Practical  {page.practical}"
    _centred(canvas, HEIGHT - 372, 13, scores)
    _centred(canvas, HEIGHT - 388, 9, "满分 100 分，60 分合格  ·  out of 100, pass mark 60", MUTED)
    sure = percent(page.probability)
    both = f"真实能力达到两科合格标准的概率  {sure}  probability that both abilities truly reach the pass marks"
    _centred(canvas, HEIGHT - 410, 9.5, both)


def _foot(canvas: Canvas, page: CertificatePage) -> None:
    day = page.issued_on
    _line(canvas, MARGIN, 128, 11, f"证书编号 No.  {page.number}")
    _line(canvas, MARGIN, 110, 11, f"发证日期 Issued  {day.year} 年 {day.month} 月 {day.day} 日  ({day.isoformat()})")
    _line(canvas, MARGIN, 88, 7.5, "签名成绩记录摘要 Digests of the signed result records (SHA-256)", MUTED)
    for row, value in enumerate(page.record_digests):
        _line(canvas, MARGIN, 77 - 10 * row, 7, value, MUTED)
    side = 92.0
    left = WIDTH - MARGIN - side
    _qr(canvas, page.verify_url, left, 62, side)
    canvas.setFillColor(INK)
    canvas.setFont(FACE, 8.5)
    canvas.drawRightString(left - 12, 128, "扫码核验 Scan to verify")
    canvas.setFillColor(MUTED)
    canvas.setFont(FACE, 7)
    canvas.drawRightString(left - 12, 115, page.verify_url)
    canvas.drawRightString(left - 12, 103, "请核对地址栏 Check the address in your browser")


def _qr(canvas: Canvas, address: str, x: float, y: float, side: float) -> None:
    """Draw a QR code with its quiet zone, one rectangle for each run of dark modules."""
    rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix_iter(border=4)]
    module = side / len(rows)
    canvas.setFillColor(HexColor(0x000000))
    for number, row in enumerate(rows):
        start = None
        for column, is_dark in enumerate([*row, 0]):
            if is_dark and start is None:
                start = column
            elif not is_dark and start is not None:
                top = y + side - (number + 1) * module
                canvas.rect(x + start * module, top, (column - start) * module, module, stroke=0, fill=1)
                start = None

"""Certificate numbers: CMRS-FFL-YYYY-NNNNNN-C, field, level, year, serial, and a check character.

The check character is that of ISO 7064, MOD 37,36, over the letters and digits before it: it finds every single wrong
character and nearly every swap of neighbours.
"""

from datetime import date

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PREFIX = "CMRS"
FIELD_CODES = {
    "ceramics": "CE", "characterization": "CH", "composites": "CO", "dual-carbon": "DC", "energy-materials": "EN",
    "functional": "FU", "ic-materials": "IC", "metals": "ME", "nano-2d": "NA", "polymers": "PO",
    "st-management": "SM", "surface-corrosion": "SC",
}  # fmt: skip
LEVEL_DIGITS = {"primary": "1", "middle": "2", "high": "3"}


def check_character(text: str) -> str:
    """Return the ISO 7064 MOD 37,36 check character of `text`; what is neither letter nor digit is passed over.

    >>> check_character("A12425GABC1234002")
    'M'
    """
    product = 36
    for character in text.upper():
        if character in ALPHABET:
            total = (product + ALPHABET.index(character)) % 36 or 36
            product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


def number_series(field: str, level: str, issued_on: date) -> str:
    """Return the part of a number that certificates of one field, level and year share."""
    return f"{PREFIX}-{FIELD_CODES.get(field, 'XX')}{LEVEL_DIGITS.get(level, '0')}-{issued_on.year:04d}-"


def certificate_number(series: str, serial: int) -> str:
    """Return the number with its check character."""
    number = f"{series}{serial:06d}"
    return f"{number}-{check_character(number)}"


def is_number(text: str) -> bool:
    """Say whether `text` is written like a certificate number and its check character fits."""
    head, _, last = text.strip().upper().rpartition("-")
    return head.startswith(PREFIX) and check_character(head) == last

// Reading a typed number as the service does (parse_number in banks/formula.py), so that the page can say what it
// understood. A test holds the two against each other; the service alone decides.

const LONGEST = 64;
const LARGEST_EXPONENT = 300;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SIGNS = { "\u2212": "-", "\u2013": "-", "。": ".", "✕": "×", "∗": "*" };
const FOLDED = /[\u00a0\u2007\u2011\u202f\u3000\uff01-\uffee]|[\u{1d400}-\u{1d7ff}]/gu;

const MANTISSA = String.raw`(?:[1-9]\d{0,2}(?:,\d{3}){2,}(?:\.\d*)?|[1-9]\d{0,2}(?:,\d{3})+\.\d+|\d+\.?\d*|\.\d+)`;
const POWER = String.raw`10\s*(?:\^|\*\*)\s*(?:([+-]?\d{1,4})|\(([+-]?\d{1,4})\)|\{([+-]?\d{1,4})\})`;
const TYPED = new RegExp(String.raw`^([+-]?)(?:(${MANTISSA})(?:[eE]([+-]?\d{1,4})|\s*[×xX*·]\s*${POWER})?|${POWER})$`);

function folded(text) {
  const wide = text.replace(FOLDED, (sign) => sign.normalize("NFKC"));
  const raised = wide.replace(/10([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)/g, (whole, run) =>
    "10^" + [...run].map((sign) => ({ "⁺": "+", "⁻": "-" })[sign] ?? SUPERSCRIPTS.indexOf(sign)).join(""));
  const signed = raised.trim().replace(/[\u2212\u2013。✕∗]/g, (sign) => SIGNS[sign]);
  return signed.normalize("NFKD") === signed ? signed : null;
}

// {mantissa, exponent} (exponent null where none was typed), or null for what cannot be read in exactly one way.
export function readNumber(text) {
  const plain = text.length <= LONGEST ? folded(text) : null;
  const read = plain ? TYPED.exec(plain) : null;
  if (!read) return null;
  const [, sign, mantissa, ...exponents] = read;
  const power = exponents.find((found) => found !== undefined);
  const digits = (mantissa ?? "1").replaceAll(",", "").replace(/^\./, "0.").replace(/\.$/, "");
  const exponent = power === undefined ? null : Number(power);
  const size = magnitude(digits) + (exponent ?? 0);
  if (/[1-9]/.test(digits) && Math.abs(size) > LARGEST_EXPONENT) return null;
  return { mantissa: (sign === "-" ? "-" : "") + digits, exponent };
}

// The power of ten of the first digit that is not 0.
function magnitude(digits) {
  const [whole, fraction = ""] = digits.split(".");
  const significant = whole.replace(/^0+/, "");
  return significant ? significant.length - 1 : -1 - fraction.search(/[1-9]/);
}

const superscript = (exponent) =>
  String(exponent).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);

export function shownNumber({ mantissa, exponent }) {
  const signed = mantissa.replace("-", "−");
  return exponent === null ? signed : `${signed}×10${superscript(exponent)}`;
}

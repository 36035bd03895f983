// The calculator's arithmetic: a small recursive reader of formulas; nothing is ever evaluated as a program.

export class NotAFormula extends Error {}

const toRadians = (degrees) => (degrees * Math.PI) / 180;
const toDegrees = (radians) => (radians * 180) / Math.PI;

const FUNCTIONS = {
  sqrt: Math.sqrt, ln: Math.log, log: Math.log10, log10: Math.log10, exp: Math.exp, abs: Math.abs,
  sin: (x) => Math.sin(toRadians(x)), cos: (x) => Math.cos(toRadians(x)), tan: (x) => Math.tan(toRadians(x)),
  asin: (x) => toDegrees(Math.asin(x)), acos: (x) => toDegrees(Math.acos(x)), atan: (x) => toDegrees(Math.atan(x)),
};

const TOKEN = /\s*(?:((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|([a-zA-Zπ]\w*)|(\*\*|[-+*/^(),]))/y;
const DEEPEST = 50;

function tokens(text) {
  const plain = text.normalize("NFKC").replace(/[−–]/g, "-").replace(/[×·]/g, "*").replace(/÷/g, "/")
    .replace(/。/g, ".").replace(/√/g, "sqrt").trim();
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < plain.length) {
    const read = TOKEN.exec(plain);
    if (!read) throw new NotAFormula();
    if (read[1]) found.push({ number: Number(read[1]) });
    else if (read[2]) found.push({ name: read[2] });
    else found.push({ sign: read[3] === "**" ? "^" : read[3] });
  }
  return found;
}

// calculate("2*pi*sqrt(2)", {pi: 3.14…}) -> a number; angles are in degrees. Throws NotAFormula.
export function calculate(text, names = {}) {
  const input = tokens(text);
  let place = 0;
  let depth = 0;
  const sign = () => input[place]?.sign;
  const take = (wanted) => sign() === wanted && Boolean(++place);

  function sum() {
    let value = product();
    while (sign() === "+" || sign() === "-") value = take("+") ? value + product() : (take("-"), value - product());
    return value;
  }
  function product() {
    let value = signed();
    while (sign() === "*" || sign() === "/") value = take("*") ? value * signed() : (take("/"), value / signed());
    return value;
  }
  // -2^2 is -4, and 2^-3^2 is 2^(-(3^2)), as on paper
  function signed() {
    if (++depth > DEEPEST) throw new NotAFormula();
    const value = take("-") ? -signed() : take("+") ? signed() : power();
    depth -= 1;
    return value;
  }
  function power() {
    const base = atom();
    return take("^") ? base ** signed() : base;
  }
  function atom() {
    const token = input[place++];
    if (token?.number !== undefined) return token.number;
    if (token?.sign === "(") return closed(sum());
    if (token?.name && Object.hasOwn(FUNCTIONS, token.name) && take("(")) return FUNCTIONS[token.name](closed(sum()));
    if (token?.name && Object.hasOwn(names, token.name)) return names[token.name];
    throw new NotAFormula();
  }
  function closed(value) {
    if (!take(")")) throw new NotAFormula();
    return value;
  }

  const value = sum();
  if (place !== input.length || Number.isNaN(value)) throw new NotAFormula();
  return value;
}

// Ten significant figures, powers of ten as on paper.
export function shownResult(value) {
  if (!Number.isFinite(value)) return String(value);
  const rounded = Number(value.toPrecision(10));
  const size = Math.abs(rounded);
  if (size !== 0 && (size < 1e-4 || size >= 1e10)) return rounded.toExponential().replace("e+", "e");
  return String(rounded);
}

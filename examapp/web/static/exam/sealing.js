// What is encrypted between this page and the service: the paper before the start, the emergency answer file after it.
// AES-256-GCM; a browser offers it on encrypted connections only, and everything here has a way to go on without it.

const NONCE = 12;

export const canSeal = () => Boolean(globalThis.crypto?.subtle);

const asText = (bytes) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const asBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

const asHex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const keyOf = (bytes, use) => crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [use]);

const sha256 = async (bytes) => asHex(await crypto.subtle.digest("SHA-256", bytes));

// The text of an emergency answer file: `content` sealed with the sitting's key, which the service can make again.
export async function sealedFile(sitting, keyText, content) {
  const secret = asBytes(keyText);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
  const plain = new TextEncoder().encode(JSON.stringify(content));
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, await keyOf(secret, "encrypt"), plain);
  return JSON.stringify({
    schema: 1, sitting, key_id: (await sha256(secret)).slice(0, 16), nonce: asText(nonce), ciphertext: asText(new Uint8Array(ciphertext)),
  });
}

// The paper in a ciphertext that begins with its nonce; throws when it is not the paper of this digest.
export async function openedPaper(sealed, { key, digest }) {
  const secret = await keyOf(asBytes(key), "decrypt");
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.slice(0, NONCE) }, secret, sealed.slice(NONCE));
  if (`sha256:${await sha256(plain)}` !== digest) throw new Error("another paper");
  return JSON.parse(new TextDecoder().decode(plain));
}

// What must survive a reload of this page: responses and flags, in IndexedDB; in memory alone where there is none.

const NAME = "examapp";
const TABLE = "outbox";

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export async function openStore(sitting) {
  try {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE, { keyPath: ["sitting", "key"] });
    return new Store(await done(opening), sitting);
  } catch {
    return new Store(null, sitting);
  }
}

export class Store {
  #database;
  #sitting;
  #memory = new Map();

  constructor(database, sitting) {
    this.#database = database;
    this.#sitting = sitting;
  }

  get isDurable() {
    return this.#database !== null;
  }

  #table(mode) {
    return this.#database.transaction(TABLE, mode, { durability: "strict" }).objectStore(TABLE);
  }

  // Remembers `record` under `key`; a full or broken disk must not stop the trainee, the page still has it.
  async put(key, record) {
    this.#memory.set(key, record);
    if (this.#database) await done(this.#table("readwrite").put({ ...record, sitting: this.#sitting, key })).catch(() => null);
  }

  async remove(key) {
    this.#memory.delete(key);
    if (this.#database) await done(this.#table("readwrite").delete([this.#sitting, key])).catch(() => null);
  }

  // Everything that is remembered of this sitting, by key.
  async all() {
    if (!this.#database) return new Map(this.#memory);
    const range = IDBKeyRange.bound([this.#sitting, ""], [this.#sitting, "\uffff"]);
    const records = await done(this.#table("readonly").getAll(range)).catch(() => []);
    return new Map(records.map((record) => [record.key, record]));
  }

  // Forgets the sitting: this computer may be somebody else's tomorrow.
  async clear() {
    for (const key of (await this.all()).keys()) await this.remove(key);
  }
}

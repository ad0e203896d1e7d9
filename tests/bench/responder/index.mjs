// An index by hash: whose documents have these values, for one or more paths.
import { keyOf } from "./filter.mjs";

export class HashIndex {
  #paths;
  #owners = new Map();

  constructor(paths, { unique = false } = {}) {
    this.#paths = paths.map((path) => path.split("."));
    this.fields = this.#paths.map(([field]) => field);
    this.name = paths.join();
    this.unique = unique;
  }

  add(entry) {
    for (const key of this.#keysOf(entry)) {
      const owners = this.#owners.get(key);
      if (owners) owners.add(entry);
      else this.#owners.set(key, new Set([entry]));
    }
  }

  remove(entry) {
    for (const key of this.#keysOf(entry)) this.#owners.get(key)?.delete(entry);
  }

  /** Returns the entries that have the values, one for each path. */
  owners(values) {
    return this.#owners.get(joined(values)) ?? NOBODY;
  }

  /** Returns whether an entry with other bytes would stand in another entry's place. */
  isTaken(entry) {
    return this.unique && this.#keysOf(entry).some((key) => this.#owners.get(key)?.size);
  }

  /** Paths with a list in common are followed through the same element of it. */
  #keysOf(entry) {
    const document = entry.view(this.fields);
    const root = document[this.fields[0]];
    const elements = Array.isArray(root) ? root : [null];
    return elements.map((element) =>
      joined(
        this.#paths.map(([field, ...rest]) =>
          rest.reduce((value, part) => value?.[part], element ?? document[field]),
        ),
      ),
    );
  }
}

const NOBODY = new Set();
const joined = (values) => values.map((value) => String(keyOf(value))).join("\0");

// A stored document: its bytes, and as much of it as somebody needed, decoded.
import { deserialize } from "bson";
import { documentOf, eachElement } from "./elements.mjs";

export class Entry {
  #decoded = {};
  #elements = null;
  #projected = null;

  constructor(bytes) {
    this.bytes = bytes;
  }

  /** Returns an object that has at least these top-level fields. */
  view(fields) {
    for (const field of fields) {
      if (field in this.#decoded) continue;
      const element = this.#element(field);
      this.#decoded[field] = element && deserialize(documentOf([element]))[field];
    }
    return this.#decoded;
  }

  #element(field) {
    if (!this.#elements) {
      this.#elements = new Map();
      eachElement(this.bytes, (name, bytes) => this.#elements.set(name, bytes));
    }
    return this.#elements.get(field);
  }

  whole() {
    return deserialize(this.bytes);
  }

  /** Returns the bytes that a projection makes, the same ones again for the same projection. */
  projected(key, project) {
    this.#projected ??= new Map();
    let bytes = this.#projected.get(key);
    if (!bytes) this.#projected.set(key, (bytes = project(this.bytes)));
    return bytes;
  }
}

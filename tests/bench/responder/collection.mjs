// A collection: documents by `_id`, hash indexes, and the ways to find them.
import { Entry } from "./entry.mjs";
import { compiled, isOperators, keyOf } from "./filter.mjs";
import { HashIndex } from "./index.mjs";

const FEW = 200; // an index that narrows down no further than this gives way to the order of `_id`

export class Collection {
  #entries = new Map();
  #ids = [];
  #isSorted = true;
  #declared = new Map();
  #kept = new Set();

  /** A unique index is kept from now on, another one from when a filter first needs it. */
  addIndex(paths, { unique }) {
    const index = new HashIndex(paths, { unique });
    if (paths[0] === "_id" || this.#declared.has(index.name)) return;
    this.#declared.set(index.name, index);
    if (unique) this.#keep(index);
  }

  #keep(index) {
    if (this.#kept.has(index)) return;
    for (const entry of this.#entries.values()) index.add(entry);
    this.#kept.add(index);
  }

  /** Returns whether there was room for the document. */
  insert(bytes) {
    const entry = new Entry(bytes);
    const id = idOf(entry);
    if (this.#entries.has(id)) return false;
    for (const index of this.#kept) if (index.isTaken(entry)) return false;
    this.#isSorted &&= !this.#ids.length || this.#ids.at(-1) < id;
    this.#entries.set(id, entry);
    this.#ids.push(id);
    for (const index of this.#kept) index.add(entry);
    return true;
  }

  replace(before, bytes) {
    const after = new Entry(bytes);
    for (const index of this.#kept) {
      index.remove(before);
      index.add(after);
    }
    this.#entries.set(idOf(before), after);
    return after;
  }

  delete(entry) {
    for (const index of this.#kept) index.remove(entry);
    const id = idOf(entry);
    this.#entries.delete(id);
    this.#ids.splice(this.#ids.indexOf(id), 1);
  }

  /** Returns the entries that satisfy a filter, in order, up to a limit. */
  find(filter, { sort = {}, limit = Infinity, skip = 0 } = {}) {
    const matches = compiled(filter);
    const fields = fieldsOf(filter);
    const orders = Object.entries(sort);
    const isById = orders.length === 1 && orders[0][0] === "_id";
    const some = this.#candidates(filter);
    const inOrder = some ? false : isById || !orders.length;
    const found = [];
    for (const entry of some ?? this.#walk(isById ? orders[0][1] : 1, boundsOf(filter))) {
      if (matches(entry.view(fields))) found.push(entry);
      if (inOrder && found.length === limit + skip) break;
    }
    if (!inOrder && orders.length) found.sort(by(orders));
    return found.slice(skip, skip + limit);
  }

  /** Yields the entries by id, those within the bounds and perhaps one more at each end. */
  *#walk(direction, { low, high }) {
    if (!this.#isSorted) this.#ids.sort((a, b) => (a < b ? -1 : 1));
    this.#isSorted = true;
    const first = low === undefined ? 0 : this.#placeOf(low);
    const last = high === undefined ? this.#ids.length - 1 : this.#placeOf(high);
    const [from, past] = direction > 0 ? [first, last + 1] : [last, first - 1];
    for (let at = from; at !== past; at += direction) {
      const entry = this.#entries.get(this.#ids[at]);
      if (entry) yield entry;
    }
  }

  /** Returns where an id stands, or would. */
  #placeOf(id) {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle] < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Returns the few entries among which all that satisfy the filter are; null where unknown. */
  #candidates(filter) {
    const equalities = equalitiesOf(filter);
    if (equalities._id) return equalities._id.flatMap((id) => this.#entries.get(keyOf(id)) ?? []);
    for (const index of this.#declared.values()) {
      const values = index.name.split(",").map((path) => equalities[path]);
      if (values.some((one) => one?.length !== 1)) continue;
      this.#keep(index);
      const owners = index.owners(values.flat());
      if (owners.size <= FEW) return [...owners];
    }
    return null;
  }
}

const idOf = (entry) => keyOf(entry.view(["_id"])._id);

/** Returns which values each path has to have, as far as the filter says so plainly. */
function equalitiesOf(filter, prefix = "", found = {}) {
  for (const [path, operand] of Object.entries(filter)) {
    if (path === "$and") for (const part of operand) equalitiesOf(part, prefix, found);
    else if (path.startsWith("$")) continue;
    else if (!isOperators(operand)) found[prefix + path] = [operand];
    else if ("$eq" in operand) found[prefix + path] = [operand.$eq];
    else if ("$in" in operand) found[prefix + path] = operand.$in;
    else if ("$elemMatch" in operand) equalitiesOf(operand.$elemMatch, `${prefix}${path}.`, found);
  }
  return found;
}

/** Returns between which ids all that satisfy the filter are, as far as it says so plainly. */
function boundsOf(filter, found = {}) {
  for (const part of filter.$and ?? []) boundsOf(part, found);
  if (isOperators(filter._id)) {
    found.low = filter._id.$gt ?? filter._id.$gte ?? found.low;
    found.high = filter._id.$lt ?? filter._id.$lte ?? found.high;
  }
  return found;
}

function fieldsOf(filter, found = new Set()) {
  for (const [path, operand] of Object.entries(filter)) {
    if (path.startsWith("$")) for (const part of operand) fieldsOf(part, found);
    else found.add(path.split(".")[0]);
  }
  return found;
}

function by(orders) {
  const parts = orders.map(([path, direction]) => [path.split("."), direction]);
  const fields = parts.map(([[field]]) => field);
  return (one, other) => {
    for (const [path, direction] of parts) {
      const [a, b] = [one, other].map((entry) =>
        path.reduce((value, part) => value?.[part], entry.view(fields)),
      );
      if (keyOf(a) !== keyOf(b)) return (a ?? "") < (b ?? "") ? -direction : direction;
    }
    return 0;
  };
}

// Commands that write: each document at once and whole, since nothing else runs meanwhile.
import { deserialize, serialize } from "bson";
import { documentOf, elementOf, elementsOf } from "./elements.mjs";
import { projectionOf } from "./projection.mjs";
import { apply } from "./update.mjs";

const DUPLICATE_KEY = 11_000;

export function insert({ documents, ordered = true }, collection) {
  const writeErrors = [];
  let n = 0;
  for (const [index, document] of documents.entries()) {
    if (collection.insert(Buffer.from(document))) n += 1;
    else {
      writeErrors.push({ index, code: DUPLICATE_KEY, errmsg: "E11000 duplicate key" });
      if (ordered) break;
    }
  }
  return writeErrors.length ? { n, writeErrors } : { n };
}

export function update({ updates }, collection) {
  let [n, nModified] = [0, 0];
  const upserted = [];
  for (const [index, bytes] of updates.entries()) {
    const { q, u, multi = false, upsert = false } = deserialize(bytes, { raw: true });
    const filter = deserialize(q);
    const found = collection.find(filter, { limit: multi ? Infinity : 1 });
    for (const entry of found) collection.replace(entry, changed(entry, u, filter));
    if (!found.length && upsert) upserted.push({ index, _id: upsertedBy(collection, filter, u) });
    n += found.length || (upsert ? 1 : 0);
    nModified += found.length;
  }
  return upserted.length ? { n, nModified, upserted } : { n, nModified };
}

export function remove({ deletes }, collection) {
  let n = 0;
  for (const bytes of deletes) {
    const { q, limit } = deserialize(bytes);
    for (const entry of collection.find(q, { limit: limit || Infinity })) {
      collection.delete(entry);
      n += 1;
    }
  }
  return { n };
}

export function findAndModify({ query, update: change, fields, new: wantsNew }, collection) {
  const filter = deserialize(query);
  const [entry] = collection.find(filter, { limit: 1 });
  if (!entry) return { value: null, lastErrorObject: { n: 0, updatedExisting: false } };
  const after = collection.replace(entry, changed(entry, change, filter));
  const project = projectionOf(fields ? deserialize(fields) : {});
  const value = project((wantsNew ? after : entry).bytes);
  return documentOf([elementOf("value", value), UPDATED]);
}

const UPDATED = elementsOf(serialize({ lastErrorObject: { n: 1, updatedExisting: true }, ok: 1 }));

/** Returns what an update makes of a document; a replacement is kept byte by byte. */
function changed(entry, change, filter) {
  if (Array.isArray(change)) throw new Error("Updates by pipelines are not known here.");
  if (change[FIRST_NAME] !== DOLLAR) return Buffer.from(change);
  return Buffer.from(serialize(apply(entry.whole(), deserialize(change), filter)));
}

const FIRST_NAME = 5; // after the length and the type of the first element
const DOLLAR = "$".charCodeAt(0);

function upsertedBy(collection, filter, change) {
  const document = apply({ ...filter }, deserialize(change), filter, { isNew: true });
  collection.insert(Buffer.from(serialize(document)));
  return document._id;
}

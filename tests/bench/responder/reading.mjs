// Commands that read: find, its further portions, counts, and a change stream that stays silent.
import { deserialize, serialize, Long } from "bson";
import { elementsOf, pageOf } from "./elements.mjs";
import { projectionOf } from "./projection.mjs";

const FIRST_PORTION = 101; // as MongoDB has it
const NO_CURSOR = Long.fromNumber(0);
const SILENCE_MS = 500;

const open = new Map();
const projections = new Map();
let lastCursor = 0;

export function find(command, collection) {
  const { find: name, $db, limit = 0, skip = 0, batchSize = FIRST_PORTION, singleBatch } = command;
  const found = collection.find(deserialize(command.filter ?? NOTHING), {
    sort: deserialize(command.sort ?? NOTHING),
    limit: Math.abs(limit) || Infinity,
    skip,
  });
  const documents = projected(found, command.projection);
  return portion(`${$db}.${name}`, "firstBatch", documents, singleBatch ? Infinity : batchSize);
}

const NOTHING = serialize({});

function projected(entries, spec) {
  if (!spec || spec.length === 5) return entries.map((entry) => entry.bytes);
  const key = spec.toString("latin1");
  if (!projections.has(key)) projections.set(key, projectionOf(deserialize(spec)));
  const project = projections.get(key);
  return entries.map((entry) => entry.projected(key, project));
}

export function getMore({ getMore: id, collection: name, $db, batchSize, maxTimeMS }) {
  const rest = open.get(Number(id));
  open.delete(Number(id));
  if (rest === SILENT) return quiet(`${$db}.${name}`, "nextBatch", Number(id), maxTimeMS);
  if (!rest) return { ok: 0, code: 43, errmsg: "There is no such cursor." };
  return portion(`${$db}.${name}`, "nextBatch", rest, batchSize ?? Infinity, Number(id));
}

export function killCursors({ cursors }) {
  for (const id of cursors) open.delete(Number(id));
  return { cursorsKilled: cursors };
}

/** Answers with as many documents as are asked for, and keeps the others for `getMore`. */
function portion(namespace, name, documents, size, id = ++lastCursor) {
  const isWhole = documents.length <= size;
  if (!isWhole) open.set(id, documents.slice(size));
  const shown = isWhole ? documents : documents.slice(0, size);
  const cursor = { id: isWhole ? NO_CURSOR : Long.fromNumber(id), ns: namespace };
  return pageOf(name, shown, elementsOf(serialize(cursor)), OK);
}

const OK = elementsOf(serialize({ ok: 1 }));

export function aggregate(command, collection) {
  const namespace = `${command.$db}.${command.aggregate}`;
  const [first, ...stages] = command.pipeline.map((stage) => deserialize(stage));
  if (first.$changeStream) return quiet(namespace, "firstBatch", ++lastCursor, 0);
  if (!first.$match || !stages.at(-1)?.$group) throw new Error("Only counts are aggregated here.");
  const bounds = Object.assign({}, ...stages);
  const found = collection.find(first.$match, { limit: bounds.$limit, skip: bounds.$skip });
  const counts = found.length ? [Buffer.from(serialize({ _id: 1, n: found.length }))] : [];
  return portion(namespace, "firstBatch", counts, Infinity);
}

const SILENT = Symbol("a change stream");

/** A change stream in which nothing ever happens: it answers when the client's patience ends. */
function quiet(namespace, name, id, patience_ms = SILENCE_MS) {
  open.set(id, SILENT);
  const cursor = { id: Long.fromNumber(id), ns: namespace, [name]: [] };
  const reply = { cursor: { ...cursor, postBatchResumeToken: { _data: "8200000000" } } };
  return new Promise((resolve) => setTimeout(resolve, patience_ms, reply));
}

// What each command answers.
import { deserialize, serialize } from "bson";
import { Collection } from "./collection.mjs";
import { aggregate, find, getMore, killCursors } from "./reading.mjs";
import { findAndModify, insert, remove, update } from "./writing.mjs";

const databases = new Map();

const COMMANDS = {
  find,
  getMore,
  killCursors,
  aggregate,
  insert,
  update,
  delete: remove,
  findAndModify,
  createIndexes,
  ping: () => ({}),
  endSessions: () => ({}),
  buildInfo: () => ({ version: "7.0.0", versionArray: [7, 0, 0, 0] }),
};

/** Returns the bytes of the answer to a command, or a promise of them. */
export function answer(command, port) {
  const [name] = Object.keys(command);
  if (/^(hello|ismaster)$/i.test(name)) return bytesOf(greeting(port));
  try {
    const act = COMMANDS[name];
    if (!act) throw new Error(`The command ${name} is not known here.`);
    const reply = act(command, collectionOf(command.$db, command.collection ?? command[name]));
    if (reply instanceof Promise) return reply.then(bytesOf);
    return Buffer.isBuffer(reply) ? reply : bytesOf(reply);
  } catch (fault) {
    console.error(fault);
    return bytesOf({ ok: 0, code: 59, errmsg: fault.message });
  }
}

const bytesOf = (reply) => Buffer.from(serialize({ ok: 1, ...reply }));

/** One primary of a replica set of one, so that drivers do all that they do in production. */
function greeting(port) {
  const address = `127.0.0.1:${port}`;
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    setName: "race",
    setVersion: 1,
    hosts: [address],
    primary: address,
    me: address,
    maxBsonObjectSize: 16 * 1024 * 1024,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    localTime: new Date(),
  };
}

function collectionOf(database, name) {
  if (typeof name !== "string") return null; // a command that concerns no collection
  if (!databases.has(database)) databases.set(database, new Map());
  const collections = databases.get(database);
  if (!collections.has(name)) collections.set(name, new Collection());
  return collections.get(name);
}

function createIndexes({ indexes }, collection) {
  for (const spec of indexes.map((bytes) => deserialize(bytes)))
    collection.addIndex(Object.keys(spec.key), { unique: spec.unique });
  return {};
}

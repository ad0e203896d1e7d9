// People in node:sqlite: a row of JSON a person, a unique e-mail, durable at every commit.
import { DatabaseSync } from "node:sqlite";
import { askedFor, recorded, updated } from "./rules.mjs";

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, document TEXT NOT NULL)
    WITHOUT ROWID;
  CREATE INDEX by_plan ON people (document ->> '$.properties.plan', id);
`;
const DID = `EXISTS (
  SELECT 1 FROM json_each(document, '$.activity') WHERE value ->> '$.name' = ?
)`;

export function sqliteStore(people, path) {
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  fill(database, people);
  const byEmail = database.prepare("SELECT document FROM people WHERE email = ?");
  const newest = database.prepare(
    "SELECT document FROM people WHERE id < ? ORDER BY id DESC LIMIT ?",
  );
  const matching = database.prepare(
    `SELECT document FROM people
     WHERE document ->> '$.properties.plan' = ? AND id < ? AND ${DID} ORDER BY id DESC LIMIT ?`,
  );
  const write = database.prepare("UPDATE people SET document = ? WHERE email = ?");
  const parsed = (row) => JSON.parse(row.document);
  const find = (email) => {
    const row = byEmail.get(email);
    return row ? parsed(row) : null;
  };
  // Nothing runs between the read and the write: the whole step is synchronous.
  const change = (email, step) => {
    const person = find(email);
    if (!person) return null;
    const after = step(person);
    write.run(JSON.stringify(after), email);
    return after;
  };
  return {
    find,

    page(where, first, after) {
      const before = after ?? "~";
      if (!where) return newest.all(before, first).map(parsed);
      const { property, event } = askedFor(where);
      return matching.all(property.value, before, event, first).map(parsed);
    },

    update: (email, set, now) => change(email, (person) => updated(person, set, now)),
    record: (email, event, now) => change(email, (person) => recorded(person, event, now)),
  };
}

function fill(database, people) {
  const insert = database.prepare("INSERT INTO people VALUES (?, ?, ?)");
  database.exec("BEGIN");
  for (const person of people) insert.run(person.id, person.email, JSON.stringify(person));
  database.exec("COMMIT");
}

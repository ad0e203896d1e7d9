// People in MongoDB, by its own driver: a document a person, of which only what is asked is read.
import { MongoClient } from "mongodb";
import { EMBEDDED, askedFor } from "./rules.mjs";

// What has to be read for the fields that are worked out.
const SOURCES = { type: ["activity.name", "email", "subscribedToEmail"], age: ["birthday"] };

export async function mongoStore(people, url) {
  const client = await new MongoClient(url, {
    writeConcern: { w: "majority" },
    readConcern: { level: "majority" },
  }).connect();
  const collection = client.db().collection("people");
  await collection.createIndex({ email: 1 }, { unique: true });
  await collection.createIndex({ "properties.plan": 1, _id: -1 });
  await collection.insertMany(people.map(({ id, ...person }) => ({ _id: id, ...person })));
  return {
    find: async (email, fields) =>
      shown(await collection.findOne({ email }, { projection: projectionOf(fields) })),

    async page(where, first, after, fields) {
      const cursor = collection.find(
        { ...conditionOf(where), ...(after && { _id: { $lt: after } }) },
        { projection: projectionOf(fields), sort: { _id: -1 }, limit: first },
      );
      return (await cursor.toArray()).map(shown);
    },

    /** One round trip where the operators of MongoDB can say what changes. */
    async update(email, set, now) {
      const $set = { updatedAt: now };
      for (const name of Object.keys(set)) $set[`properties.${name}`] = set[name];
      return shown(
        await collection.findOneAndUpdate(
          { email },
          { $set, $inc: { version: 1 } },
          { returnDocument: "after", projection: { events: 0 } },
        ),
      );
    },

    /** The total of an event known already is counted in place; a new one is added. */
    async record(email, event, now) {
      const common = {
        $push: { events: { $each: [event], $position: 0, $slice: EMBEDDED } },
        $set: { updatedAt: now, lastSeenAt: event.at },
      };
      const options = { returnDocument: "after", projection: { events: 0 } };
      const known = await collection.findOneAndUpdate(
        { email, "activity.name": event.name },
        {
          $push: common.$push,
          $set: { ...common.$set, "activity.$.lastAt": event.at },
          $inc: { version: 1, "activity.$.count": 1 },
        },
        options,
      );
      if (known) return shown(known);
      const total = { name: event.name, count: 1, firstAt: event.at, lastAt: event.at };
      return shown(
        await collection.findOneAndUpdate(
          { email, "activity.name": { $ne: event.name } },
          {
            $push: {
              ...common.$push,
              activity: { $each: [total], $sort: { name: 1 } },
            },
            $set: common.$set,
            $inc: { version: 1 },
          },
          options,
        ),
      );
    },
  };
}

function shown(document) {
  if (!document) return null;
  document.id = document._id;
  return document;
}

function conditionOf(where) {
  if (!where) return {};
  const { property, event } = askedFor(where);
  return { [`properties.${property.name}`]: property.value, "activity.name": event };
}

const projections = new WeakMap(); // a query's list of fields is the same one at every call

function projectionOf(fields) {
  if (!projections.has(fields)) projections.set(fields, projectionFor(fields));
  return projections.get(fields);
}

function projectionFor(fields) {
  const projection = {};
  for (const field of fields)
    for (const source of SOURCES[field] ?? [field === "id" ? "_id" : field]) projection[source] = 1;
  for (const path of Object.keys(projection))
    if (path.includes(".") && projection[path.split(".")[0]]) delete projection[path];
  return projection;
}

// The resolvers of every Node peer, over whichever store it has.
import { randomUUID } from "node:crypto";
import { ageOf, propertiesOf, typeOf } from "./rules.mjs";
import { fieldsUnder } from "./selection.mjs";

/**
 * Returns the resolvers by type.
 * @param store where the people are; its answers may be promises
 * @param feedOf returns the feed that a request's context publishes to
 */
export function resolversOver(store, feedOf) {
  const changed = (person, context, answer) => {
    if (!person) return { message: "There is no such user." };
    const change = { kind: "UPDATED", userId: person.id, user: person, at: person.updatedAt };
    feedOf(context).publish(person.email, { userChanged: change });
    return { ...answer, user: person };
  };
  return {
    Query: {
      user: (_, { by }, __, info) => store.find(by.email, fieldsUnder(info)),
      users: (_, { where, first, after }, __, info) =>
        then(store.page(where, first + 1, after, fieldsUnder(info, "nodes")), (found) => {
          const nodes = found.slice(0, first);
          return {
            nodes,
            pageInfo: { hasNextPage: found.length > first, endCursor: nodes.at(-1)?.id },
          };
        }),
    },
    Mutation: {
      userUpdate: (_, { user, changes }, context) =>
        then(store.update(user.email, changes.properties.set, now()), (person) =>
          changed(person, context),
        ),
      userRecordEvents(_, { user, events }, context) {
        const [event] = events; // the race records one at a time
        const known = { id: randomUUID(), at: now(), properties: {}, ...event };
        return then(store.record(user.email, known, now()), (person) =>
          changed(person, context, { recorded: 1, duplicates: 0 }),
        );
      },
    },
    Subscription: { userChanged: (_, { by }, context) => feedOf(context).subscribe(by.email) },
    User: {
      age: ageOf,
      type: typeOf,
      properties: (person, { names }) => propertiesOf(person, names),
    },
    UserUpdateResult: (result) => (result.user ? "UserUpdatePayload" : "UserNotFoundError"),
    UserRecordEventsResult: (result) =>
      result.user ? "UserRecordEventsPayload" : "UserNotFoundError",
  };
}

const now = () => new Date().toISOString();

/** Goes on with a value at once, and with a promise when it is kept: waiting is not free. */
const then = (value, next) => (value instanceof Promise ? value.then(next) : next(value));

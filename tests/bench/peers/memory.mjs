// People in memory: two maps.
import { askedFor, isAskedFor, recorded, updated } from "./rules.mjs";

export function memoryStore(people) {
  const byEmail = new Map(people.map((person) => [person.email, person]));
  const newest = people.map((person) => person.email).reverse();
  const position = new Map(newest.map((email, index) => [byEmail.get(email).id, index]));
  const change = (email, step) => {
    const person = byEmail.get(email);
    if (!person) return null;
    const after = step(person);
    byEmail.set(email, after);
    return after;
  };
  return {
    find: (email) => byEmail.get(email) ?? null,

    page(where, first, after) {
      const start = after ? position.get(after) + 1 : 0;
      if (!where) return newest.slice(start, start + first).map((email) => byEmail.get(email));
      const asked = askedFor(where);
      const found = [];
      for (let index = start; index < newest.length && found.length < first; index++) {
        const person = byEmail.get(newest[index]);
        if (isAskedFor(person, asked)) found.push(person);
      }
      return found;
    },

    update: (email, set, now) => change(email, (person) => updated(person, set, now)),
    record: (email, event, now) => change(email, (person) => recorded(person, event, now)),
  };
}

// What a person answers that is not stored: the same rules as everywhere, in a few lines.

export function ageOf(person) {
  const now = new Date();
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth() + 1, now.getUTCDate()];
  const born = person.birthday;
  const bornMonth = +born.slice(5, 7);
  const hadBirthday = month > bornMonth || (month === bornMonth && day >= +born.slice(8, 10));
  return year - born.slice(0, 4) - (hadBirthday ? 0 : 1);
}

export function typeOf(person) {
  for (const total of person.activity) if (total.name === "Charged") return "CUSTOMER";
  return person.email && person.subscribedToEmail ? "ADDRESSABLE" : "ANONYMOUS";
}

export function propertiesOf(person, names) {
  if (!names) return person.properties;
  const chosen = {};
  for (const name of names) if (name in person.properties) chosen[name] = person.properties[name];
  return chosen;
}

/** Returns the property and the event that a criterion of the race asks for. */
export function askedFor(where) {
  const parts = where.all ?? [where];
  const property = parts.find((part) => part.property)?.property;
  return {
    property: property && { name: property.name, value: property.is.equals },
    event: parts.find((part) => part.did)?.did.name,
  };
}

export function isAskedFor(person, { property, event }) {
  if (property && person.properties[property.name] !== property.value) return false;
  return !event || person.activity.some((total) => total.name === event);
}

/** Returns the person with properties set, and the version that comes with it. */
export function updated(person, set, now) {
  const properties = { ...person.properties, ...set };
  return { ...person, properties, version: person.version + 1, updatedAt: now };
}

export const EMBEDDED = 100; // events kept with the person

/** Returns the person with an event the newest of which comes first, and its total. */
export function recorded(person, event, now) {
  const total = person.activity.find((one) => one.name === event.name);
  const others = person.activity.filter((one) => one !== total);
  const counted = total
    ? { ...total, count: total.count + 1, lastAt: event.at }
    : { name: event.name, count: 1, firstAt: event.at, lastAt: event.at };
  return {
    ...person,
    events: [event, ...person.events].slice(0, EMBEDDED),
    activity: [...others, counted].sort((a, b) => (a.name < b.name ? -1 : 1)),
    version: person.version + 1,
    updatedAt: now,
    lastSeenAt: event.at,
  };
}

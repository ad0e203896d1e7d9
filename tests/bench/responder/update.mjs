// Updates by operators: those that the servers of the race use, refused otherwise.

/**
 * Changes a decoded document in place.
 * @param filter of the update, which says what `$` in a path stands for
 */
export function apply(document, operators, filter, { isNew = false } = {}) {
  for (const [operator, changes] of Object.entries(operators))
    for (const [path, operand] of Object.entries(changes)) {
      if (operator === "$setOnInsert" && !isNew) continue;
      const { parent, name } = placeOf(document, path, filter);
      parent[name] = changed(operator, parent[name], operand);
      if (parent[name] === undefined) delete parent[name];
    }
  return document;
}

function changed(operator, value, operand) {
  switch (operator) {
    case "$set":
    case "$setOnInsert":
      return operand;
    case "$unset":
      return undefined;
    case "$inc":
      return (value ?? 0) + operand;
    case "$max":
      return value === undefined || operand > value ? operand : value;
    case "$push":
      return pushed(value ?? [], operand?.$each ? operand : { $each: [operand] });
  }
  throw new Error(`The operator ${operator} is not known here.`);
}

function pushed(list, { $each, $position = list.length, $slice = Infinity, $sort }) {
  const longer = list.toSpliced($position, 0, ...$each);
  if ($sort) {
    const [[name, direction]] = Object.entries($sort);
    longer.sort((a, b) => (a[name] < b[name] ? -direction : direction));
  }
  return $slice < 0 ? longer.slice($slice) : longer.slice(0, $slice);
}

function placeOf(document, path, filter) {
  const parts = path.split(".");
  const name = parts.pop();
  let parent = document;
  const walked = [];
  for (const part of parts) {
    const step = part === "$" ? matchedIndex(parent, walked.join("."), filter) : part;
    parent = parent[step] ??= {};
    walked.push(part);
  }
  return { parent, name };
}

/** Returns which element of an array the filter's condition on `array.field` was true of. */
function matchedIndex(array, path, filter) {
  const [key, wanted] = Object.entries(filter).find(([name]) => name.startsWith(`${path}.`));
  const field = key.slice(path.length + 1);
  return array.findIndex((element) => element[field] === wanted);
}

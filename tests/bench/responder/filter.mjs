// Filters compiled to functions: the operators that the race needs, refused otherwise.

/** Returns a function that tells whether a document satisfies a filter. */
export function compiled(filter) {
  const conditions = Object.entries(filter).map(([path, operand]) => conditionOf(path, operand));
  if (conditions.length === 1) return conditions[0];
  return (document) => conditions.every((condition) => condition(document));
}

function conditionOf(path, operand) {
  switch (path) {
    case "$and":
      return allOf(operand.map(compiled));
    case "$or":
      return anyOf(operand.map(compiled));
    case "$nor":
      return not(anyOf(operand.map(compiled)));
  }
  if (path.startsWith("$")) throw new Error(`The operator ${path} is not known here.`);
  const parts = path.split(".");
  if (!isOperators(operand)) return some(parts, equalTo(operand));
  const { $options: _, ...operators } = operand;
  return allOf(Object.entries(operators).map(([name, value]) => operatorOf(parts, name, value)));
}

const allOf = (tests) => (document) => tests.every((test) => test(document));
const anyOf = (tests) => (document) => tests.some((test) => test(document));
const not = (test) => (document) => !test(document);

export const isOperators = (operand) =>
  operand?.constructor === Object && Object.keys(operand)[0]?.startsWith("$");

function operatorOf(parts, name, operand) {
  switch (name) {
    case "$eq":
      return some(parts, equalTo(operand));
    case "$ne":
      return not(some(parts, equalTo(operand)));
    case "$in":
      return some(parts, among(operand));
    case "$nin":
      return not(some(parts, among(operand)));
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return some(parts, comparing(name, operand));
    case "$exists":
      return (document) => reaches(document, parts, 0) === operand;
    case "$elemMatch":
      return some(parts, elementMatching(operand), false);
    case "$size":
      return some(parts, (value) => Array.isArray(value) && value.length === operand, false);
    case "$all":
      return allOf(operand.map((value) => some(parts, equalTo(value))));
    case "$regex": {
      const pattern = operand instanceof RegExp ? operand : new RegExp(operand.pattern ?? operand);
      return some(parts, (value) => typeof value === "string" && pattern.test(value));
    }
    case "$not":
      return not(conditionOf(parts.join("."), operand));
  }
  throw new Error(`The operator ${name} is not known here.`);
}

/** Returns whether a test holds of what a path leads to: of an array, or any element of it. */
function some(parts, test, elementsToo = true) {
  const last = parts.length;
  const walk = (value, depth) => {
    if (depth === last)
      return test(value) || (elementsToo && Array.isArray(value) && value.some(test));
    if (Array.isArray(value)) {
      const index = parts[depth];
      if (/^\d+$/.test(index)) return index in value && walk(value[index], depth + 1);
      return value.some((element) => isDocument(element) && walk(element, depth));
    }
    return walk(isDocument(value) ? value[parts[depth]] : undefined, depth + 1);
  };
  return (document) => walk(document, 0);
}

function reaches(value, parts, depth) {
  if (depth === parts.length) return value !== undefined;
  if (Array.isArray(value) && !/^\d+$/.test(parts[depth]))
    return value.some((element) => reaches(element, parts, depth));
  return (
    value !== null && typeof value === "object" && reaches(value[parts[depth]], parts, depth + 1)
  );
}

const isDocument = (value) => value?.constructor === Object;

/** A missing value equals null. */
function equalTo(operand) {
  if (operand === null) return (value) => value === null || value === undefined;
  if (operand instanceof RegExp) return (value) => typeof value === "string" && operand.test(value);
  if (typeof operand !== "object") return (value) => value === operand;
  const wanted = keyOf(operand);
  return (value) => value !== null && typeof value === "object" && keyOf(value) === wanted;
}

function among(operands) {
  const plain = new Set(operands.filter((one) => typeof one !== "object"));
  const others = operands.filter((one) => typeof one === "object").map(equalTo);
  return (value) => plain.has(value) || others.some((test) => test(value));
}

/** Returns a primitive that is equal for equal values. */
export function keyOf(value) {
  if (value instanceof Date) return `date ${value.getTime()}`;
  return value !== null && typeof value === "object" ? JSON.stringify(value) : value;
}

function comparing(name, operand) {
  const limit = operand instanceof Date ? operand.getTime() : operand;
  const isLike = (value) =>
    typeof value === typeof operand && value instanceof Date === operand instanceof Date;
  const compare = {
    $gt: (value) => value > limit,
    $gte: (value) => value >= limit,
    $lt: (value) => value < limit,
    $lte: (value) => value <= limit,
  }[name];
  return (value) =>
    value != null && isLike(value) && compare(value instanceof Date ? +value : value);
}

function elementMatching(operand) {
  const matches = isOperators(operand)
    ? (
        (test) => (element) =>
          test({ element })
      )(conditionOf("element", operand))
    : compiled(operand);
  return (value) => Array.isArray(value) && value.some((element) => matches(element));
}

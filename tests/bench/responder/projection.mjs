// Projections: whole top-level fields are cut out of the stored bytes, parts of them are decoded.
import { deserialize, serialize } from "bson";
import { documentOf, eachElement, elementOf } from "./elements.mjs";

/** Returns a function from a stored document's bytes to those that are asked for. */
export function projectionOf(spec) {
  const { _id = 1, ...fields } = spec;
  const named = Object.entries(fields);
  if (!named.length) return _id ? without([]) : without(["_id"]);
  if (named.some(([, how]) => typeof how === "object" || typeof how === "string"))
    throw new Error("Only fields are projected here.");
  const isChoice = Boolean(Number(named[0][1]));
  if (!isChoice) return without([...named.map(([name]) => name), ...(_id ? [] : ["_id"])]);
  return only(treeOf([...named.map(([name]) => name), ...(_id ? ["_id"] : [])]));
}

function without(names) {
  if (names.some((name) => name.includes("."))) throw new Error("Only whole fields are left out.");
  const out = new Set(names);
  return (document) => {
    const kept = [];
    eachElement(document, (name, bytes) => out.has(name) || kept.push(bytes));
    return documentOf(kept);
  };
}

/** Returns `{a: {b: null}}` for `a.b`; null where the whole is meant. */
function treeOf(paths) {
  const tree = {};
  for (const path of paths) {
    const parts = path.split(".");
    const last = parts.pop();
    const parent = parts.reduce((node, part) => (node[part] ??= {}), tree);
    parent[last] = null;
  }
  return tree;
}

function only(tree) {
  return (document) => {
    const kept = [];
    eachElement(document, (name, bytes) => {
      if (!(name in tree)) return;
      kept.push(tree[name] ? partOf(name, bytes, tree[name]) : bytes);
    });
    return documentOf(kept);
  };
}

/** Types of numbers are kept: 3.0 stays a double. */
function partOf(name, element, tree) {
  const isNested = element[0] === 3 || element[0] === 4;
  if (!isNested) return element.subarray(0, 0);
  const nested = element.subarray(name.length + 2);
  const values = deserialize(nested, { promoteValues: false });
  const isArray = element[0] === 4;
  const chosen = chosenOf(isArray ? Object.values(values) : values, tree);
  return elementOf(name, Buffer.from(serialize({ ...chosen })), element[0]);
}

function chosenOf(value, tree) {
  if (Array.isArray(value)) return value.map((element) => chosenOf(element, tree));
  const chosen = {};
  for (const [name, below] of Object.entries(tree)) {
    if (!(name in value)) continue;
    chosen[name] = below ? chosenOf(value[name], below) : value[name];
  }
  return chosen;
}

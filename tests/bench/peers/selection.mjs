// Which fields a query selects of the people it asks for.

const known = new WeakMap();

/** Returns the names of the fields selected below a field, or below its member `member`. */
export function fieldsUnder(info, member) {
  const [node] = info.fieldNodes;
  let fields = known.get(node);
  if (!fields) known.set(node, (fields = member ? selected(child(node, member)) : selected(node)));
  return fields;
}

const child = (node, name) =>
  node.selectionSet.selections.find((selection) => selection.name.value === name);

const selected = (node) =>
  node ? node.selectionSet.selections.map((selection) => selection.name.value) : ["id"];

// The executable schema: the contract beside this file, with resolvers attached.
import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";

export function schemaOf(resolvers) {
  const schema = buildSchema(readFileSync(new URL("contract.graphql", import.meta.url), "utf8"));
  for (const [name, members] of Object.entries(resolvers)) {
    const type = schema.getType(name);
    if (typeof members === "function") {
      type.resolveType = members;
      continue;
    }
    const action = name === "Subscription" ? "subscribe" : "resolve";
    for (const [field, resolver] of Object.entries(members))
      type.getFields()[field][action] = resolver;
  }
  return schema;
}

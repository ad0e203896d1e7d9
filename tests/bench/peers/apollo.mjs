// Apollo Server, standing alone; its cache of parsed and validated documents is on by default.
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { resolversOver } from "./resolvers.mjs";
import { schemaOf } from "./schema.mjs";
import { openStore, PORT } from "./store.mjs";

const nobody = { publish() {} }; // it brings no subscriptions
const schema = schemaOf(resolversOver(await openStore(), () => nobody));
const server = new ApolloServer({ schema });
await startStandaloneServer(server, { listen: { port: PORT, host: "127.0.0.1" } });

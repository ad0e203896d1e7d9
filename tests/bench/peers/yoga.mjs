// GraphQL Yoga on Node's own HTTP server; its caches of parsing and validation are on by default.
import { createServer } from "node:http";
import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createYoga } from "graphql-yoga";
import { WebSocketServer } from "ws";
import { resolversOver } from "./resolvers.mjs";
import { schemaOf } from "./schema.mjs";
import { openStore, PORT } from "./store.mjs";

const pubsub = createPubSub();
const schema = schemaOf(resolversOver(await openStore(), () => pubsub));
const yoga = createYoga({ schema, graphiql: false, landingPage: false, logging: false });
const server = createServer(yoga);
useServer({ schema }, new WebSocketServer({ server, path: "/graphql" }));
server.listen(PORT, "127.0.0.1");

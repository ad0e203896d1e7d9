// Mercurius on Fastify, every query compiled by graphql-jit at its first call.
import Fastify from "fastify";
import mercurius from "mercurius";
import { resolversOver } from "./resolvers.mjs";
import { schemaOf } from "./schema.mjs";
import { openStore, PORT } from "./store.mjs";

const feedOf = ({ pubsub }) => ({
  publish: (topic, payload) => pubsub.publish({ topic, payload }),
  subscribe: (topic) => pubsub.subscribe(topic),
});

const app = Fastify({ bodyLimit: 16 * 1024 * 1024 });
app.register(mercurius, {
  schema: schemaOf(resolversOver(await openStore(), feedOf)),
  jit: 1,
  graphiql: false,
  subscription: true,
});
await app.listen({ port: PORT, host: "127.0.0.1" });

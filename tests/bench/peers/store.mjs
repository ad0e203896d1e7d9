// The store that the environment names, with everyone in it.
import { readFileSync } from "node:fs";
import { memoryStore } from "./memory.mjs";

export async function openStore() {
  const people = JSON.parse(readFileSync(process.env.PEOPLE, "utf8"));
  const { STORE } = process.env;
  if (STORE === "memory") return memoryStore(people);
  if (STORE.startsWith("mongodb:")) return (await import("./mongo.mjs")).mongoStore(people, STORE);
  return (await import("./sqlite.mjs")).sqliteStore(people, STORE);
}

export const PORT = Number(process.env.PORT);

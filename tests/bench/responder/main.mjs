// A loopback responder: speaks MongoDB's wire protocol, and answers from memory.
//
// No database: nothing is durable, and it knows only what the servers of the race send. It is here
// so that what is measured is the servers, not what is behind them.
import { createServer } from "node:net";
import { answer } from "./commands.mjs";
import { Connection } from "./wire.mjs";

const port = Number(process.env.PORT);
const server = createServer({ noDelay: true }, (socket) => {
  new Connection(socket, (command) => answer(command, port));
});
server.listen(port, "127.0.0.1");

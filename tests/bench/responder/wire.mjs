// Messages on a connection: OP_MSG, and the OP_QUERY with which drivers greet.
import { deserialize } from "bson";

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;
const MORE_TO_COME = 2; // a flag: the sender waits for no answer

let lastId = 0;

/** Cuts what arrives into messages, and answers each in its order of completion. */
export class Connection {
  #socket;
  #answer;
  #pending = null;

  constructor(socket, answer) {
    this.#socket = socket;
    this.#answer = answer;
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", () => socket.destroy());
  }

  #take(bytes) {
    let rest = this.#pending ? Buffer.concat([this.#pending, bytes]) : bytes;
    while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      this.#serve(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#pending = rest.length ? rest : null;
  }

  #serve(message) {
    const isGreeting = message.readInt32LE(12) === OP_QUERY;
    const command = isGreeting ? greeting(message) : commandOf(message);
    const reply = this.#answer(command);
    if (!isGreeting && message.readInt32LE(HEADER) & MORE_TO_COME) return;
    const head = isGreeting ? replyHead : msgHead;
    if (reply instanceof Promise) reply.then((body) => this.#send(head(message, body), body));
    else this.#send(head(message, reply), reply);
  }

  /** Sends both at once, without putting them together: bodies can be large. */
  #send(head, body) {
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(body);
    this.#socket.uncork();
  }
}

/** Returns the command with its parts; documents it carries stay as they are on the wire. */
function commandOf(message) {
  let at = HEADER + 4;
  let command = null;
  const sequences = {};
  while (at < message.length) {
    const kind = message[at];
    const size = message.readInt32LE(at + 1);
    const section = message.subarray(at + 1, at + 1 + size);
    if (kind === 0) command = deserialize(section, { raw: true, promoteValues: true });
    else Object.assign(sequences, sequenceOf(section));
    at += 1 + size;
  }
  return Object.assign(command, sequences);
}

function sequenceOf(section) {
  const end = section.indexOf(0, 4);
  const documents = [];
  for (let at = end + 1; at < section.length; at += section.readInt32LE(at))
    documents.push(section.subarray(at, at + section.readInt32LE(at)));
  return { [section.toString("latin1", 4, end)]: documents };
}

function greeting(message) {
  const end = message.indexOf(0, HEADER + 4);
  return deserialize(message.subarray(end + 1 + 8), { allowObjectSmallerThanBufferSize: true });
}

function msgHead(request, body) {
  const head = Buffer.allocUnsafe(HEADER + 5).fill(0);
  return begun(head, body, request, OP_MSG);
}

function replyHead(request, body) {
  const head = Buffer.allocUnsafe(HEADER + 20).fill(0);
  head.writeInt32LE(8, HEADER); // "await capable", as servers say
  head.writeInt32LE(1, HEADER + 16);
  return begun(head, body, request, OP_REPLY);
}

function begun(head, body, request, opcode) {
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(++lastId & 0x7fffffff, 4);
  head.writeInt32LE(request.readInt32LE(4), 8);
  head.writeInt32LE(opcode, 12);
  return head;
}

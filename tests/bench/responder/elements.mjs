// BSON documents taken apart and put together without decoding them.

const FIXED = { 1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0 };
const LENGTH_PREFIXED = { 2: 4, 3: 0, 4: 0, 5: 5, 13: 4 }; // by how many bytes more than it says

/** Calls `visit` with the name and the bytes of each element of a document. */
export function eachElement(document, visit) {
  let at = 4;
  while (document[at] !== 0) {
    const type = document[at];
    const nameEnd = document.indexOf(0, at + 1);
    const size = FIXED[type] ?? document.readInt32LE(nameEnd + 1) + LENGTH_PREFIXED[type];
    if (!(size >= 0)) throw new Error(`BSON type ${type} is not known here.`);
    const end = nameEnd + 1 + size;
    visit(document.latin1Slice(at + 1, nameEnd), document.subarray(at, end));
    at = end;
  }
}

/** Returns the document that has these elements. */
export function documentOf(elements) {
  const length = elements.reduce((sum, element) => sum + element.length, 5);
  const document = Buffer.allocUnsafe(length);
  document.writeInt32LE(length, 0);
  let at = 4;
  for (const element of elements) at += element.copy(document, at);
  document[at] = 0;
  return document;
}

const EMPTY = Buffer.alloc(0);

/** Returns the elements of a document, as bytes. */
export const elementsOf = (document) => Buffer.from(document.slice(4, -1));

/** Returns an element that has a whole document, or with `type` 4 an array, as its value. */
export function elementOf(name, document, type = 3) {
  return Buffer.concat([headOf(name, type), document]);
}

const headOf = (name, type) => Buffer.from(`${String.fromCharCode(type)}${name}\0`, "latin1");

const positions = [];

/**
 * Returns `{cursor: {[name]: documents, ...}, ...}`, each document copied once: pages are large.
 * @param inCursor the other elements of the cursor, as bytes
 * @param after the other elements of the answer, as bytes
 */
export function pageOf(name, documents, inCursor, after) {
  const cursorHead = headOf("cursor", 3);
  const arrayHead = headOf(name, 4);
  let arrayLength = 5;
  for (let index = 0; index < documents.length; index++) {
    positions[index] ??= headOf(String(index), 3);
    arrayLength += positions[index].length + documents[index].length;
  }
  const cursorLength = 5 + arrayHead.length + arrayLength + inCursor.length;
  const length = 5 + cursorHead.length + cursorLength + after.length;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  const begin = (size) => (at = bytes.writeInt32LE(size, at));
  const put = (part) => (at += part.copy(bytes, at));
  const end = () => (at = bytes.writeUInt8(0, at));
  begin(length);
  put(cursorHead);
  begin(cursorLength);
  put(arrayHead);
  begin(arrayLength);
  for (let index = 0; index < documents.length; index++) {
    put(positions[index]);
    put(documents[index]);
  }
  end();
  put(inCursor);
  end();
  put(after);
  end();
  return bytes;
}

// Starts GraphiQL on our API, with three tabs to begin from.
"use strict";

const API = "/graphql";
const WATCH_API = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${API}`;

// The editor shows 50 characters of a line in a window of 1280 pixels.
const NEWEST_PEOPLE = `# The newest people: press play, or Ctrl-Enter.
#
# Then try
# - Ctrl-Space between braces: what else to ask
# - users(where: { reachableBy: EMAIL }, first: 5)
# - Watch: Ada now, and after every change
# - Change: changes her; a Watch left running in
#   another window shows it
# - the book, top left: all there is
#
# A key goes into Headers below, in each tab:
# { "Authorization": "Bearer ..." }
# Press play with it, then the arrows, bottom left:
# they read the schema, for completion and the book.

query NewestPeople {
  users(first: 5) {
    nodes {
      id
      name
      type
      age
      reachableBy
      identities { kind value }
      activity { name count lastAt }
    }
  }
}
`;

const WATCH = `# Press play, and leave it running.

subscription Watch {
  userChanged(by: { email: "ada@example.org" }) {
    kind
    user { name version properties }
  }
}
`;

const CHANGE = `# What to change is in Variables below.
# Each run counts one visit more.

mutation Change(
  $user: UserBy!
  $changes: UserChanges!
) {
  userUpdate(user: $user, changes: $changes) {
    ... on UserUpdatePayload {
      user { name version properties }
    }
    ... on Error { __typename message }
  }
}
`;

const CHANGE_VARIABLES = {
  user: { email: "ada@example.org" },
  changes: { name: "Ada King", properties: { increment: { visits: 1 } } },
};

// A browser cannot put headers on a WebSocket, so the credential goes into `connection_init`.
function connectionPayload(headers) {
  const typed = Object.entries(headers ?? {});
  return Object.fromEntries(
    typed
      .map(([name, value]) => [name.toLowerCase(), value])
      .filter(([name]) => name === "authorization"),
  );
}

// A connection of its own for each run carries the header as it is typed now. It is not retried:
// a refused credential should show at once.
function fetcher(request, options) {
  const wsClient = graphqlWs.createClient({
    url: WATCH_API,
    connectionParams: connectionPayload(options?.headers),
    retryAttempts: 0,
  });
  const send = GraphiQL.createFetcher({ url: API, wsClient, enableIncrementalDelivery: false });
  return send(request, options);
}

// GraphiQL's history keeps headers even without `shouldPersistHeaders`; a credential is not for
// the disk. `graphiql:query` and such are no JSON, and have no headers.
function withoutHeaders(key, text) {
  if (!["graphiql:queries", "graphiql:favorites"].includes(key)) return text;
  return JSON.stringify(JSON.parse(text), (name, value) => (name === "headers" ? "" : value));
}

const storage = {
  get length() { return localStorage.length; },
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, text) => localStorage.setItem(key, withoutHeaders(key, text)),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
};

ReactDOM.render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultTabs: [
      { query: NEWEST_PEOPLE },
      { query: WATCH },
      { query: CHANGE, variables: JSON.stringify(CHANGE_VARIABLES, null, 2) },
    ],
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    storage,
  }),
  document.getElementById("graphiql"),
);

"""What is asked of every server, in the same words."""

from typing import Final

USER: Final = """
query User($email: String!) {
  user(by: {email: $email}) {
    id type name age birthday email phone gender language timezone createdAt version
  }
}
"""
USERS: Final = """
query Users($first: Int!, $after: Cursor) {
  users(first: $first, after: $after) {
    nodes {
      id type name age birthday email gender language timezone createdAt
      identities { kind value linkedAt }
      activity { name count lastAt }
    }
    pageInfo { hasNextPage }
  }
}
"""
FIND: Final = """
query Find($where: Criteria!, $first: Int!) {
  users(where: $where, first: $first) { nodes { id name email type age language } }
}
"""
UPDATE: Final = """
mutation Update($user: UserBy!, $changes: UserChanges!) {
  userUpdate(user: $user, changes: $changes) {
    ... on UserUpdatePayload { user { id version properties(names: ["visits"]) } }
    ... on Error { message }
  }
}
"""
RECORD: Final = """
mutation Record($user: UserBy!, $events: [EventInput!]!) {
  userRecordEvents(user: $user, events: $events) {
    ... on UserRecordEventsPayload { recorded user { id version type } }
    ... on Error { message }
  }
}
"""
IMPORT: Final = """
mutation Import($records: [RecordInput!]!) {
  recordsImport(records: $records) { accepted rejected { index error { message } } }
}
"""
WATCH: Final = """
subscription Watch($by: UserBy!) {
  userChanged(by: $by) { kind user { id version properties(names: ["tick"]) } }
}
"""
PAGE_ENDS: Final = """
query Ends($first: Int!, $after: Cursor) {
  users(first: $first, after: $after) { pageInfo { hasNextPage endCursor } }
}
"""
KNOWN: Final = '{ __type(name: "Mutation") { fields { name } } }'

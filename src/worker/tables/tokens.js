// What a ledger asks of its tokens, and of the requests that made some.

const COLUMNS = "record, digest, description, start, parent, successor, slot, number, used";

const OF_USER = `SELECT ${COLUMNS} FROM tokens WHERE workspace = ?1 AND uid = ?2`;

/** Those that are not revoked, and those that are not over. */
const LEFT = "json_extract(record, '$.st') <> 'r'";
const LIVE = "json_extract(record, '$.st') IN ('a', 'd')";

const SOME = `(SELECT COUNT(*) FROM tokens WHERE workspace = ?1 AND uid = ?2 AND ${LIVE}
  AND json_extract(record, '$.x')`;

/** The next number of a user whose workspace and id are bound ninth and tenth. */
const NEXT_NUMBER = `(SELECT COALESCE(MAX(number), 0) + 1 FROM tokens
  WHERE workspace = ?9 AND uid = ?10 AND number IS NOT NULL)`;

const insert = (number) => `INSERT INTO tokens (${COLUMNS}, id, workspace, uid)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ${number}, NULL, ?8, ?9, ?10)`;

export const TOKEN_STATEMENTS = {
  record: "SELECT record FROM tokens WHERE digest = ?",
  ownRecord: "SELECT record FROM tokens WHERE digest = ? AND workspace = ? AND uid = ?",
  token: `SELECT ${COLUMNS} FROM tokens WHERE id = ? AND workspace = ?`,
  owner: "SELECT workspace, uid FROM tokens WHERE id = ?",
  // One range of an index each, where an OR would read all tokens of the user; and first those that
  // the asking isolate should be told of.
  kin: `${OF_USER} AND parent = ?3 AND barren_until IS NULL AND ${LEFT} UNION ALL
    ${OF_USER} AND successor = ?3 AND ${LEFT} UNION ALL
    ${OF_USER} AND parent = ?3 AND barren_until > ?4 AND ${LEFT}`,
  // Expired ones are not even counted: they are kept for good.
  countLive: `SELECT ${SOME} > ?3) + ${SOME} IS NULL)`,
  inSlot: `${OF_USER} AND slot = ?3 ORDER BY id DESC LIMIT 1`,
  countSince: "SELECT COUNT(*) FROM tokens WHERE workspace = ? AND uid = ? AND id >= ?",
  countSlottedSince: `SELECT COUNT(*) FROM tokens
    WHERE workspace = ? AND uid = ? AND id >= ? AND slot IS NOT NULL`,
  numbered: `${OF_USER} AND number IS NOT NULL AND number = ?3 ORDER BY number`,
  allNumbered: `${OF_USER} AND number IS NOT NULL AND ${LIVE}
    AND COALESCE(json_extract(record, '$.x') > ?3, 1) ORDER BY number`,
  older: `${OF_USER} AND id < ?3 ORDER BY id DESC LIMIT ?4`,
  insertPat: insert(NEXT_NUMBER),
  insertEmbed: insert("NULL"),
  // What never changes is not written again.
  update: `UPDATE tokens SET record = ?, description = ?, successor = ?
    WHERE id = ? AND workspace = ? AND uid = ?`,
  used: "UPDATE tokens SET used = ? WHERE id = ? AND COALESCE(used, 0) <= ?",
  forgetEmbeds: "DELETE FROM tokens WHERE workspace = ? AND uid = ? AND embed_until <= ?",
  madeBy: `SELECT token FROM requests
    WHERE workspace = ? AND uid = ? AND actor = ? AND request = ? AND at >= ?`,
  forgetRequests: "DELETE FROM requests WHERE at < ?",
  saveRequest: `INSERT OR REPLACE INTO requests (workspace, uid, actor, request, token, at)
    VALUES (?, ?, ?, ?, ?, ?)`,
};

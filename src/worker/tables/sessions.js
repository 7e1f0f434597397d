// What a ledger asks of its sessions, and of the places that they are in.

const COLUMNS = "id, token, workspace, uid, app, place, ends, killed, seen, origin, address";

const newest = (condition) => `SELECT token, MAX(id) FROM sessions
  WHERE workspace = ?1 AND uid = ?2 AND ends > ?3 ${condition} GROUP BY token LIMIT ?4`;

export const SESSION_STATEMENTS = {
  session: `SELECT ${COLUMNS} FROM sessions WHERE id = ? AND workspace = ?`,
  countOpen: `SELECT COUNT(*) FROM sessions
    WHERE workspace = ? AND uid = ? AND ends > ? AND token = ?`,
  killed: `SELECT id, ends FROM sessions
    WHERE workspace = ? AND uid = ? AND token = ? AND ends > ? AND killed = 1
    ORDER BY ends DESC LIMIT ?`,
  sessionsBetween: `SELECT ${COLUMNS} FROM sessions
    WHERE workspace = ? AND uid = ? AND id < ? AND id >= ? AND ends > ? AND killed = 0
    ORDER BY id DESC LIMIT ?`,
  newest: newest(""),
  newestOf: newest("AND token = ?5"),
  saveSession: `INSERT OR REPLACE INTO sessions (${COLUMNS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  seen: "UPDATE sessions SET seen = ? WHERE id = ? AND seen <= ?",
  forgetSessions: "DELETE FROM sessions WHERE workspace = ? AND uid = ? AND token = ?",
  forgetEnded: "DELETE FROM sessions WHERE workspace = ? AND uid = ? AND ends <= ?",
  spot: "SELECT app, origins, until FROM places WHERE place = ?",
  saveSpot: `INSERT OR REPLACE INTO places (place, workspace, uid, app, origins, until)
    VALUES (?, ?, ?, ?, ?, ?)`,
  forgetSpots: "DELETE FROM places WHERE workspace = ? AND uid = ? AND until <= ?",
};

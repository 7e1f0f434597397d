// Each user's jobs, in memory: they live as long as the isolate.

export const COLUMNS = [
  { id: "todo", name: "To do" },
  { id: "doing", name: "In progress" },
  { id: "done", name: "Done" },
];

// Title, place, picture.
const SAMPLES = [
  ["Renew the harbour bridge", "Elm Quay", "bridge"],
  ["Survey the north tunnel", "Stone Hill", "tunnel"],
  ["Resurface the ring road", "Westfield", "road"],
  ["New platform roof", "Central station", "station"],
  ["Plant forty limes", "Orchard Park", "park"],
  ["Paint the second crane", "Old harbour", "harbour"],
  ["Ramp for the library", "School Lane", "school"],
  ["Check the rotor blades", "Wind farm", "wind"],
  ["Replace the bearings", "Mill Bridge", "bridge"],
  ["Light for the underpass", "East Gate", "tunnel"],
  ["Cycle lane, phase two", "River Road", "road"],
  ["Signs for the concourse", "South station", "station"],
  ["Benches by the pond", "Rose Garden", "park"],
  ["Dredge berth four", "New harbour", "harbour"],
  ["Windows, second floor", "Hill School", "school"],
  ["Cable to the substation", "Moor Edge", "wind"],
];
const SAMPLE_COLUMNS = ["todo", "doing", "done", "todo", "doing", "todo"];
const PICTURES = [...new Set(SAMPLES.map(([, , picture]) => picture))];

const MOST_BOARDS = 200;
const MOST_JOBS = 60;
const MOST_NEWS = 6;

const boards = new Map();

/** The user's board; on the first visit it is made, with jobs that depend on the user. */
export function boardOf(user) {
  if (!boards.has(user)) {
    if (boards.size >= MOST_BOARDS) boards.delete(boards.keys().next().value);
    boards.set(user, new Board(user));
  }
  return boards.get(user);
}

class Board {
  /** Bytes of the last upload. */
  uploaded = undefined;
  /** How many windows have it open. */
  windows = 0;
  /** What happened, newest first: `{number, at, text}`. */
  news = [];

  constructor(user) {
    const first = numberOf(user);
    this.hue = first % 6;
    this.jobs = SAMPLE_COLUMNS.map((column, i) => {
      const [title, place, picture] = SAMPLES[(first + 5 * i) % SAMPLES.length];
      return { id: i + 1, title, place, picture, column };
    });
    this.tell("The board was opened");
  }

  in(column) {
    return this.jobs.filter((job) => job.column === column.id);
  }

  /** Answers the new job; undefined if there is no room. */
  add(title, place) {
    if (this.jobs.length >= MOST_JOBS) return undefined;
    const id = Math.max(...this.jobs.map((job) => job.id)) + 1;
    const picture = PICTURES[numberOf(title) % PICTURES.length];
    const job = { id, title, place, picture, column: COLUMNS[0].id };
    this.jobs.push(job);
    this.tell(`“${title}” was added`);
    return job;
  }

  /** Answers the job that was moved; undefined if there is none of this id. */
  move(id, column) {
    const job = this.jobs.find((each) => each.id === id);
    if (!job) return undefined;
    job.column = column.id;
    this.tell(`“${job.title}” went to ${column.name}`);
    return job;
  }

  tell(text) {
    const number = (this.news[0]?.number ?? 0) + 1;
    this.news = [{ number, at: new Date(), text }, ...this.news].slice(0, MOST_NEWS);
  }
}

/** A number that depends on the text alone. */
function numberOf(text) {
  let number = 7;
  for (const letter of text) number = (number * 31 + letter.codePointAt(0)) % 65_521;
  return number;
}

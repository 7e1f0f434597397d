import { json, methodNotAllowed, problem, wholeNumber } from "./answers.js";

const SERVER_GUID = "5f0c9a52-7d1e-4b0a-9c36-2e8f41d7a603";

const PEOPLE = ["Ines Valdrán", "Tom Okafor", "Mirela Stanič", "Jun Hayashi"];

const PLACES = [
  "Alder Creek",
  "Brindle Bay",
  "Cobden Hill",
  "Dunmore",
  "Eastwick",
  "Fennel Park",
  "Gull Point",
  "Harrow Flat",
  "Isley",
  "Juniper Ridge",
];

// What the office does in each place: name, description, type, folders.
const WORKS = [
  ["Bridge Renewal", "Replacement of the deck and bearings", "Normal", 28],
  ["Drainage Study", "Catchment model and overflow map", "Normal", 12],
  ["Roundabout", "Concept and detailed design, two lanes", "Normal", 35],
  ["Survey", "Control network and feature survey", "Survey", 9],
  ["Subdivision", "Earthworks and services for 40 lots", "Normal", 41],
  ["Template", "Folder structure for new work here", "Template", 6],
];

/** Every job there is: six kinds of work in ten places, ids from 1. */
export const JOBS = PLACES.flatMap((place, p) =>
  WORKS.map(([work, description, type, folders], w) =>
    job({
      id: p * WORKS.length + w + 1,
      name: `${place} ${work}`,
      description: `${description}, ${place}`,
      type,
      folders: folders + p,
      creator: (p + w) % PEOPLE.length,
      created: Date.UTC(2024, p, 3 + 4 * w, 8 + w, 7 * p, 11, 97 * w),
    }),
  ),
);

/** Lists jobs by `name`, `page` and `page_size`, and pretends to create one. */
export async function jobs(request, url) {
  switch (request.method) {
    case "GET":
    case "HEAD":
      return list(url.searchParams);
    case "POST":
      return create(request);
    default:
      return methodNotAllowed("GET, HEAD, POST");
  }
}

function list(query) {
  const number = wholeNumber(query.get("page"), {
    fallback: 1,
    min: 1,
    max: 1_000_000,
  });
  if (number === undefined) {
    return problem(400, "page must be a whole number from 1");
  }
  const size = wholeNumber(query.get("page_size"), {
    fallback: 20,
    min: 1,
    max: 100,
  });
  if (size === undefined) {
    return problem(400, "page_size must be a whole number from 1 to 100");
  }
  const name = (query.get("name") ?? "").toLowerCase();
  const found = JOBS.filter((job) => job.Name.toLowerCase().includes(name));
  return json({
    PageNumber: number,
    PageSize: size,
    TotalRows: found.length,
    TotalPages: Math.ceil(found.length / size),
    Result: found.slice((number - 1) * size, number * size),
  });
}

async function create(request) {
  let wanted;
  try {
    wanted = await request.json();
  } catch {
    return problem(400, "the body must be JSON");
  }
  const { Name: name, Description: description = "" } = wanted ?? {};
  if (typeof name !== "string" || name.length < 1 || name.length > 200) {
    return problem(400, "Name must be a string of 1 to 200 characters");
  }
  if (typeof description !== "string") {
    return problem(400, "Description must be a string");
  }
  const made = job({
    id: JOBS.length + 1,
    name,
    description,
    type: "Normal",
    folders: 0,
    creator: 0,
    created: Date.now(),
  });
  return json(made, { status: 201 });
}

function job({ id, name, description, type, folders, creator, created }) {
  return {
    ID: identity(id),
    Name: name,
    Description: description,
    JobCreatorName: PEOPLE[creator],
    CreatedDate: new Date(created).toISOString().slice(0, -1),
    NoOfChildren: 0,
    NoOfFolders: folders,
    NoOfTDJobs: 0,
    InheritPermissions: true,
    InheritFileNamingRules: false,
    AlwaysDisplayParent: false,
    DeleteLocked: false,
    Type: type,
    CreatorID: identity(creator + 1),
    ParentJobID: null,
    Attributes: [],
    JobItems: null,
    NoOfNotes: 0,
    Path: name,
  };
}

function identity(id) {
  return {
    _id: id,
    _server_id: 1,
    _server_guid: SERVER_GUID,
    IDString: `1_${id}`,
  };
}

// The app behind every contender: a small answer, and at /echo what reached it.

const ANSWER = JSON.stringify({
  count: 3,
  results: [
    { id: 41, name: "Survey of the north bank", state: "open", hours: 12.5 },
    { id: 42, name: "Level crossing, second stage", state: "open", hours: 40 },
    { id: 43, name: "Culvert at chainage 1200", state: "done", hours: 7.25 },
  ],
});

const HEADERS = { "content-type": "application/json" };

export default {
  fetch(request) {
    if (request.url.endsWith("/echo")) return Response.json([...request.headers]);
    return new Response(ANSWER, { headers: HEADERS });
  },
};

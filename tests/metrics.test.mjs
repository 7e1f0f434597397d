// What is written to a dataset of Analytics Engine: workerd has none, so a stand-in takes it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { configureMetrics, countRequest } from "../src/worker/metrics.js";

after(() => configureMetrics({}));

test("a dataset gets a point for each request: outcome, code, workspace and status", () => {
  const points = [];
  configureMetrics({ METRICS: { writeDataPoint: (point) => points.push(point) } });
  countRequest("allowed", 200, "", "acme");
  countRequest("answered", 401, "token_revoked");
  assert.deepEqual(points, [
    { indexes: ["allowed"], blobs: ["allowed", "", "acme"], doubles: [200] },
    { indexes: ["token_revoked"], blobs: ["answered", "token_revoked", ""], doubles: [401] },
  ]);
});

test("a dataset that throws stops no request", () => {
  const writeDataPoint = () => {
    throw new Error("too many points");
  };
  configureMetrics({ METRICS: { writeDataPoint } });
  countRequest("allowed", 200);
});

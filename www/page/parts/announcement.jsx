// What has just been done, seen and heard.

import { useVisit } from "../visit.js";

/** The page has one, and each dialog: while it is open, nothing outside of it is heard. */
export function Announcement() {
  const { announced } = useVisit();
  return (
    <p class="toast" role="status" aria-live="polite">
      {announced}
    </p>
  );
}

import type { Identity } from "gatepass";

declare global {
  namespace App {
    interface Locals {
      /** Whose request it is; null where the route is public. */
      gatepass: Identity | null;
    }
  }
}

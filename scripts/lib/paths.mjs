// Where things are: the checkout, and the cache that all checkouts of this machine share.
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url)).replace(/[/\\]$/, "");

export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "gatepass");

export const cargoHome = process.env.CARGO_HOME || join(homedir(), ".cargo");

export const inRoot = (...parts) => join(root, ...parts);

// As `wrangler types` writes it.
declare namespace Cloudflare {
  interface Env {
    RECORDS: KVNamespace;
  }
}

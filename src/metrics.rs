//! Who may see the metrics: whoever has the key that is for nothing else.

use crate::credentials;
use crate::digest::Digest;
use crate::gate::{Check, Stop, serve};
use crate::problem::{Code, Problem};
use crate::verdict::Verdict;

/// Below `/gatepass`.
pub(crate) const PATH: &str = "/metrics";

impl Check<'_, '_> {
    /// The metrics; where there is no key to them, nothing is there.
    pub(crate) fn metrics(&self) -> Result<Verdict, Stop> {
        let key = self.gate.config.metrics_key;
        let key = key.ok_or_else(|| self.stop(Problem::not_found()))?;
        let served = serve(PATH, self.facts.method);
        if matches!(served, Verdict::Answer(_)) {
            return Ok(served);
        }
        let credential = self.required(credentials::find(self.facts, None))?;
        if !Digest::of(&credential.text).matches(&key) {
            let sentence = "this is not the metrics key";
            return Err(self.stop(Problem::new(401, Code::TokenUnknown, sentence)));
        }
        Ok(served)
    }
}

//! A workspace's settings, as KV holds them under `w/<workspace>`.

use crate::fields::Fields;
use crate::json::Object;

/// What an admin decides for a whole workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    v: u64,
    /// Rises with every change; a lower one than has been seen is never accepted.
    pub rev: u64,
    /// Whether tokens may be created.
    pub creation: bool,
    /// Whether tokens open the gate.
    pub authentication: bool,
}

impl Settings {
    /// Reads a stored value, and refuses all that it does not understand.
    pub fn parse(json: &str) -> Result<Self, MalformedSettings> {
        Self::read(json).ok_or(MalformedSettings)
    }

    fn read(json: &str) -> Option<Self> {
        let mut fields = Fields::of_object(json).ok()?;
        let settings = Self {
            v: fields.stored_number("v").filter(|v| *v == VERSION)?,
            rev: fields.stored_number("rev")?,
            creation: fields.stored_flag("creation", true)?,
            authentication: fields.stored_flag("authentication", true)?,
        };
        fields.names().next().is_none().then_some(settings)
    }

    /// The JSON to store.
    pub fn to_json(&self) -> String {
        let mut json = Object::default();
        json.number("v", self.v);
        json.number("rev", self.rev);
        json.flag("creation", self.creation);
        json.flag("authentication", self.authentication);
        json.finish()
    }
}

impl Default for Settings {
    /// What holds in a workspace where nobody has decided anything.
    fn default() -> Self {
        Self {
            v: VERSION,
            rev: 0,
            creation: true,
            authentication: true,
        }
    }
}

/// The stored value is not a workspace's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedSettings;

impl core::fmt::Display for MalformedSettings {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("settings are malformed")
    }
}

impl std::error::Error for MalformedSettings {}

const VERSION: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_round_trip() {
        let settings = Settings::default();
        assert_eq!(Settings::parse(&settings.to_json()), Ok(settings));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for json in [
            "",
            "null",
            "{}",
            "{\"v\":2,\"rev\":1}",
            "{\"v\":1,\"rev\":1,\"authentication\":\"no\"}",
            "{\"v\":1,\"rev\":1,\"authentification\":false}",
        ] {
            assert_eq!(Settings::parse(json), Err(MalformedSettings), "{json}");
        }
    }
}

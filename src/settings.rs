//! What the gate reads of a workspace's settings ([`crate::policy`]), as KV holds it
//! under `w/<workspace>`.

use crate::fields::Fields;
use crate::json::Object;
use crate::problem::{Code, Problem};
use crate::time::Time;

/// The switches of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Rises with every change; a lower one than has been seen is never accepted.
    pub rev: u64,
    /// Whether tokens may be created.
    pub creation: bool,
    /// Whether tokens open the gate.
    pub authentication: bool,
    /// Whether only admins may create tokens.
    pub admins_only: bool,
    /// The moment until which all sessions that were opened are killed.
    pub sessions_from: Option<Time>,
}

impl Settings {
    /// Reads a stored value, and refuses all that it does not understand.
    pub fn parse(json: &str) -> Result<Self, MalformedSettings> {
        let mut fields = Fields::of_object(json);
        fields.stored_version(VERSION);
        let settings = Self {
            rev: fields.stored_number("rev"),
            creation: fields.stored_flag("creation", true),
            authentication: fields.stored_flag("authentication", true),
            admins_only: fields.stored_flag("admins", false),
            sessions_from: fields.stored_time_or_none("sessionsFrom"),
        };
        fields.finish().map_err(|_| MalformedSettings)?;
        Ok(settings)
    }

    /// The JSON to store.
    pub fn to_json(&self) -> String {
        let mut json = Object::default();
        json.number("v", VERSION);
        json.number("rev", self.rev);
        json.flag("creation", self.creation);
        json.flag("authentication", self.authentication);
        json.flag_if_set("admins", self.admins_only);
        json.number_if_any("sessionsFrom", self.sessions_from.map(Time::seconds));
        json.finish()
    }

    /// Whether whoever asks may create tokens.
    pub fn check_creation(&self, by_admin: bool) -> Result<(), Problem> {
        let detail = match (self.creation, self.admins_only) {
            (false, _) => "creating tokens is switched off in this workspace",
            (true, true) if !by_admin => "only admins create tokens in this workspace",
            _ => return Ok(()),
        };
        Err(Problem::new(403, Code::CreationDisabled, detail))
    }
}

impl Default for Settings {
    /// What holds in a workspace where nobody has decided anything.
    fn default() -> Self {
        Self {
            rev: 0,
            creation: true,
            authentication: true,
            admins_only: false,
            sessions_from: None,
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
    fn what_is_stored_is_read_back() {
        for admins_only in [false, true] {
            let settings = Settings {
                admins_only,
                sessions_from: admins_only.then(|| Time::from_seconds(1_700_000_000)),
                ..Settings::default()
            };
            assert_eq!(Settings::parse(&settings.to_json()), Ok(settings));
        }
    }

    #[test]
    fn who_may_create_is_decided_by_both_switches() {
        for (creation, admins_only, by_admin, may) in [
            (true, false, false, true),
            (true, true, false, false),
            (true, true, true, true),
            (false, false, true, false),
            (false, true, true, false),
        ] {
            let settings = Settings {
                creation,
                admins_only,
                ..Settings::default()
            };
            assert_eq!(settings.check_creation(by_admin).is_ok(), may);
        }
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

//! What an embed token opens: a session for one place, held by a cookie alone.
//!
//! `base64url(fields) "." base64url(HMAC-SHA256(key, base64url(fields)))`
//!
//! The fields stand in a fixed order, each after one byte that says how long it
//! is: version (one byte, 1), purpose (`embed`), key id, session id (the hint's
//! four characters and the ULID's 16 bytes), workspace, user id, app, place (10
//! bytes), digest of the token's (32 bytes), issued and expires (Unix seconds, 8
//! bytes each, big-endian). A session has at most [`Session::MAX_LENGTH`] bytes.
//!
//! The MAC is checked before anything is read. The purpose is under it, so that
//! nothing else that is ever made with these keys is a session.

use crate::bytes::cut;
use crate::digest::Digest;
use crate::fields::Fields;
use crate::id::Id;
use crate::json::Object;
use crate::place::Place;
use crate::problem::Problem;
use crate::time::Time;
use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A session of a viewer in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its public name, which says when it was opened too.
    pub id: Id,
    /// The workspace.
    pub workspace: String,
    /// The user's id.
    pub uid: String,
    /// The app.
    pub app: String,
    /// The place.
    pub place: Place,
    /// The digest of the token that opened it: its record is asked each time.
    pub digest: Digest,
    /// When this cookie was made. With an idle time-out, later cookies of the
    /// same session follow.
    pub issued: Time,
    /// The first moment at which this cookie no longer opens the place.
    pub expires: Time,
}

impl Session {
    /// The most bytes that a session has.
    pub const MAX_LENGTH: usize = 400;

    /// Whether sessions of this user in this app are short enough, whatever
    /// the key.
    pub const fn fits(workspace: &str, uid: &str, app: &str) -> bool {
        let named = workspace
            .len()
            .saturating_add(uid.len())
            .saturating_add(app.len());
        named <= ROOM_FOR_NAMES
    }

    /// The cookie's value, signed with the newest key.
    pub fn seal(&self, keys: &SessionKeys) -> Option<String> {
        let key = keys.0.first()?;
        let times = [self.issued, self.expires].map(|time| time.seconds().to_be_bytes());
        let [issued, expires] = &times;
        let mut bytes = Vec::with_capacity(Self::MAX_LENGTH);
        for field in [
            VERSION,
            PURPOSE,
            key.id.as_bytes(),
            &self.id.to_bytes(),
            self.workspace.as_bytes(),
            self.uid.as_bytes(),
            self.app.as_bytes(),
            &self.place.to_bytes(),
            self.digest.as_bytes(),
            issued,
            expires,
        ] {
            bytes.push(u8::try_from(field.len()).ok()?);
            bytes.extend_from_slice(field);
        }
        let mut sealed = Base64UrlUnpadded::encode_string(&bytes);
        let mac = key.mac(&sealed);
        sealed.push('.');
        sealed.push_str(&mac);
        (sealed.len() <= Self::MAX_LENGTH).then_some(sealed)
    }

    /// The session as JSON.
    pub fn to_json(&self) -> String {
        let mut json = Object::default();
        json.text("id", self.id.as_str());
        json.text("workspace", &self.workspace);
        json.text("user", &self.uid);
        json.text("app", &self.app);
        json.text("place", self.place.as_str());
        json.text("digest", &self.digest.to_hex());
        json.number("issued", self.issued.seconds());
        json.number("expires", self.expires.seconds());
        json.finish()
    }

    /// Reads what [`Session::to_json`] wrote.
    pub fn from_json(json: &str) -> Result<Self, Problem> {
        let mut fields = Fields::of_object(json);
        let session = Self {
            id: fields.stored("id", Id::parse, Id::BLANK),
            workspace: fields.stored_text("workspace"),
            uid: fields.stored_text("user"),
            app: fields.stored_text("app"),
            place: fields.stored("place", Place::parse, Place::BLANK),
            digest: fields.stored("digest", Digest::from_hex, Digest::BLANK),
            issued: Time::from_seconds(fields.stored_number("issued")),
            expires: Time::from_seconds(fields.stored_number("expires")),
        };
        fields.finish()?;
        Ok(session)
    }

    /// Reads a cookie's value that one of the keys has signed.
    pub fn open(sealed: &str, keys: &SessionKeys) -> Option<Self> {
        if sealed.len() > Self::MAX_LENGTH {
            return None;
        }
        let (fields, mac) = cut(sealed, b'.')?;
        let signs = |key: &&Key| key.mac(fields).as_bytes().ct_eq(mac.as_bytes()).into();
        let key = keys.0.iter().find(signs)?;
        // They were encoded here, as their MAC says, and whoever sends them can read them, so
        // that decoding need not take the same time for all digits.
        let bytes = BASE64URL_NOPAD.decode(fields.as_bytes()).ok()?;
        let mut rest = bytes.as_slice();
        let mut next = || {
            let (length, after) = rest.split_first()?;
            let (field, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(field)
        };
        let known = next()? == VERSION && next()? == PURPOSE && next()? == key.id.as_bytes();
        let session = Self {
            id: Id::from_bytes(next()?)?,
            workspace: text(next()?)?,
            uid: text(next()?)?,
            app: text(next()?)?,
            place: Place::from_bytes(next()?.try_into().ok()?),
            digest: Digest::from_bytes(next()?)?,
            issued: moment(next()?)?,
            expires: moment(next()?)?,
        };
        (known && rest.is_empty()).then_some(session)
    }
}

/// The keys of `SESSION_KEYS`, newest first: the newest signs, all verify. To
/// drop one ends the sessions that it signed.
///
/// A secret that was decoded is overwritten when its MAC has taken it in. The MAC's states
/// are not: one is kept as long as the gate. Nor can be what is JavaScript's: the text of
/// the variable, and the copies that its engine makes.
#[derive(Clone)]
pub struct SessionKeys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: String,
    /// Has taken in the secret, and nothing else yet.
    hmac: Hmac<Sha256>,
}

impl SessionKeys {
    /// Reads `<kid>:<base64 of 32 bytes or more>`, separated by commas.
    pub fn parse(text: &str) -> Option<Self> {
        let mut keys: Vec<Key> = Vec::new();
        for entry in text.split(',') {
            let (id, secret) = entry.trim().split_once(':')?;
            let named = (1..=MAX_KEY_ID).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && !keys.iter().any(|key| key.id == id);
            let secret = Base64Unpadded::decode_vec(secret.trim_end_matches('=')).ok()?;
            let secret = Zeroizing::new(secret);
            if !named || secret.len() < 32 {
                return None;
            }
            keys.push(Key {
                id: id.to_owned(),
                hmac: Hmac::new_from_slice(&secret).ok()?,
            });
        }
        Some(Self(keys))
    }
}

impl core::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionKeys")
    }
}

impl Key {
    /// The MAC of fields, as base64url.
    fn mac(&self, fields: &str) -> String {
        let hmac = self.hmac.clone().chain_update(fields.as_bytes());
        Base64UrlUnpadded::encode_string(&hmac.finalize().into_bytes())
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    Some(core::str::from_utf8(bytes).ok()?.to_owned())
}

fn moment(bytes: &[u8]) -> Option<Time> {
    Some(Time::from_seconds(u64::from_be_bytes(
        bytes.try_into().ok()?,
    )))
}

const VERSION: &[u8] = &[1];
const PURPOSE: &[u8] = b"embed";
const MAX_KEY_ID: usize = 16;
/// Bytes of workspace, user id and app together: 356 base64 digits hold 267
/// bytes, of which all else takes 111 with the longest key id.
const ROOM_FOR_NAMES: usize = 156;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use base64ct::Base64;
    use proptest::prelude::*;

    const NOW: Time = Time::from_seconds(1_700_000_000);

    fn key(id: &str, byte: u8) -> String {
        format!("{id}:{}", Base64::encode_string(&[byte; 32]))
    }

    fn keys(entries: &[String]) -> SessionKeys {
        SessionKeys::parse(&entries.join(", ")).unwrap()
    }

    fn session() -> Session {
        Session {
            id: Id::generate(&Hint::of("default", "ada"), 1_700_000_000_000, [7; 16]),
            workspace: "default".to_owned(),
            uid: "ada".to_owned(),
            app: "jobs".to_owned(),
            place: Place::of("default", "ada", "jobs", ""),
            digest: Digest::of("token"),
            issued: NOW,
            expires: NOW.plus(3600),
        }
    }

    /// Signs whatever fields, as somebody with the key could.
    fn forge(fields: &[&[u8]], byte: u8) -> String {
        let mut bytes = Vec::new();
        for field in fields {
            bytes.push(u8::try_from(field.len()).unwrap());
            bytes.extend_from_slice(field);
        }
        let fields = Base64UrlUnpadded::encode_string(&bytes);
        let key = Key {
            id: String::new(),
            hmac: Hmac::new_from_slice(&[byte; 32]).unwrap(),
        };
        format!("{fields}.{}", key.mac(&fields))
    }

    #[test]
    fn the_newest_key_signs_and_all_verify() {
        let old = keys(&[key("k1", 1)]);
        let both = keys(&[key("k2", 2), key("k1", 1)]);
        let new = keys(&[key("k2", 2)]);
        let by_old = session().seal(&old).unwrap();
        let by_both = session().seal(&both).unwrap();
        assert_eq!(Session::open(&by_old, &both), Some(session()));
        assert_eq!(Session::open(&by_both, &new), Some(session()));
        assert_eq!(Session::open(&by_both, &old), None);
    }

    #[test]
    fn a_dropped_key_ends_its_sessions() {
        let by_old = session().seal(&keys(&[key("k1", 1)])).unwrap();
        assert_eq!(Session::open(&by_old, &keys(&[key("k2", 2)])), None);
    }

    #[test]
    fn a_key_under_another_id_does_not_verify() {
        let sealed = session().seal(&keys(&[key("k1", 1)])).unwrap();
        assert_eq!(Session::open(&sealed, &keys(&[key("k9", 1)])), None);
    }

    #[test]
    fn another_purpose_version_or_length_is_no_session() {
        let keys = keys(&[key("k1", 1)]);
        let session = session();
        let (id, place) = (session.id.to_bytes(), session.place.to_bytes());
        let (issued, expires) = (1_u64.to_be_bytes(), 2_u64.to_be_bytes());
        let good: Vec<&[u8]> = vec![
            VERSION,
            PURPOSE,
            b"k1",
            &id,
            b"default",
            b"ada",
            b"jobs",
            &place,
            session.digest.as_bytes(),
            &issued,
            &expires,
        ];
        assert!(Session::open(&forge(&good, 1), &keys).is_some());
        for (at, other) in [
            (0, b"\x02".as_slice()),
            (1, b"manage"),
            (1, b""),
            (2, b"k2"),
            (3, b"short"),
            (5, b"\xff\xfe"),
            (7, b"short"),
            (7, b"longer than ten"),
            (8, b"short"),
            (10, b"1234567"),
            (10, b"123456789"),
        ] {
            let mut bad = good.clone();
            bad[at] = other;
            assert_eq!(Session::open(&forge(&bad, 1), &keys), None, "{at}");
        }
        let name = [b'a'; 200];
        let mut long = good.clone();
        (long[4], long[5]) = (&name, &name);
        assert_eq!(Session::open(&forge(&long, 1), &keys), None);
        let mut longer = good.clone();
        longer.push(b"more");
        assert_eq!(Session::open(&forge(&longer, 1), &keys), None);
        assert_eq!(Session::open(&forge(&good[..10], 1), &keys), None);
    }

    #[test]
    fn keys_have_different_names_and_32_bytes() {
        let (k1, short) = (key("k1", 1), "k2:c2hvcnQ=".to_owned());
        for text in ["", "k1", &short, &format!("{k1},{k1}"), &format!("{k1},")] {
            assert!(SessionKeys::parse(text).is_none(), "{text}");
        }
        assert!(SessionKeys::parse(&key("", 1)).is_none());
        assert!(SessionKeys::parse(&key("k-1", 1)).is_none());
        assert!(SessionKeys::parse(&key("12345678901234567", 1)).is_none());
    }

    #[test]
    fn names_of_156_bytes_fit_whatever_the_key() {
        let keys = keys(&[key(&"k".repeat(16), 1)]);
        let named = |length: usize| Session {
            workspace: "w".repeat(30),
            uid: "u".repeat(60),
            app: "a".repeat(length - 90),
            ..session()
        };
        let fits =
            |session: &Session| Session::fits(&session.workspace, &session.uid, &session.app);
        let (longest, longer) = (named(156), named(157));
        let sealed = longest.seal(&keys).unwrap();
        assert!(fits(&longest) && sealed.len() == Session::MAX_LENGTH);
        assert_eq!(Session::open(&sealed, &keys), Some(longest));
        assert!(!fits(&longer) && longer.seal(&keys).is_none());
    }

    #[test]
    fn a_session_is_read_from_its_json() {
        assert_eq!(Session::from_json(&session().to_json()), Ok(session()));
        assert!(Session::from_json("{}").is_err());
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", keys(&[key("k1", 1)])), "SessionKeys");
    }

    proptest! {
        #[test]
        fn sessions_round_trip_within_400_bytes(
            workspace in "[a-z]{1,40}", uid in "\\PC{0,30}", app in "[a-z]{1,60}", kid in "[a-z]{1,16}",
        ) {
            let session = Session { workspace, uid, app, ..session() };
            let fits = Session::fits(&session.workspace, &session.uid, &session.app);
            let keys = keys(&[key(&kid, 1)]);
            match session.seal(&keys) {
                Some(sealed) => {
                    prop_assert!(sealed.len() <= Session::MAX_LENGTH);
                    prop_assert_eq!(Session::open(&sealed, &keys), Some(session));
                }
                None => prop_assert!(!fits),
            }
        }

        #[test]
        fn one_changed_character_is_noticed(at in 0usize..260, other in "[A-Za-z0-9_.-]") {
            let keys = keys(&[key("k1", 1)]);
            let sealed = session().seal(&keys).unwrap();
            prop_assume!(at < sealed.len() && !sealed[at..].starts_with(&other));
            let mut changed = sealed;
            changed.replace_range(at..=at, &other);
            prop_assert_eq!(Session::open(&changed, &keys), None);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String, fields: Vec<Vec<u8>>) {
            let keys = keys(&[key("k1", 1)]);
            let _ = Session::open(&text, &keys);
            let fields: Vec<&[u8]> = fields.iter().map(|field| field.get(..200).unwrap_or(field)).collect();
            let _ = Session::open(&forge(&fields, 1), &keys);
        }
    }
}

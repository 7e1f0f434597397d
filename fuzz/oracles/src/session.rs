//! Sessions: what was sealed is opened, and nothing else is.
//!
//! The input is what stands under the MAC; as text, its lines are the fields of a session.

use crate::{lines, text};
use data_encoding::BASE64URL_NOPAD;
use gatepass::digest::Digest;
use gatepass::hint::Hint;
use gatepass::id::Id;
use gatepass::place::Place;
use gatepass::session::{Session, SessionKeys};
use gatepass::time::Time;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub fn check(data: &[u8]) {
    let keys = SessionKeys::parse(KEYS).unwrap();
    let text = text(data);
    assert_eq!(Session::open(&text, &keys), None, "nobody signed {text:?}");
    sealed_is_opened(&text, &keys);
    signed_is_read(data, &keys);
}

fn sealed_is_opened(text: &str, keys: &SessionKeys) {
    let [workspace, uid, app, label, number] = lines(text);
    let number = number
        .bytes()
        .fold(0_u64, |sum, byte| sum.rotate_left(7) ^ u64::from(byte));
    let session = Session {
        id: Id::generate(&Hint::of(workspace, uid), number, [number as u8; 16]),
        workspace: workspace.to_owned(),
        uid: uid.to_owned(),
        app: app.to_owned(),
        place: Place::of(workspace, uid, app, label),
        digest: Digest::of(label),
        issued: Time::from_seconds(number),
        expires: Time::from_seconds(!number),
    };
    assert_eq!(Session::from_json(&session.to_json()), Ok(session.clone()));
    let Some(sealed) = session.seal(keys) else {
        assert!(!Session::fits(workspace, uid, app));
        return;
    };
    assert_eq!(Session::open(&sealed, keys), Some(session), "{sealed}");
    let mut changed = sealed.clone().into_bytes();
    let at = number as usize % changed.len();
    changed[at] ^= 1 << ((number >> 32) % 7);
    let changed = String::from_utf8(changed).unwrap();
    assert_eq!(Session::open(&changed, keys), None, "{sealed} as {changed}");
    assert_eq!(Session::open(&sealed[..at], keys), None, "{sealed} is cut");
}

/// Whatever stands under a MAC of ours is read as its form says, or not at all.
fn signed_is_read(fields: &[u8], keys: &SessionKeys) {
    let mut sealed = BASE64URL_NOPAD.encode(fields);
    let mac = Hmac::<Sha256>::new_from_slice(&[0; 32])
        .unwrap()
        .chain_update(&sealed);
    sealed.push('.');
    sealed.push_str(&BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()));
    let opened = Session::open(&sealed, keys);
    assert_eq!(
        opened.is_some(),
        is_session(fields) && sealed.len() <= 400,
        "{fields:?}"
    );
    if let Some(opened) = opened {
        assert_eq!(opened.seal(keys), Some(sealed));
    }
}

/// Whether bytes are the fields of a session, as the documentation has them.
fn is_session(mut bytes: &[u8]) -> bool {
    let mut fields = Vec::new();
    while let [length, rest @ ..] = bytes {
        let length = usize::from(*length);
        if rest.len() < length {
            return false;
        }
        fields.push(&rest[..length]);
        bytes = &rest[length..];
    }
    let [
        version,
        purpose,
        key,
        id,
        workspace,
        uid,
        app,
        place,
        digest,
        issued,
        expires,
    ] = fields[..]
    else {
        return false;
    };
    let is_hint = id.iter().take(4).all(u8::is_ascii_alphanumeric);
    let are_texts = [workspace, uid, app]
        .iter()
        .all(|text| str::from_utf8(text).is_ok());
    let lengths = [
        id.len(),
        place.len(),
        digest.len(),
        issued.len(),
        expires.len(),
    ];
    (version, purpose, key) == (&[1], b"embed", b"k1")
        && is_hint
        && are_texts
        && lengths == [20, 10, 32, 8, 8]
}

/// The newest key is 32 bytes of zero.
const KEYS: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,k0:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

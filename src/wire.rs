//! How the token API talks to its authorities: a command or a reply in the
//! postcard format, in hexadecimal after a letter that tells which it is. Both
//! ends are of one build, and neither leaves the deployment.

use serde::{Serialize, de::DeserializeOwned};

/// A command or a reply.
pub trait Message: Serialize + DeserializeOwned {
    /// The letter that its text begins with.
    const LETTER: char;
}

/// The text of a message.
pub fn write<M: Message>(message: &M) -> String {
    let bytes = postcard::to_allocvec(message).unwrap_or_default();
    let mut text = String::from(M::LETTER);
    text.push_str(&hex::encode(bytes));
    text
}

/// Reads a message; `None`: it is not one, or not of this kind.
pub fn read<M: Message>(text: &str) -> Option<M> {
    let bytes = hex::decode(text.strip_prefix(M::LETTER)?).ok()?;
    let (message, rest) = postcard::take_from_bytes(&bytes).ok()?;
    rest.is_empty().then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample(String, Option<u64>);

    impl Message for Sample {
        const LETTER: char = 'x';
    }

    #[test]
    fn a_message_is_read_back_and_nothing_else_is() {
        let sample = Sample("ä".to_owned(), Some(u64::MAX));
        let text = write(&sample);
        assert_eq!(read(&text), Some(sample));
        let (cut, _) = text.split_at(text.len() - 2);
        for junk in [
            "",
            "x",
            "{}",
            &text.replacen('x', "y", 1),
            cut,
            &format!("{text}00"),
        ] {
            assert_eq!(read::<Sample>(junk), None, "{junk}");
        }
    }
}

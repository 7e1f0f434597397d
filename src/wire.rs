//! How the token API talks to its authorities: a command or a reply as bytes,
//! in hexadecimal after a letter that tells which it is. Both ends are of one
//! build, and neither leaves the deployment.
//!
//! Numbers have eight bytes, texts and lists their length before them, an
//! alternative has one byte that says which it is. A format of serde's would do
//! the same in twice the WebAssembly.

use crate::record::Record;
use std::borrow::Cow;

/// A command or a reply.
pub trait Message: Wire {
    /// The letter that its text begins with.
    const LETTER: char;
}

/// What a message is made of.
pub trait Wire: Sized {
    /// Appends it.
    fn put(&self, to: &mut Vec<u8>);

    /// Takes it off the front; `None`: it is not there.
    fn take(from: &mut &[u8]) -> Option<Self>;
}

/// The text of a message.
pub fn write<M: Message>(message: &M) -> String {
    let mut bytes = Vec::new();
    message.put(&mut bytes);
    let mut text = String::from(M::LETTER);
    text.push_str(&hex::encode(bytes));
    text
}

/// Reads a message; `None`: it is not one, or not of this kind.
pub fn read<M: Message>(text: &str) -> Option<M> {
    let bytes = hex::decode(text.strip_prefix(M::LETTER)?).ok()?;
    let mut rest = bytes.as_slice();
    let message = M::take(&mut rest)?;
    rest.is_empty().then_some(message)
}

/// Makes a struct part of messages: its fields, one after the other.
macro_rules! wire_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                $($crate::wire::Wire::put(&self.$field, to);)*
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::wire::Wire::take(from)?),* })
            }
        }
    };
}

/// Makes an enum part of messages: a number for each variant, then its parts.
macro_rules! wire_enum {
    ($type:ty {
        $($number:literal => $variant:ident
            $({ $($field:ident),* $(,)? })?
            $(( $($item:ident),* ))?),* $(,)?
    }) => {
        impl $crate::wire::Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $({ $($field),* })? $(( $($item),* ))? => {
                        to.push($number);
                        $($($crate::wire::Wire::put($field, to);)*)?
                        $($($crate::wire::Wire::put($item, to);)*)?
                    })*
                }
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let (number, rest) = from.split_first()?;
                *from = rest;
                Some(match number {
                    $($number => {
                        $($(let $field = $crate::wire::Wire::take(from)?;)*)?
                        $($(let $item = $crate::wire::Wire::take(from)?;)*)?
                        Self::$variant $({ $($field),* })? $(( $($item),* ))?
                    })*
                    _ => return None,
                })
            }
        }
    };
}

/// Makes a type part of messages that is written as a text.
macro_rules! wire_text {
    ($type:ty, $value:ident => $text:expr, $read:expr) => {
        impl $crate::wire::Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                let $value = self;
                $crate::wire::put_text($text, to);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let read: fn(&str) -> Option<Self> = $read;
                read($crate::wire::take_text(from)?)
            }
        }
    };
}

pub(crate) use {wire_enum, wire_struct, wire_text};

/// Appends a text.
#[inline(never)]
pub(crate) fn put_text(text: &str, to: &mut Vec<u8>) {
    put_number(text.len() as u64, to);
    to.extend_from_slice(text.as_bytes());
}

/// Takes a text off the front.
#[inline(never)]
pub(crate) fn take_text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take_number(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    core::str::from_utf8(text).ok()
}

#[inline(never)]
fn put_number(number: u64, to: &mut Vec<u8>) {
    to.extend_from_slice(&number.to_le_bytes());
}

#[inline(never)]
fn take_number(from: &mut &[u8]) -> Option<u64> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(u64::from_le_bytes(*bytes))
}

wire_text!(String, text => text, |text| Some(text.to_owned()));
wire_text!(Cow<'static, str>, text => text, |text| Some(Cow::Owned(text.to_owned())));
wire_text!(Record, record => &record.to_json(), |text| Record::parse(text).ok());

impl Wire for u64 {
    fn put(&self, to: &mut Vec<u8>) {
        put_number(*self, to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        take_number(from)
    }
}

macro_rules! wire_number {
    ($($type:ty),*) => {
        $(impl Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                put_number(u64::from(*self), to);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Self::try_from(take_number(from)?).ok()
            }
        })*
    };
}

wire_number!(u8, u16, u32);

impl Wire for bool {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        match byte {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let is_some = bool::take(from)?;
        Some(if is_some { Some(T::take(from)?) } else { None })
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        put_number(self.len() as u64, to);
        for item in self {
            item.put(to);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let length = take_number(from)?;
        // Each item takes a byte or more, so a wrong length ends soon.
        let mut items = Self::new();
        for _ in 0..length {
            items.push(T::take(from)?);
        }
        Some(items)
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.as_ref().put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        T::take(from).map(Self::new)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Sample {
        Nothing,
        Pair(String, Option<u64>),
        Named { list: Vec<u32>, flag: bool },
    }

    wire_enum!(Sample { 0 => Nothing, 1 => Pair(text, number), 2 => Named { list, flag } });

    impl Message for Sample {
        const LETTER: char = 'x';
    }

    #[test]
    fn a_message_is_read_back_and_nothing_else_is() {
        let sample = Sample::Pair("ä".to_owned(), Some(u64::MAX));
        let text = write(&sample);
        assert_eq!(read(&text), Some(sample));
        let (cut, _) = text.split_at(text.len() - 2);
        for junk in [
            "",
            "x",
            "x03",
            "{}",
            &text.replacen('x', "y", 1),
            cut,
            &format!("{text}00"),
        ] {
            assert_eq!(read::<Sample>(junk), None, "{junk}");
        }
    }

    proptest! {
        #[test]
        fn all_values_round_trip(text: String, number: Option<u64>, list: Vec<u32>, flag: bool) {
            for sample in [
                Sample::Nothing,
                Sample::Pair(text, number),
                Sample::Named { list, flag },
            ] {
                prop_assert_eq!(read(&write(&sample)), Some(sample));
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic_or_reserve_much(bytes: Vec<u8>) {
            let _ = read::<Sample>(&format!("x{}", hex::encode(&bytes)));
        }
    }
}

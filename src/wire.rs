//! How the token API talks to its authorities: a command or a reply as bytes,
//! in hexadecimal after a letter that tells which it is. Both ends are of one
//! build, or of two while a new one is rolled out; neither leaves the deployment.
//!
//! Numbers have eight bytes, texts and lists their length before them, an
//! alternative has one byte that says which it is. Reading goes on after what
//! cannot be read, and tells in the end: a way out at each field would be half of
//! it. A format of serde's would do the same in twice the WebAssembly.

use crate::hex;
use crate::record::Record;
use std::borrow::Cow;

/// A command or a reply.
pub trait Message: Wire {
    /// The letter that its text begins with.
    const LETTER: char;
}

/// What a message is made of.
pub trait Wire {
    /// Appends it.
    fn put(&self, to: &mut Vec<u8>);

    /// Takes it off the front. Where it is not there, the reader fails, and what
    /// comes back is of no account.
    fn take(from: &mut Reader<'_>) -> Self;
}

/// The text of a message.
pub fn write<M: Message>(message: &M) -> String {
    let mut bytes = Vec::new();
    message.put(&mut bytes);
    let mut text = String::from(M::LETTER);
    text.push_str(&hex::encode(&bytes));
    text
}

/// Reads a message; `None`: it is not one, or not of this kind.
pub fn read<M: Message>(text: &str) -> Option<M> {
    let bytes = hex::decode(text.strip_prefix(M::LETTER)?)?;
    let mut reader = Reader {
        rest: &bytes,
        failed: false,
    };
    let message = M::take(&mut reader);
    (!reader.failed && reader.rest.is_empty()).then_some(message)
}

/// The bytes of a message that are not read yet. Once something was not there,
/// there is nothing left: each byte after it reads as 0, each text as empty.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Reader<'a> {
    /// What is being read is no message.
    pub(crate) const fn fail(&mut self) {
        self.rest = &[];
        self.failed = true;
    }

    /// What was read, if it is something; else, `blank` in its place, and all fails.
    pub(crate) fn or_fail<T>(&mut self, value: Option<T>, blank: T) -> T {
        value.unwrap_or_else(|| {
            self.fail();
            blank
        })
    }

    /// Takes the byte that says which alternative it is.
    #[inline(never)]
    pub(crate) fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    #[inline(never)]
    fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// Takes a text.
    #[inline(never)]
    pub(crate) fn text(&mut self) -> &'a str {
        let length = usize::try_from(self.number());
        let length = length.unwrap_or(usize::MAX);
        let text = self.rest.split_at_checked(length).and_then(|(text, rest)| {
            self.rest = rest;
            core::str::from_utf8(text).ok()
        });
        self.or_fail(text, "")
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let array = self.rest.split_first_chunk().map(|(array, rest)| {
            self.rest = rest;
            *array
        });
        self.or_fail(array, [0; N])
    }
}

/// Makes a struct part of messages: its fields, one after the other.
macro_rules! wire_struct {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::wire::Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                $($crate::wire::Wire::put(&self.$field, to);)*
            }

            fn take(from: &mut $crate::wire::Reader<'_>) -> Self {
                Self { $($field: $crate::wire::Wire::take(from)),* }
            }
        }
    };
}

/// Makes an enum part of messages: a number for each variant, then its parts. The
/// first one is 0, so that it can be made where there is nothing left to read.
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

            fn take(from: &mut $crate::wire::Reader<'_>) -> Self {
                match from.byte() {
                    $($number => {
                        $($(let $field = $crate::wire::Wire::take(from);)*)?
                        $($(let $item = $crate::wire::Wire::take(from);)*)?
                        Self::$variant $({ $($field),* })? $(( $($item),* ))?
                    })*
                    _ => {
                        from.fail();
                        Self::take(from)
                    }
                }
            }
        }
    };
}

/// Makes a type part of messages that is written as a text; `$blank` stands for it
/// where the reader fails.
macro_rules! wire_text {
    ($type:ty, $value:ident => $text:expr, $read:expr, $blank:expr) => {
        impl $crate::wire::Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                let $value = self;
                $crate::wire::put_text($text, to);
            }

            fn take(from: &mut $crate::wire::Reader<'_>) -> Self {
                let read: fn(&str) -> Option<Self> = $read;
                let value = read(from.text());
                from.or_fail(value, $blank)
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

#[inline(never)]
fn put_number(number: u64, to: &mut Vec<u8>) {
    to.extend_from_slice(&number.to_le_bytes());
}

impl Wire for String {
    fn put(&self, to: &mut Vec<u8>) {
        put_text(self, to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        from.text().to_owned()
    }
}

impl Wire for Cow<'static, str> {
    fn put(&self, to: &mut Vec<u8>) {
        put_text(self, to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        Cow::Owned(from.text().to_owned())
    }
}

impl Wire for Record {
    fn put(&self, to: &mut Vec<u8>) {
        put_text(&self.to_json(), to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let (record, good) = Record::read(from.text());
        if !good {
            from.fail();
        }
        record
    }
}

impl Wire for u64 {
    fn put(&self, to: &mut Vec<u8>) {
        put_number(*self, to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        from.number()
    }
}

macro_rules! wire_number {
    ($($type:ty),*) => {
        $(impl Wire for $type {
            fn put(&self, to: &mut Vec<u8>) {
                put_number(u64::from(*self), to);
            }

            fn take(from: &mut Reader<'_>) -> Self {
                let number = Self::try_from(from.number());
                from.or_fail(number.ok(), 0)
            }
        })*
    };
}

wire_number!(u8, u16, u32);

impl Wire for bool {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    #[inline(never)]
    fn take(from: &mut Reader<'_>) -> Self {
        match from.byte() {
            0 => false,
            1 => true,
            _ => {
                from.fail();
                false
            }
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

    fn take(from: &mut Reader<'_>) -> Self {
        bool::take(from).then(|| T::take(from))
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, to: &mut Vec<u8>) {
        put_number(self.len() as u64, to);
        for item in self {
            item.put(to);
        }
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let length = from.number();
        // Each item takes a byte or more, so a wrong length soon fails.
        let mut items = Self::new();
        for _ in 0..length {
            if from.failed {
                break;
            }
            items.push(T::take(from));
        }
        items
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, to: &mut Vec<u8>) {
        self.as_ref().put(to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        Self::new(T::take(from))
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, to: &mut Vec<u8>) {
        self.0.put(to);
        self.1.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        (A::take(from), B::take(from))
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

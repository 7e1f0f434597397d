//! Where a request comes from, and from where a token may be used.

use crate::bytes::cut;
use crate::wire::wire_text;
use ipnet::IpNet;
use std::net::IpAddr;

/// The addresses a token may be used from: IPv4 and IPv6 blocks in CIDR
/// notation. Empty means from anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedIps(Vec<IpNet>);

impl AllowedIps {
    /// Whether the list is empty, so every address may come in.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address may come in. One that is not known may not, where
    /// there is a list.
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        if self.is_empty() {
            return true;
        }
        address.is_some_and(|address| {
            let address = address.to_canonical();
            self.0.iter().any(|block| block.contains(&address))
        })
    }

    /// Whether every address that `other` admits is admitted here too.
    pub fn cover(&self, other: &Self) -> bool {
        let covered = |inner: &IpNet| self.0.iter().any(|outer| outer.contains(inner));
        self.is_empty() || (!other.is_empty() && other.0.iter().all(covered))
    }

    /// The blocks.
    pub fn iter(&self) -> impl Iterator<Item = &IpNet> {
        self.0.iter()
    }
}

impl From<Vec<IpNet>> for AllowedIps {
    fn from(blocks: Vec<IpNet>) -> Self {
        Self(blocks)
    }
}

impl FromIterator<IpNet> for AllowedIps {
    fn from_iter<I: IntoIterator<Item = IpNet>>(blocks: I) -> Self {
        Self(blocks.into_iter().collect())
    }
}

/// Reads one entry of a list: an address (`192.0.2.7`) or a block
/// (`192.0.2.0/24`, `2001:db8::/32`). A block with bits set after its prefix
/// is refused, since it is not what its author meant; so is an IPv4 address
/// in IPv6 clothes, which would match nothing, and one with a zero before a number,
/// which some read as octal.
pub fn parse_block(text: &str) -> Option<IpNet> {
    let (address, length) = match cut(text, b'/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let block = match length {
        None => IpNet::from(address),
        Some(length) if length.starts_with('+') => return None,
        Some(length) => IpNet::new(address, length.parse().ok()?).ok()?,
    };
    let mapped = matches!(block.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    (block == block.trunc() && !mapped).then_some(block)
}

/// What stands for an address where requests are counted: an IPv4 address
/// itself, the /64 of an IPv6 address, since one subscriber holds all of it.
pub fn counted_as(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

wire_text!(
    AllowedIps,
    ips => &ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    |text| text.split_terminator(' ').map(parse_block).collect(),
    Self::default()
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(blocks: &[&str]) -> AllowedIps {
        blocks
            .iter()
            .map(|text| parse_block(text).unwrap())
            .collect()
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_list_admits_its_blocks_and_nothing_else() {
        let list = list(&["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]);
        for inside in [
            "192.0.2.1",
            "2001:db8::1",
            "198.51.100.7",
            "::ffff:192.0.2.1",
        ] {
            assert!(list.admit(address(inside)), "{inside}");
        }
        for outside in [
            "192.0.3.1",
            "2001:db9::1",
            "198.51.100.8",
            "::ffff:192.0.3.1",
        ] {
            assert!(!list.admit(address(outside)), "{outside}");
        }
        assert!(!list.admit(None));
        assert!(AllowedIps::default().admit(None));
    }

    #[test]
    fn a_narrower_list_is_covered_and_a_wider_one_is_not() {
        let wide = list(&["192.0.2.0/24"]);
        let narrow = list(&["192.0.2.128/25"]);
        let anywhere = AllowedIps::default();
        assert!(wide.cover(&narrow) && wide.cover(&wide) && anywhere.cover(&wide));
        assert!(!narrow.cover(&wide) && !wide.cover(&anywhere));
        assert!(!wide.cover(&list(&["192.0.2.1", "192.0.3.1"])));
    }

    #[test]
    fn blocks_that_mean_something_else_are_refused() {
        for text in [
            "192.0.2.1/24",
            "192.0.2.0/33",
            "010.0.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "::ffff:192.0.2.0/120",
            "example.com",
            "",
        ] {
            assert_eq!(parse_block(text), None, "{text}");
        }
    }

    #[test]
    fn ipv6_is_counted_by_its_64() {
        assert_eq!(
            counted_as(address("2001:db8:1:2:3::4")),
            "2001:db8:1:2::/64"
        );
        assert_eq!(counted_as(address("::ffff:192.0.2.1")), "192.0.2.1");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = parse_block(&text);
        }

        #[test]
        fn blocks_round_trip(bits: u32, length in 0u8..=32) {
            let block = IpNet::new(IpAddr::V4(bits.into()), length).unwrap().trunc();
            prop_assert_eq!(parse_block(&block.to_string()), Some(block));
        }
    }
}

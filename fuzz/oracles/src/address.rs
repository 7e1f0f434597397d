//! Addresses: a block is what the standard library and plain arithmetic make of it, and a
//! list admits what is in one of its blocks.
//!
//! The input's first line is an address; the others are blocks.

use crate::text;
use gatepass::address::{AllowedIps, counted_as, parse_block};
use gatepass::facts::Facts;
use std::net::{IpAddr, Ipv6Addr};

/// The first address of a block, as a number; how long its prefix is; whether it is IPv4.
type Block = (u128, u32, bool);

pub fn check(data: &[u8]) {
    let text = text(data);
    let (address, blocks) = text.split_once('\n').unwrap_or((&text, ""));
    let packed = format!("GET\nhttps://gate.example/\ncf-connecting-ip:{address}");
    let address = address.trim().parse().ok();
    assert_eq!(Facts::parse(&packed).unwrap().address(), address);
    let mut read = Vec::new();
    let mut parsed = Vec::new();
    for text in blocks.split('\n') {
        let block = parse_block(text);
        assert_eq!(block.is_some(), block_of(text).is_some(), "{text:?}");
        read.extend(block_of(text));
        parsed.extend(block);
    }
    let half = &parsed[..parsed.len() / 2];
    let inner: AllowedIps = half.iter().copied().collect();
    let allowed: AllowedIps = parsed.iter().copied().collect();
    assert_eq!(allowed.is_empty(), read.is_empty());
    assert!(!allowed.admit(None) || allowed.is_empty());
    assert!(half.is_empty() || allowed.cover(&inner));
    let beside = read.iter().flat_map(|block| ends(*block));
    for address in address.into_iter().chain(beside) {
        let is_in = read.is_empty() || read.iter().any(|block| is_in(address, *block));
        assert_eq!(
            allowed.admit(Some(address)),
            is_in,
            "{address} in {blocks:?}"
        );
        if inner.cover(&allowed) && allowed.admit(Some(address)) {
            assert!(inner.admit(Some(address)), "{address} in {blocks:?}");
        }
        is_counted(address);
    }
}

fn block_of(text: &str) -> Option<Block> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let (number, bits) = number(address);
    let length = match length {
        None => bits,
        Some(digits) => {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_plain)?
        }
    };
    let is_mapped = matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let is_block = length <= bits && after(number, length, bits) == 0 && !is_mapped;
    is_block.then_some((number, length, bits == 32))
}

/// The bits after a prefix.
fn after(number: u128, length: u32, bits: u32) -> u128 {
    number & !u128::MAX.checked_shl(bits - length).unwrap_or(0)
}

fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u32::from(address).into(), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

fn is_in(address: IpAddr, (first, length, is_v4): Block) -> bool {
    let (number, bits) = number(address.to_canonical());
    let differ = (number ^ first)
        .checked_shr(bits.saturating_sub(length))
        .unwrap_or(0);
    (bits == 32) == is_v4 && differ == 0
}

/// The first and last address of a block and the ones beside them.
fn ends((first, length, is_v4): Block) -> [IpAddr; 4] {
    let bits = if is_v4 { 32 } else { 128 };
    let last = first | after(u128::MAX, length, bits) & u128::MAX >> (128 - bits);
    let address = |number: u128| match u32::try_from(number) {
        Ok(number) if is_v4 => IpAddr::V4(number.into()),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    };
    [first, last, first.wrapping_sub(1), last.wrapping_add(1)].map(address)
}

/// One subscriber counts as one, and no two of them do.
fn is_counted(address: IpAddr) {
    let counted = counted_as(Some(address));
    let (number, bits) = number(address.to_canonical());
    match counted.strip_suffix("/64") {
        None => assert_eq!(counted.parse(), Ok(address.to_canonical())),
        Some(network) => {
            let network: Ipv6Addr = network.parse().unwrap();
            assert_eq!((u128::from(network), bits), (number >> 64 << 64, 128));
        }
    }
}

//! Network addresses: `inet` and `cidr`.
//!
//! The readers follow the grammar of Paul Vixie's `inet_net_pton` and `inet_cidr_pton` (ISC 1996-1999), which PostgreSQL
//! uses: `cidr` may leave out octets and infers its width from the class of the address, `inet` may not.

use std::cmp::Ordering;
use std::fmt::Write;

use super::{Oid, oid};
use crate::error::{Result, SqlError};
use crate::sql_err;

/// PostgreSQL's numbers of the families in the binary form.
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

/// An address and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inet {
    /// Whether it is an IPv6 address.
    pub v6: bool,
    /// Length of the netmask.
    pub bits: u8,
    /// The address; of IPv4 the first four bytes, the others zero.
    pub bytes: [u8; 16],
}

#[cold]
fn different_families(what: &str) -> SqlError {
    sql_err!(INVALID_PARAMETER_VALUE, "cannot {what} inet values of different sizes")
}

#[cold]
fn out_of_range() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range")
}

fn type_name(type_oid: Oid) -> &'static str {
    if type_oid == oid::CIDR { "cidr" } else { "inet" }
}

impl Inet {
    /// An IPv4 address.
    pub fn v4(octets: [u8; 4], bits: u8) -> Inet {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&octets);
        Inet { v6: false, bits, bytes }
    }

    /// A host's address.
    pub fn host(address: std::net::IpAddr) -> Inet {
        match address {
            std::net::IpAddr::V4(v4) => Inet::v4(v4.octets(), 32),
            std::net::IpAddr::V6(v6) => Inet { v6: true, bits: 128, bytes: v6.octets() },
        }
    }

    /// 32 or 128.
    pub fn bits_max(&self) -> u8 {
        if self.v6 { 128 } else { 32 }
    }

    /// The bytes of the address, 4 or 16.
    pub fn octets(&self) -> &[u8] {
        &self.bytes[..usize::from(self.bits_max() / 8)]
    }

    /// The address as a number.
    fn number(&self) -> u128 {
        u128::from_be_bytes(self.bytes) >> (128 - u32::from(self.bits_max()))
    }

    fn with_number(&self, number: u128) -> Inet {
        Inet { bytes: (number << (128 - u32::from(self.bits_max()))).to_be_bytes(), ..*self }
    }

    /// The bits of the host, set.
    fn host_mask(&self) -> u128 {
        match u32::from(self.bits_max() - self.bits) {
            128 => u128::MAX,
            free => (1 << free) - 1,
        }
    }

    /// All bits of the family, set.
    fn full(&self) -> u128 {
        u128::MAX >> (128 - u32::from(self.bits_max()))
    }

    /// Reads `inet` or `cidr`.
    ///
    /// # Errors
    /// 22P02
    pub fn parse(text: &str, type_oid: Oid) -> Result<Inet> {
        let cidr = type_oid == oid::CIDR;
        let address = if text.contains(':') {
            parse_v6(text.as_bytes())
        } else if cidr {
            parse_v4_cidr(text.as_bytes())
        } else {
            parse_v4(text.as_bytes())
        };
        let address = address.ok_or_else(|| {
            let name = type_name(type_oid);
            sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {name}: \"{text}\"")
        })?;
        if cidr && address.number() & address.host_mask() != 0 {
            return Err(sql_err!(INVALID_TEXT_REPRESENTATION, "invalid cidr value: \"{text}\"")
                .detail("Value has bits set to right of mask."));
        }
        Ok(address)
    }

    /// Appends the text form; an `inet` does not show a netmask that covers all.
    pub fn write(&self, type_oid: Oid, out: &mut Vec<u8>) {
        self.write_address(out);
        if self.bits != self.bits_max() || type_oid == oid::CIDR {
            out.extend_from_slice(format!("/{}", self.bits).as_bytes());
        }
    }

    /// The address alone (`host`).
    pub fn host_text(&self) -> String {
        let mut out = Vec::new();
        self.write_address(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write_address(&self, out: &mut Vec<u8>) {
        if !self.v6 {
            write_dotted(self.octets(), out);
            return;
        }
        let words: [u16; 8] =
            std::array::from_fn(|i| u16::from_be_bytes([self.bytes[2 * i], self.bytes[2 * i + 1]]));
        let (base, length) = longest_zeros(&words);
        let gap = if length >= 2 { base..base + length } else { 0..0 };
        for (i, word) in words.iter().enumerate() {
            if gap.contains(&i) {
                if i == gap.start {
                    out.push(b':');
                }
                continue;
            }
            if i > 0 {
                out.push(b':');
            }
            let embedded = gap.start == 0
                && (length == 6 || length == 7 && words[7] != 1 || length == 5 && words[5] == 0xffff);
            if i == 6 && !gap.is_empty() && embedded {
                write_dotted(&self.bytes[12..], out);
                return;
            }
            out.extend_from_slice(format!("{word:x}").as_bytes());
        }
        if gap.end == 8 && !gap.is_empty() {
            out.push(b':');
        }
    }

    /// `abbrev(cidr)`: without the octets that the netmask leaves out.
    pub fn abbreviated(&self) -> String {
        let mut out = if self.v6 { self.abbreviated_v6() } else { self.abbreviated_v4() };
        let _ = write!(out, "/{}", self.bits);
        out
    }

    fn abbreviated_v4(&self) -> String {
        if self.bits == 0 {
            return "0".to_owned();
        }
        let network = self.network();
        let shown = usize::from(self.bits).div_ceil(8);
        network.octets()[..shown].iter().map(u8::to_string).collect::<Vec<_>>().join(".")
    }

    fn abbreviated_v6(&self) -> String {
        if self.bits == 0 {
            return "::".to_owned();
        }
        let network = self.network();
        let bytes = &network.bytes;
        let word = |i: usize| u16::from_be_bytes([bytes[2 * i], bytes[2 * i + 1]]);
        let shown = usize::from(self.bits).div_ceil(16).max(2);
        // As in the original, a run that is not longer than the best one goes on being counted.
        let (mut start, mut length, mut run_start, mut run) = (0, 0, 0, 0);
        for i in 0..shown {
            if word(i) == 0 {
                if run == 0 {
                    run_start = i;
                }
                run += 1;
            } else if run > length {
                (start, length, run) = (run_start, run, 0);
            }
        }
        if run > length {
            (start, length) = (run_start, run);
        }
        let embedded = length != shown
            && start == 0
            && (length == 6
                || length == 5 && word(5) == 0xffff
                || length == 7 && bytes[14] != 0 && bytes[15] != 1);
        let mut out = String::new();
        for i in 0..shown {
            if length > 0 && (start..start + length).contains(&i) {
                if i == start {
                    out.push(':');
                }
                if i == shown - 1 {
                    out.push(':');
                }
            } else if embedded && i > 5 {
                out.push(if i == 6 { ':' } else { '.' });
                let _ = write!(out, "{}", bytes[2 * i]);
                if i != 7 || self.bits > 120 {
                    let _ = write!(out, ".{}", bytes[2 * i + 1]);
                }
            } else {
                if !out.is_empty() {
                    out.push(':');
                }
                let _ = write!(out, "{:x}", word(i));
            }
        }
        out
    }

    /// Reads the binary form.
    ///
    /// # Errors
    /// 22P03, 08P01.
    pub fn recv(bytes: &[u8], type_oid: Oid) -> Result<Inet> {
        let name = type_name(type_oid);
        let invalid = |what: &str| {
            sql_err!(INVALID_BINARY_REPRESENTATION, "invalid {what} in external \"{name}\" value")
        };
        let [family, bits, _, length, octets @ ..] = bytes else {
            return Err(sql_err!(PROTOCOL_VIOLATION, "insufficient data left in message"));
        };
        let v6 = match *family {
            FAMILY_V4 => false,
            FAMILY_V6 => true,
            _ => return Err(invalid("address family")),
        };
        let mut address = Inet { v6, bits: *bits, bytes: [0; 16] };
        if *bits > address.bits_max() {
            return Err(invalid("bits"));
        }
        let size = usize::from(address.bits_max() / 8);
        if usize::from(*length) != size {
            return Err(invalid("length"));
        }
        match octets.len().cmp(&size) {
            Ordering::Less => return Err(sql_err!(PROTOCOL_VIOLATION, "insufficient data left in message")),
            Ordering::Greater => {
                return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format"));
            }
            Ordering::Equal => address.bytes[..size].copy_from_slice(octets),
        }
        if type_oid == oid::CIDR && address.number() & address.host_mask() != 0 {
            return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "invalid external \"cidr\" value")
                .detail("Value has bits set to right of mask."));
        }
        Ok(address)
    }

    /// Appends the binary form.
    pub fn send(&self, type_oid: Oid, out: &mut Vec<u8>) {
        let octets = self.octets();
        let cidr = u8::from(type_oid == oid::CIDR);
        out.extend_from_slice(&[self.family_byte(), self.bits, cidr, octets.len() as u8]);
        out.extend_from_slice(octets);
    }

    /// The family as PostgreSQL stores and hashes it.
    pub fn family_byte(&self) -> u8 {
        if self.v6 { FAMILY_V6 } else { FAMILY_V4 }
    }

    /// Whether the first `bits` bits agree; false for different families.
    fn agrees(&self, other: &Inet, bits: u8) -> bool {
        let free = u32::from(self.bits_max() - bits.min(self.bits_max()));
        self.v6 == other.v6 && (free == 128 || (self.number() ^ other.number()) >> free == 0)
    }

    /// `<<=`: whether it is in the other network, or the same.
    pub fn is_within(&self, other: &Inet) -> bool {
        self.bits >= other.bits && self.agrees(other, other.bits)
    }

    /// `&&`
    pub fn overlaps(&self, other: &Inet) -> bool {
        self.agrees(other, self.bits.min(other.bits))
    }

    /// The address without the bits of the host.
    pub fn network(&self) -> Inet {
        self.with_number(self.number() & !self.host_mask())
    }

    /// The last address of the network.
    pub fn broadcast(&self) -> Inet {
        self.with_number(self.number() | self.host_mask())
    }

    /// The mask of the network's bits.
    pub fn netmask(&self) -> Inet {
        Inet { bits: self.bits_max(), ..self.with_number(self.full() & !self.host_mask()) }
    }

    /// The mask of the host's bits.
    pub fn hostmask(&self) -> Inet {
        Inet { bits: self.bits_max(), ..self.with_number(self.host_mask()) }
    }

    /// With another length of the netmask; -1 is the longest.
    ///
    /// # Errors
    /// 22023
    pub fn with_bits(&self, bits: i32) -> Result<Inet> {
        match u8::try_from(bits) {
            _ if bits == -1 => Ok(Inet { bits: self.bits_max(), ..*self }),
            Ok(bits) if bits <= self.bits_max() => Ok(Inet { bits, ..*self }),
            _ => Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid mask length: {bits}")),
        }
    }

    /// The smallest network that has both.
    ///
    /// # Errors
    /// 22023 for different families.
    pub fn merge(&self, other: &Inet) -> Result<Inet> {
        if self.v6 != other.v6 {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "cannot merge addresses from different families"));
        }
        let differing = u128::BITS - (self.number() ^ other.number()).leading_zeros();
        let common = u32::from(self.bits_max()) - differing;
        let bits = (common as u8).min(self.bits).min(other.bits);
        Ok(Inet { bits, ..*self }.network())
    }

    /// `~`
    pub fn inverted(&self) -> Inet {
        self.with_number(!self.number() & self.full())
    }

    /// `&`
    ///
    /// # Errors
    /// 22023 for different families.
    pub fn and(&self, other: &Inet) -> Result<Inet> {
        self.combine(other, "AND", self.number() & other.number())
    }

    /// `|`
    ///
    /// # Errors
    /// 22023 for different families.
    pub fn or(&self, other: &Inet) -> Result<Inet> {
        self.combine(other, "OR", self.number() | other.number())
    }

    fn combine(&self, other: &Inet, name: &str, number: u128) -> Result<Inet> {
        if self.v6 != other.v6 {
            return Err(different_families(name));
        }
        Ok(Inet { bits: self.bits.max(other.bits), ..self.with_number(number) })
    }

    /// `+`
    ///
    /// # Errors
    /// 22003
    pub fn plus(&self, by: i128) -> Result<Inet> {
        let step = by.unsigned_abs();
        let number = if by < 0 { self.number().checked_sub(step) } else { self.number().checked_add(step) };
        match number {
            Some(number) if number <= self.full() => Ok(self.with_number(number)),
            _ => Err(out_of_range()),
        }
    }

    /// `-` of two addresses.
    ///
    /// # Errors
    /// 22003, 22023 for different families.
    pub fn minus(&self, other: &Inet) -> Result<i64> {
        if self.v6 != other.v6 {
            return Err(different_families("subtract"));
        }
        let (a, b) = (self.number(), other.number());
        let distance = if a >= b { i128::try_from(a - b) } else { i128::try_from(b - a).map(|d| -d) };
        distance.ok().and_then(|d| i64::try_from(d).ok()).ok_or_else(out_of_range)
    }
}

impl Ord for Inet {
    /// IPv4 first; then the common part of the networks, then the shorter netmask, then the whole address.
    fn cmp(&self, other: &Self) -> Ordering {
        self.v6
            .cmp(&other.v6)
            .then_with(|| self.network().bytes.cmp(&other.network().bytes))
            .then_with(|| self.bits.cmp(&other.bits))
            .then_with(|| self.bytes.cmp(&other.bytes))
    }
}

impl PartialOrd for Inet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn write_dotted(octets: &[u8], out: &mut Vec<u8>) {
    for (i, octet) in octets.iter().enumerate() {
        if i > 0 {
            out.push(b'.');
        }
        super::int::write_i64(i64::from(*octet), out);
    }
}

/// Start and length of the first longest run of zeros.
fn longest_zeros(words: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), (0, 0));
    for (i, word) in words.iter().enumerate() {
        run = match (*word, run.1) {
            (0, 0) => (i, 1),
            (0, n) => (run.0, n + 1),
            _ => (0, 0),
        };
        if run.1 > best.1 {
            best = run;
        }
    }
    best
}

/// A decimal number of at least one digit and at most `max`.
fn decimal(text: &[u8], max: u32) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut value = 0_u32;
    for b in &text[..digits] {
        value = (value * 10 + u32::from(b - b'0')).min(100_000);
    }
    (digits > 0 && value <= max).then_some((value, &text[digits..]))
}

/// `/n` at the end of an IPv4 address, or nothing.
fn v4_width(text: &[u8]) -> Option<Option<u8>> {
    match text {
        [] => Some(None),
        [b'/', rest @ ..] => match decimal(rest, 32)? {
            (bits, []) => Some(Some(bits as u8)),
            _ => None,
        },
        _ => None,
    }
}

fn parse_v4(mut text: &[u8]) -> Option<Inet> {
    let (mut octets, mut count) = ([0; 4], 0);
    while text.first().is_some_and(u8::is_ascii_digit) {
        let (octet, rest) = decimal(text, 255)?;
        *octets.get_mut(count)? = octet as u8;
        count += 1;
        text = match rest {
            [b'.', after @ ..] => after,
            [] | [b'/', ..] => {
                text = rest;
                break;
            }
            _ => return None,
        };
    }
    if count == 0 {
        return None;
    }
    let bits = match v4_width(text)? {
        Some(bits) => bits,
        None if count == 4 => 32,
        None => return None,
    };
    (usize::from(bits / 8) <= count).then(|| Inet::v4(octets, bits))
}

fn parse_v4_cidr(mut text: &[u8]) -> Option<Inet> {
    let (mut octets, mut count) = ([0; 4], 0);
    match text {
        [b'0', b'x' | b'X', digits @ ..] if digits.first().is_some_and(u8::is_ascii_hexdigit) => {
            let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
            for pair in digits[..length].chunks(2) {
                let digit = |i: usize| pair.get(i).and_then(|b| (*b as char).to_digit(16)).unwrap_or(0) as u8;
                *octets.get_mut(count)? = digit(0) << 4 | digit(1);
                count += 1;
            }
            text = &digits[length..];
        }
        _ => loop {
            let (octet, rest) = decimal(text, 255)?;
            *octets.get_mut(count)? = octet as u8;
            count += 1;
            text = rest;
            match rest {
                [b'.', after @ ..] => text = after,
                [] | [b'/', ..] => break,
                _ => return None,
            }
        },
    }
    let bits = match v4_width(text)? {
        Some(bits) => bits,
        None => {
            let class = match octets[0] {
                240.. => 32,
                224.. => 8,
                192.. => 24,
                128.. => 16,
                _ => 8,
            };
            match class.max(count as u8 * 8) {
                8 if octets[0] == 224 => 4,
                bits => bits,
            }
        }
    };
    Some(Inet::v4(octets, bits))
}

/// The length of a netmask behind `/`: up to 128, without leading zeros.
fn v6_width(text: &[u8]) -> Option<u8> {
    match decimal(text, 128)? {
        (bits, []) if text[0] != b'0' || text.len() == 1 => Some(bits as u8),
        _ => None,
    }
}

/// A dotted IPv4 address at the end of an IPv6 one, with the netmask if there is one. As PostgreSQL reads it, octets may be
/// left out at the end, and empty unless they are the last.
fn embedded_v4(mut text: &[u8]) -> Option<([u8; 4], Option<u8>)> {
    let mut octets = [0; 4];
    for octet in &mut octets {
        let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 1 && text[0] == b'0' {
            return None;
        }
        if digits > 0 {
            let (value, rest) = decimal(text, 255)?;
            *octet = value as u8;
            text = rest;
        }
        match text {
            [b'.', rest @ ..] => text = rest,
            [b'/', rest @ ..] => return v6_width(rest).map(|bits| (octets, Some(bits))),
            [] if digits > 0 => return Some((octets, None)),
            _ => return None,
        }
    }
    None
}

fn parse_v6(text: &[u8]) -> Option<Inet> {
    let mut bytes = [0; 16];
    let (mut at, mut gap, mut bits) = (0, None, None);
    let mut rest = text;
    // A leading colon must be one of two.
    if let [b':', after @ ..] = rest {
        if after.first() != Some(&b':') {
            return None;
        }
        rest = after;
    }
    let mut token = rest;
    let (mut value, mut digits) = (0_u16, 0);
    let put = |bytes: &mut [u8; 16], at: &mut usize, value: u16| -> Option<()> {
        bytes.get_mut(*at..*at + 2)?.copy_from_slice(&value.to_be_bytes());
        *at += 2;
        Some(())
    };
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let Some(digit) = (*first as char).to_digit(16) {
            value = value << 4 | digit as u16;
            digits += 1;
            if digits > 4 {
                return None;
            }
            continue;
        }
        match first {
            b':' => {
                token = rest;
                if digits == 0 {
                    if gap.replace(at).is_some() {
                        return None;
                    }
                    continue;
                }
                if rest.is_empty() {
                    return None;
                }
                put(&mut bytes, &mut at, value)?;
                (value, digits) = (0, 0);
            }
            b'.' if at + 4 <= 16 => {
                let (octets, width) = embedded_v4(token)?;
                bytes[at..at + 4].copy_from_slice(&octets);
                at += 4;
                bits = width;
                digits = 0;
                break;
            }
            b'/' => {
                bits = Some(v6_width(rest)?);
                break;
            }
            _ => return None,
        }
    }
    if digits > 0 {
        put(&mut bytes, &mut at, value)?;
    }
    if let Some(gap) = gap {
        if at == 16 {
            return None;
        }
        let moved = at - gap;
        bytes.copy_within(gap..at, 16 - moved);
        bytes[gap..16 - moved].fill(0);
    } else if at != 16 {
        return None;
    }
    Some(Inet { v6: true, bits: bits.unwrap_or(128), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, type_oid: Oid) -> String {
        match Inet::parse(text, type_oid) {
            Ok(address) => {
                let mut out = Vec::new();
                address.write(type_oid, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(_) => "!".to_owned(),
        }
    }

    #[test]
    fn text() {
        for (text, inet, cidr) in [
            ("192.168.1.5/24", "192.168.1.5/24", "!"),
            ("10", "!", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.3/32"),
            ("10.1/16", "10.1.0.0/16", "10.1.0.0/16"),
            ("224", "!", "224.0.0.0/4"),
            ("0x0a0b", "!", "10.11.0.0/16"),
            ("1.2.3.4/33", "!", "!"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4", "::ffff:1.2.3.4/128"),
            ("2001:DB8::/32", "2001:db8::/32", "2001:db8::/32"),
            ("::", "::", "::/128"),
            ("::1", "::1", "::1/128"),
            ("1::2::3", "!", "!"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8/128"),
            ("1:0:0:4:5:0:0:8", "1::4:5:0:0:8", "1::4:5:0:0:8/128"),
            ("", "!", "!"),
        ] {
            assert_eq!(shown(text, oid::INET), inet, "{text}");
            assert_eq!(shown(text, oid::CIDR), cidr, "{text}");
        }
    }

    #[test]
    fn arithmetic() {
        let inet = |text| Inet::parse(text, oid::INET).unwrap();
        assert_eq!(inet("10.0.0.255").plus(1).unwrap(), inet("10.0.1.0"));
        assert!(inet("255.255.255.255").plus(1).is_err() && inet("::").plus(-1).is_err());
        assert_eq!(inet("::1:0").minus(&inet("::")).unwrap(), 65536);
        assert_eq!(inet("10.0.1.7/24").merge(&inet("10.0.2.9")).unwrap(), inet("10.0.0.0/22"));
        assert_eq!(inet("::/0").netmask(), inet("::"));
        assert!(
            inet("10.1.0.0/16").is_within(&inet("10.0.0.0/8"))
                && !inet("10.0.0.0/8").is_within(&inet("10.1.0.0/16"))
        );
        let mut order =
            ["::", "10.0.0.0/16", "10.1.0.0/16", "10.0.0.0/8", "10.0.0.1/8", "9.255.0.0/16"].map(inet);
        order.sort();
        assert_eq!(
            order,
            ["9.255.0.0/16", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/16", "10.1.0.0/16", "::"].map(inet)
        );
    }
}

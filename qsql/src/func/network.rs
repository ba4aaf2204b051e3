//! `inet` and `cidr`, `macaddr` and `macaddr8`.

use super::args::{MacAddr, MacAddr8, larger, order, scalar};
use crate::types::{Inet, macaddr, oid};

order!(|a: Inet, b: Inet| a.cmp(&b), Inet, Inet; network_eq, network_ne, network_lt, network_le, network_gt, network_ge, network_cmp);
larger!(|a: Inet, b: Inet| a.cmp(&b), Inet; network_larger, network_smaller);
order!(|a: MacAddr, b: MacAddr| a.cmp(&b), MacAddr, MacAddr; macaddr_eq, macaddr_ne, macaddr_lt, macaddr_le, macaddr_gt, macaddr_ge, macaddr_cmp);
order!(|a: MacAddr8, b: MacAddr8| a.cmp(&b), MacAddr8, MacAddr8; macaddr8_eq, macaddr8_ne, macaddr8_lt, macaddr8_le, macaddr8_gt, macaddr8_ge, macaddr8_cmp);

/// The text form under the rules of a type.
fn text(address: &Inet, type_oid: crate::types::Oid) -> String {
    let mut out = Vec::new();
    address.write(type_oid, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

scalar! {
    inet_abbrev(a: Inet) -> String = text(&a, oid::INET);
    cidr_abbrev(a: Inet) -> String = a.abbreviated();
    network_show(a: Inet) -> String = text(&a, oid::CIDR);
    network_host(a: Inet) -> String = a.host_text();
    network_family(a: Inet) -> i32 = if a.v6 { 6 } else { 4 };
    network_masklen(a: Inet) -> i32 = a.bits.into();
    network_network(a: Inet) -> Inet = a.network();
    network_netmask(a: Inet) -> Inet = a.netmask();
    network_hostmask(a: Inet) -> Inet = a.hostmask();
    network_broadcast(a: Inet) -> Inet = a.broadcast();
    inet_to_cidr(a: Inet) -> Inet = a.network();
    inet_set_masklen(a: Inet, bits: i32) -> Inet = a.with_bits(bits)?;
    cidr_set_masklen(a: Inet, bits: i32) -> Inet = a.with_bits(bits)?.network();
    inet_merge(a: Inet, b: Inet) -> Inet = a.merge(&b)?;
    inet_same_family(a: Inet, b: Inet) -> bool = a.v6 == b.v6;
    network_sub(a: Inet, b: Inet) -> bool = a.bits != b.bits && a.is_within(&b);
    network_subeq(a: Inet, b: Inet) -> bool = a.is_within(&b);
    network_sup(a: Inet, b: Inet) -> bool = a.bits != b.bits && b.is_within(&a);
    network_supeq(a: Inet, b: Inet) -> bool = b.is_within(&a);
    network_overlap(a: Inet, b: Inet) -> bool = a.overlaps(&b);
    inetnot(a: Inet) -> Inet = a.inverted();
    inetand(a: Inet, b: Inet) -> Inet = a.and(&b)?;
    inetor(a: Inet, b: Inet) -> Inet = a.or(&b)?;
    inetpl(a: Inet, by: i64) -> Inet = a.plus(by.into())?;
    int8pl_inet(by: i64, a: Inet) -> Inet = a.plus(by.into())?;
    inetmi_int8(a: Inet, by: i64) -> Inet = a.plus(by.wrapping_neg().into())?;
    inetmi(a: Inet, b: Inet) -> i64 = a.minus(&b)?;

    macaddr_not(a: MacAddr) -> MacAddr = MacAddr(a.0.map(|x| !x));
    macaddr_and(a: MacAddr, b: MacAddr) -> MacAddr = MacAddr(std::array::from_fn(|i| a.0[i] & b.0[i]));
    macaddr_or(a: MacAddr, b: MacAddr) -> MacAddr = MacAddr(std::array::from_fn(|i| a.0[i] | b.0[i]));
    macaddr_trunc(a: MacAddr) -> MacAddr = MacAddr([a.0[0], a.0[1], a.0[2], 0, 0, 0]);
    macaddr8_not(a: MacAddr8) -> MacAddr8 = MacAddr8(a.0.map(|x| !x));
    macaddr8_and(a: MacAddr8, b: MacAddr8) -> MacAddr8 = MacAddr8(std::array::from_fn(|i| a.0[i] & b.0[i]));
    macaddr8_or(a: MacAddr8, b: MacAddr8) -> MacAddr8 = MacAddr8(std::array::from_fn(|i| a.0[i] | b.0[i]));
    macaddr8_trunc(a: MacAddr8) -> MacAddr8 = MacAddr8([a.0[0], a.0[1], a.0[2], 0, 0, 0, 0, 0]);
    macaddr8_set7bit(a: MacAddr8) -> MacAddr8 = {
        let mut address = a.0;
        address[0] |= 2;
        MacAddr8(address)
    };
    macaddrtomacaddr8(a: MacAddr) -> MacAddr8 = MacAddr8(macaddr::widen(a.0));
    macaddr8tomacaddr(a: MacAddr8) -> MacAddr = MacAddr(macaddr::narrow(a.0)?);
}

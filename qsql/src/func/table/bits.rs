//! Bit strings: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::bits;
use super::{I, f, input, output};
use crate::types::oid::{BIT, BOOL, CSTRING, INT4, INT8, VARBIT};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(1564, "bit_in", &[CSTRING], BIT, I, true, Scalar(input!(BIT))),
    f(1565, "bit_out", &[BIT], CSTRING, I, true, Scalar(output!(BIT))),
    f(1579, "varbit_in", &[CSTRING], VARBIT, I, true, Scalar(input!(VARBIT))),
    f(1580, "varbit_out", &[VARBIT], CSTRING, I, true, Scalar(output!(VARBIT))),
    f(1581, "biteq", &[BIT, BIT], BOOL, I, true, Scalar(bits::biteq)),
    f(1582, "bitne", &[BIT, BIT], BOOL, I, true, Scalar(bits::bitne)),
    f(1592, "bitge", &[BIT, BIT], BOOL, I, true, Scalar(bits::bitge)),
    f(1593, "bitgt", &[BIT, BIT], BOOL, I, true, Scalar(bits::bitgt)),
    f(1594, "bitle", &[BIT, BIT], BOOL, I, true, Scalar(bits::bitle)),
    f(1595, "bitlt", &[BIT, BIT], BOOL, I, true, Scalar(bits::bitlt)),
    f(1596, "bitcmp", &[BIT, BIT], INT4, I, true, Scalar(bits::bitcmp)),
    f(1666, "varbiteq", &[VARBIT, VARBIT], BOOL, I, true, Scalar(bits::biteq)),
    f(1667, "varbitne", &[VARBIT, VARBIT], BOOL, I, true, Scalar(bits::bitne)),
    f(1668, "varbitge", &[VARBIT, VARBIT], BOOL, I, true, Scalar(bits::bitge)),
    f(1669, "varbitgt", &[VARBIT, VARBIT], BOOL, I, true, Scalar(bits::bitgt)),
    f(1670, "varbitle", &[VARBIT, VARBIT], BOOL, I, true, Scalar(bits::bitle)),
    f(1671, "varbitlt", &[VARBIT, VARBIT], BOOL, I, true, Scalar(bits::bitlt)),
    f(1672, "varbitcmp", &[VARBIT, VARBIT], INT4, I, true, Scalar(bits::bitcmp)),
    f(1673, "bitand", &[BIT, BIT], BIT, I, true, Scalar(bits::bit_and)),
    f(1674, "bitor", &[BIT, BIT], BIT, I, true, Scalar(bits::bit_or)),
    f(1675, "bitxor", &[BIT, BIT], BIT, I, true, Scalar(bits::bitxor)),
    f(1676, "bitnot", &[BIT], BIT, I, true, Scalar(bits::bitnot)),
    f(1677, "bitshiftleft", &[BIT, INT4], BIT, I, true, Scalar(bits::bitshiftleft)),
    f(1678, "bitshiftright", &[BIT, INT4], BIT, I, true, Scalar(bits::bitshiftright)),
    f(1679, "bitcat", &[VARBIT, VARBIT], VARBIT, I, true, Scalar(bits::bitcat)),
    f(1680, "substring", &[BIT, INT4, INT4], BIT, I, true, Scalar(bits::bitsubstr)),
    f(1681, "length", &[BIT], INT4, I, true, Scalar(bits::bitlength)),
    f(1682, "octet_length", &[BIT], INT4, I, true, Scalar(bits::bitoctetlength)),
    f(1683, "bit", &[INT4, INT4], BIT, I, true, Scalar(bits::bitfromint4)),
    f(1684, "int4", &[BIT], INT4, I, true, Scalar(bits::bittoint4)),
    f(1685, "bit", &[BIT, INT4, BOOL], BIT, I, true, Scalar(bits::bit)),
    f(1687, "varbit", &[VARBIT, INT4, BOOL], VARBIT, I, true, Scalar(bits::varbit)),
    f(1698, "position", &[BIT, BIT], INT4, I, true, Scalar(bits::bitposition)),
    f(1699, "substring", &[BIT, INT4], BIT, I, true, Scalar(bits::bitsubstr_no_len)),
    f(1812, "bit_length", &[BIT], INT4, I, true, Scalar(bits::bitlength)),
    f(2075, "bit", &[INT8, INT4], BIT, I, true, Scalar(bits::bitfromint8)),
    f(2076, "int8", &[BIT], INT8, I, true, Scalar(bits::bittoint8)),
    f(3030, "overlay", &[BIT, BIT, INT4, INT4], BIT, I, true, Scalar(bits::bitoverlay)),
    f(3031, "overlay", &[BIT, BIT, INT4], BIT, I, true, Scalar(bits::bitoverlay_no_len)),
    f(3032, "get_bit", &[BIT, INT4], INT4, I, true, Scalar(bits::bitgetbit)),
    f(3033, "set_bit", &[BIT, INT4, INT4], BIT, I, true, Scalar(bits::bitsetbit)),
    f(6162, "bit_count", &[BIT], INT8, I, true, Scalar(bits::bit_bit_count)),
];

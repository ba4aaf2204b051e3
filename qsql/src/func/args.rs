//! How bodies take their arguments and give their results: conversions between [`Datum`] and Rust values, and the macros
//! that make a function one line.
//!
//! The binder coerces arguments to the declared types, so a datum of another variant is a broken invariant (XX000).

use std::sync::Arc;

use crate::error::{Result, SqlError};
use crate::types::jsonb::Node;
use crate::types::range::{RangeInfo, Span};
use crate::types::{Array, BitString, Datum, Inet, Interval, Multirange, Numeric, Oid, Range};

/// `date`: days since 2000-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date(pub i32);
/// `time`: microseconds since midnight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time(pub i64);
/// `timetz`: microseconds since midnight and the zone in seconds west of Greenwich.
#[derive(Clone, Copy)]
pub(super) struct TimeTz(pub i64, pub i32);
/// `timestamp`; as an argument also timestamptz.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ts(pub i64);
/// `timestamptz`; as an argument also timestamp.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TsTz(pub i64);
/// `oid` and the reg* types; xid and cid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub Oid);
/// `"char"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Char(pub u8);
/// `tid`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tid(pub u32, pub u16);
/// `uuid`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Uuid(pub [u8; 16]);

/// A range or a multirange: its type's facts and its values.
#[derive(Clone, Copy)]
pub(super) struct Spans<'a>(pub RangeInfo, pub &'a [Span]);

impl<'a> Arg<'a> for Spans<'a> {
    fn take(datum: &'a Datum) -> Option<Self> {
        match datum {
            Datum::Range(v) => Some(Spans(v.info, v.spans())),
            Datum::Multirange(v) => Some(Spans(v.info, v.spans())),
            _ => None,
        }
    }
}
/// `macaddr`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MacAddr(pub [u8; 6]);
/// `macaddr8`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MacAddr8(pub [u8; 8]);
/// `money`: cents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Money(pub i64);

/// A Rust view of an argument.
pub(super) trait Arg<'a>: Sized {
    /// Takes it out of a datum.
    fn take(datum: &'a Datum) -> Option<Self>;
}

/// A Rust value that becomes a result.
pub(super) trait Ret {
    /// Makes the datum.
    fn datum(self) -> Datum;
}

#[cold]
fn mismatch(datum: &Datum) -> SqlError {
    SqlError::internal(format_args!("function called with an argument of another type: {datum:?}"))
}

/// Takes argument `i`.
#[inline(always)]
pub(super) fn arg<'a, T: Arg<'a>>(args: &'a [Datum], i: usize) -> Result<T> {
    match args.get(i) {
        Some(datum) => T::take(datum).ok_or_else(|| mismatch(datum)),
        None => Err(SqlError::internal("function called with too few arguments")),
    }
}

macro_rules! by_variant {
    ($($rust:ty: $pattern:pat => $value:expr, $this:ident => $make:expr;)*) => {
        $(
            impl<'a> Arg<'a> for $rust {
                #[inline(always)]
                fn take(datum: &'a Datum) -> Option<Self> {
                    match datum {
                        $pattern => Some($value),
                        _ => None,
                    }
                }
            }
            impl Ret for $rust {
                #[inline(always)]
                fn datum(self) -> Datum {
                    let $this = self;
                    $make
                }
            }
        )*
    };
}

by_variant! {
    bool: Datum::Bool(v) => *v, this => Datum::Bool(this);
    i16: Datum::Int2(v) => *v, this => Datum::Int2(this);
    i32: Datum::Int4(v) => *v, this => Datum::Int4(this);
    i64: Datum::Int8(v) => *v, this => Datum::Int8(this);
    f32: Datum::Float4(v) => *v, this => Datum::Float4(this);
    f64: Datum::Float8(v) => *v, this => Datum::Float8(this);
    Date: Datum::Date(v) => Date(*v), this => Datum::Date(this.0);
    Time: Datum::Time(v) => Time(*v), this => Datum::Time(this.0);
    TimeTz: Datum::TimeTz(t, z) => TimeTz(*t, *z), this => Datum::TimeTz(this.0, this.1);
    Ts: Datum::Timestamp(v) | Datum::TimestampTz(v) => Ts(*v), this => Datum::Timestamp(this.0);
    TsTz: Datum::Timestamp(v) | Datum::TimestampTz(v) => TsTz(*v), this => Datum::TimestampTz(this.0);
    Id: Datum::Oid(v) => Id(*v), this => Datum::Oid(this.0);
    Char: Datum::Char(v) => Char(*v), this => Datum::Char(this.0);
    Tid: Datum::Tid(b, i) => Tid(*b, *i), this => Datum::Tid(this.0, this.1);
    Inet: Datum::Inet(v) => *v, this => Datum::Inet(this);
    MacAddr: Datum::MacAddr(v) => MacAddr(*v), this => Datum::MacAddr(this.0);
    MacAddr8: Datum::MacAddr8(v) => MacAddr8(*v), this => Datum::MacAddr8(this.0);
    Money: Datum::Money(v) => Money(*v), this => Datum::Money(this.0);
    Uuid: Datum::Uuid(v) => Uuid(**v), this => Datum::Uuid(Arc::new(this.0));
}

macro_rules! by_reference {
    ($($rust:ty: $pattern:pat => $value:expr;)*) => {
        $(impl<'a> Arg<'a> for &'a $rust {
            #[inline(always)]
            fn take(datum: &'a Datum) -> Option<Self> {
                match datum {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        })*
    };
}

by_reference! {
    str: Datum::Text(v) => v;
    [u8]: Datum::Bytea(v) => v;
    Numeric: Datum::Numeric(v) => v;
    Interval: Datum::Interval(v) => v;
    BitString: Datum::Bits(v) => v;
    Array: Datum::Array(v) => v;
    Range: Datum::Range(v) => v;
    Multirange: Datum::Multirange(v) => v;
    Arc<[u8]>: Datum::Jsonb(v) => v;
}

impl<'a> Arg<'a> for &'a Datum {
    #[inline(always)]
    fn take(datum: &'a Datum) -> Option<Self> {
        Some(datum)
    }
}

impl<'a, T: Arg<'a>> Arg<'a> for Option<T> {
    #[inline(always)]
    fn take(datum: &'a Datum) -> Option<Self> {
        match datum {
            Datum::Null => Some(None),
            value => T::take(value).map(Some),
        }
    }
}

impl Ret for Datum {
    #[inline(always)]
    fn datum(self) -> Datum {
        self
    }
}

impl Ret for String {
    fn datum(self) -> Datum {
        Datum::text(self)
    }
}

impl Ret for &str {
    fn datum(self) -> Datum {
        Datum::text(self)
    }
}

impl Ret for Vec<u8> {
    fn datum(self) -> Datum {
        Datum::Bytea(self.into())
    }
}

impl Ret for &[u8] {
    fn datum(self) -> Datum {
        Datum::Bytea(self.into())
    }
}

impl<'a> Arg<'a> for Node<'a> {
    #[inline(always)]
    fn take(datum: &'a Datum) -> Option<Self> {
        match datum {
            Datum::Jsonb(v) => Some(Node::new(v)),
            _ => None,
        }
    }
}

impl Ret for Node<'_> {
    fn datum(self) -> Datum {
        Datum::Jsonb(self.to_value())
    }
}

/// A `jsonb` that was made.
pub(super) struct Jsonb(pub Arc<[u8]>);

impl Ret for Jsonb {
    fn datum(self) -> Datum {
        Datum::Jsonb(self.0)
    }
}

impl Ret for Numeric {
    #[inline(always)]
    fn datum(self) -> Datum {
        Datum::Numeric(self)
    }
}

impl Ret for BitString {
    fn datum(self) -> Datum {
        Datum::Bits(self)
    }
}

impl Ret for Interval {
    fn datum(self) -> Datum {
        Datum::Interval(Arc::new(self))
    }
}

impl Ret for Range {
    fn datum(self) -> Datum {
        Datum::Range(Arc::new(self))
    }
}

impl Ret for Multirange {
    fn datum(self) -> Datum {
        Datum::Multirange(Arc::new(self))
    }
}

impl Ret for Array {
    fn datum(self) -> Datum {
        Datum::Array(Arc::new(self))
    }
}

impl<T: Ret> Ret for Option<T> {
    fn datum(self) -> Datum {
        self.map_or(Datum::Null, T::datum)
    }
}

/// Makes scalar bodies, one a line: `name(a: i32, b: i32) -> i32 = expression;`, where `?` may leave the expression. With
/// `name[cx](...)` the expression sees the [`super::EvalCx`] under that name.
macro_rules! scalar {
    ($($name:ident $([$cx:ident])? ($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty = $body:expr;)*) => {
        $(
            #[allow(non_snake_case, reason = "PostgreSQL's own names")]
            pub(in crate::func) fn $name(_cx: &mut $crate::func::EvalCx<'_>, _args: &[$crate::types::Datum])
                -> $crate::error::Result<$crate::types::Datum>
            {
                $(let $cx = _cx;)?
                let mut _n = 0;
                $(
                    let $arg: $ty = $crate::func::args::arg(_args, _n)?;
                    _n += 1;
                )*
                let value: $ret = $body;
                Ok($crate::func::args::Ret::datum(value))
            }
        )*
    };
}
pub(super) use scalar;

/// Makes the comparisons of a type from `fn(a, b) -> Ordering`: `order!(by, A, B; eq, ne, lt, le, gt, ge, cmp);`; with five
/// names those without equality.
macro_rules! order {
    ($by:expr, $a:ty, $b:ty; $lt:ident, $le:ident, $gt:ident, $ge:ident, $cmp:ident) => {
        $crate::func::args::scalar! {
            $lt(a: $a, b: $b) -> bool = $by(a, b).is_lt();
            $le(a: $a, b: $b) -> bool = $by(a, b).is_le();
            $gt(a: $a, b: $b) -> bool = $by(a, b).is_gt();
            $ge(a: $a, b: $b) -> bool = $by(a, b).is_ge();
            $cmp(a: $a, b: $b) -> i32 = $by(a, b) as i32;
        }
    };
    ($by:expr, $a:ty, $b:ty; $eq:ident, $ne:ident, $lt:ident, $le:ident, $gt:ident, $ge:ident $(, $cmp:ident)?) => {
        $crate::func::args::scalar! {
            $eq(a: $a, b: $b) -> bool = $by(a, b).is_eq();
            $ne(a: $a, b: $b) -> bool = $by(a, b).is_ne();
            $lt(a: $a, b: $b) -> bool = $by(a, b).is_lt();
            $le(a: $a, b: $b) -> bool = $by(a, b).is_le();
            $gt(a: $a, b: $b) -> bool = $by(a, b).is_gt();
            $ge(a: $a, b: $b) -> bool = $by(a, b).is_ge();
            $($cmp(a: $a, b: $b) -> i32 = $by(a, b) as i32;)?
        }
    };
}
pub(super) use order;

/// Makes `larger` and `smaller` of a type from `fn(a, b) -> Ordering`; the result is one of the arguments.
macro_rules! larger {
    ($by:expr, $a:ty; $larger:ident, $smaller:ident) => {
        $crate::func::args::scalar! {
            $larger(x: &$crate::types::Datum, y: &$crate::types::Datum) -> $crate::types::Datum = {
                let (a, b): ($a, $a) = ($crate::func::args::arg(std::slice::from_ref(x), 0)?, $crate::func::args::arg(std::slice::from_ref(y), 0)?);
                if $by(a, b).is_gt() { x.clone() } else { y.clone() }
            };
            $smaller(x: &$crate::types::Datum, y: &$crate::types::Datum) -> $crate::types::Datum = {
                let (a, b): ($a, $a) = ($crate::func::args::arg(std::slice::from_ref(x), 0)?, $crate::func::args::arg(std::slice::from_ref(y), 0)?);
                if $by(a, b).is_lt() { x.clone() } else { y.clone() }
            };
        }
    };
}
pub(super) use larger;

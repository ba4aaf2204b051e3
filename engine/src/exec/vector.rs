//! Typed columns of a batch.
//!
//! A [`Vector`] holds the values of one column: a flat typed buffer and the set of its NULLs. Which buffer serves which SQL type
//! says [`Kind::of`]; the type itself is known to the plan, not to the vector.
//!
//! 1. A value under a NULL is arbitrary but present: kernels that cannot fail compute it without looking.
//! 2. A constant vector has one value that stands for every row.
//! 3. `numeric` is `i64` at one scale for the whole vector as long as that is exact, display scale included; else it is `Datum`s.

use std::sync::Arc;

use nq_qsql::types::{Datum, Numeric, Oid, info, oid};

use super::strings::Strings;

/// The scale of a decimal vector that holds no value yet.
const UNSET: u8 = u8::MAX;

/// How the values of a type are kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `boolean`
    Bool,
    /// `int2`
    I16,
    /// `int4`, `date`
    I32,
    /// `int8`, `timestamp[tz]`, `time`, `oid` and the reg* types
    I64,
    /// `float4`
    F32,
    /// `float8`
    F64,
    /// `numeric`
    Decimal,
    /// Character types and `bytea`
    Str,
    /// Everything else
    Datum,
}

impl Kind {
    /// Returns the kind that serves type `oid`.
    pub fn of(oid: Oid) -> Kind {
        match oid {
            oid::BOOL => Kind::Bool,
            oid::INT2 => Kind::I16,
            oid::INT4 | oid::DATE => Kind::I32,
            oid::INT8 | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME => Kind::I64,
            _ if is_oid(oid) => Kind::I64,
            oid::FLOAT4 => Kind::F32,
            oid::FLOAT8 => Kind::F64,
            oid::NUMERIC => Kind::Decimal,
            oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
            | oid::UNKNOWN
            | oid::BYTEA
            | oid::JSON
            | oid::XML => Kind::Str,
            _ => match info::base_type(oid) {
                base if base != oid => Kind::of(base),
                _ => Kind::Datum,
            },
        }
    }
}

/// Whether values of the type are `Datum::Oid`.
pub fn is_oid(oid: Oid) -> bool {
    matches!(
        oid,
        oid::OID
            | oid::REGPROC
            | oid::REGPROCEDURE
            | oid::REGOPER
            | oid::REGOPERATOR
            | oid::REGCLASS
            | oid::REGTYPE
            | oid::REGROLE
            | oid::REGNAMESPACE
            | oid::REGCOLLATION
            | oid::REGCONFIG
            | oid::REGDICTIONARY
    )
}

/// The values of a vector.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named like the kinds")]
pub enum Values {
    Bool(Vec<bool>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Unscaled values, all at scale `.0`.
    Decimal(u8, Vec<i64>),
    Str(Strings),
    Datum(Vec<Datum>),
}

/// Which rows are NULL: one bit each; words that are not there have none.
#[derive(Clone, Debug, Default)]
pub struct Nulls {
    words: Vec<u64>,
}

impl Nulls {
    /// Whether row `i` is NULL.
    #[inline]
    pub fn is_null(&self, i: usize) -> bool {
        self.words.get(i >> 6).is_some_and(|w| w >> (i & 63) & 1 != 0)
    }

    /// Whether there may be a NULL.
    #[inline]
    pub fn any(&self) -> bool {
        !self.words.is_empty()
    }

    /// Marks row `i`.
    #[inline]
    pub fn set(&mut self, i: usize) {
        if self.words.len() <= i >> 6 {
            self.words.resize((i >> 6) + 1, 0);
        }
        self.words[i >> 6] |= 1 << (i & 63);
    }

    /// Marks rows `from..to`.
    pub fn set_range(&mut self, from: usize, to: usize) {
        (from..to).for_each(|i| self.set(i));
    }

    /// Unmarks row `i`.
    #[inline]
    pub fn clear(&mut self, i: usize) {
        if let Some(word) = self.words.get_mut(i >> 6) {
            *word &= !(1 << (i & 63));
        }
    }

    /// Marks what `other` marks.
    pub fn union(&mut self, other: &Nulls) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// Marks nothing.
    pub fn reset(&mut self) {
        self.words.clear();
    }
}

/// A column of values.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The values.
    pub values: Values,
    /// The NULLs.
    pub nulls: Nulls,
    /// Whether the single value stands for every row.
    pub constant: bool,
}

/// Runs `$body` with `$x` bound to the `Vec` of each flat variant; strings and decimals have their own arms.
macro_rules! flat {
    ($values:expr, $x:ident => $body:expr, Str($s:ident) => $string:expr, Decimal($d:ident) => $decimal:expr) => {
        match $values {
            Values::Bool($x) => $body,
            Values::I16($x) => $body,
            Values::I32($x) => $body,
            Values::I64($x) => $body,
            Values::F32($x) => $body,
            Values::F64($x) => $body,
            Values::Datum($x) => $body,
            Values::Decimal(_, $d) => $decimal,
            Values::Str($s) => $string,
        }
    };
}

impl Values {
    /// Makes an empty buffer.
    pub fn new(kind: Kind) -> Values {
        match kind {
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::I16 => Values::I16(Vec::new()),
            Kind::I32 => Values::I32(Vec::new()),
            Kind::I64 => Values::I64(Vec::new()),
            Kind::F32 => Values::F32(Vec::new()),
            Kind::F64 => Values::F64(Vec::new()),
            Kind::Decimal => Values::Decimal(UNSET, Vec::new()),
            Kind::Str => Values::Str(Strings::default()),
            Kind::Datum => Values::Datum(Vec::new()),
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        flat!(self, v => v.len(), Str(s) => s.len(), Decimal(d) => d.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The values at some rows: `$pick` takes them out of a list of fixed size, the method `$strings` out of strings.
macro_rules! picked {
    ($values:expr, $pick:ident, $strings:ident, $rows:expr) => {
        match $values {
            Values::Bool(v) => Values::Bool($pick!(v)),
            Values::I16(v) => Values::I16($pick!(v)),
            Values::I32(v) => Values::I32($pick!(v)),
            Values::I64(v) => Values::I64($pick!(v)),
            Values::F32(v) => Values::F32($pick!(v)),
            Values::F64(v) => Values::F64($pick!(v)),
            Values::Decimal(scale, v) => Values::Decimal(*scale, $pick!(v)),
            Values::Str(s) => Values::Str(s.$strings($rows)),
            Values::Datum(v) => Values::Datum($pick!(v)),
        }
    };
}

impl Vector {
    /// Makes an empty vector.
    pub fn new(kind: Kind) -> Vector {
        Vector::of(Values::new(kind))
    }

    /// Makes a vector without NULLs.
    pub fn of(values: Values) -> Vector {
        Vector { values, nulls: Nulls::default(), constant: false }
    }

    /// Makes a constant.
    pub fn constant(value: &Datum, oid: Oid) -> Vector {
        let mut vector = Vector::new(Kind::of(oid));
        vector.push_datum(value);
        vector.constant = true;
        vector
    }

    /// Number of values held; 1 for a constant.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Where the value of row `row` is.
    #[inline]
    pub fn at(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    /// Whether row `row` is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.is_null(self.at(row))
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        flat!(&mut self.values, v => v.clear(), Str(s) => s.clear(), Decimal(d) => d.clear());
        if let Values::Decimal(scale, _) = &mut self.values {
            *scale = UNSET;
        }
        self.nulls.reset();
        self.constant = false;
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        let row = self.len();
        flat!(&mut self.values, v => v.push(Blank::blank()), Str(s) => s.push(b""), Decimal(d) => d.push(0));
        self.nulls.set(row);
    }

    /// Makes the vector `len` long with blanks under no NULL.
    pub fn resize(&mut self, len: usize) {
        flat!(&mut self.values, v => v.resize(len, Blank::blank()), Str(s) => s.resize(len), Decimal(d) => d.resize(len, 0));
    }

    /// Appends a value of the vector's type. A value of another type is a broken plan and becomes NULL in release builds.
    pub fn push_datum(&mut self, value: &Datum) {
        if let Datum::Null = value {
            return self.push_null();
        }
        match (&mut self.values, value) {
            (Values::Bool(v), Datum::Bool(x)) => v.push(*x),
            (Values::I16(v), Datum::Int2(x)) => v.push(*x),
            (Values::I32(v), Datum::Int4(x) | Datum::Date(x)) => v.push(*x),
            (Values::I32(v), Datum::Oid(x)) => v.push(*x as i32),
            (
                Values::I64(v),
                Datum::Int8(x) | Datum::Timestamp(x) | Datum::TimestampTz(x) | Datum::Time(x),
            ) => v.push(*x),
            (Values::I64(v), Datum::Oid(x)) => v.push(i64::from(*x)),
            (Values::I64(v), Datum::Int4(x)) => v.push(i64::from(*x as u32)),
            (Values::F32(v), Datum::Float4(x)) => v.push(*x),
            (Values::F64(v), Datum::Float8(x)) => v.push(*x),
            (Values::Str(s), Datum::Text(x)) => s.push(x.as_bytes()),
            (Values::Str(s), Datum::Bytea(x)) => s.push(x),
            (Values::Decimal(..), Datum::Numeric(Numeric::Small { unscaled, scale })) if *scale != UNSET => {
                self.push_decimal(*unscaled, *scale);
            }
            (Values::Decimal(..), Datum::Numeric(_)) => {
                self.widen();
                self.push_datum(value);
            }
            (Values::Datum(v), _) => v.push(value.clone()),
            (values, value) => {
                debug_assert!(false, "{value:?} in a vector of {values:?}");
                self.push_null();
            }
        }
    }

    /// Appends a decimal; the vector turns into `Datum`s when scales differ.
    #[inline]
    pub fn push_decimal(&mut self, unscaled: i64, scale: u8) {
        match &mut self.values {
            Values::Decimal(common, v) if *common == scale => v.push(unscaled),
            Values::Decimal(common, v) if *common == UNSET && scale != UNSET => {
                *common = scale;
                v.push(unscaled);
            }
            Values::Datum(v) => v.push(Datum::Numeric(Numeric::Small { unscaled, scale })),
            _ => {
                self.widen();
                if let Values::Datum(v) = &mut self.values {
                    v.push(Datum::Numeric(Numeric::Small { unscaled, scale }));
                }
            }
        }
    }

    /// Prepares a vector of decimals (or of NULLs only) for values of `from`: takes over its scale if it has none yet, else widens.
    pub fn adopt_scale(&mut self, from: &Vector) {
        match (&mut self.values, &from.values) {
            (Values::Decimal(mine, _), Values::Decimal(theirs, _)) if *mine == UNSET => *mine = *theirs,
            (Values::Decimal(mine, _), Values::Decimal(theirs, _)) if *mine == *theirs => {}
            _ => self.widen(),
        }
    }

    /// Turns decimals into `Datum`s.
    pub fn widen(&mut self) {
        if let Values::Decimal(scale, v) = &self.values {
            let wide = v
                .iter()
                .enumerate()
                .map(|(i, &unscaled)| match self.nulls.is_null(i) {
                    true => Datum::Null,
                    false => Datum::Numeric(Numeric::Small { unscaled, scale: *scale }),
                })
                .collect();
            self.values = Values::Datum(wide);
        }
    }

    /// Returns the value of row `row` as type `oid` reads it.
    pub fn datum(&self, row: usize, oid: Oid) -> Datum {
        let i = self.at(row);
        if self.nulls.is_null(i) {
            return Datum::Null;
        }
        match &self.values {
            Values::Bool(v) => Datum::Bool(v[i]),
            Values::I16(v) => Datum::Int2(v[i]),
            Values::I32(v) if oid == oid::DATE => Datum::Date(v[i]),
            Values::I32(v) if is_oid(oid) => Datum::Oid(v[i] as u32),
            Values::I32(v) => Datum::Int4(v[i]),
            Values::I64(v) => match oid {
                oid::TIMESTAMP => Datum::Timestamp(v[i]),
                oid::TIMESTAMPTZ => Datum::TimestampTz(v[i]),
                oid::TIME => Datum::Time(v[i]),
                oid::INT4 => Datum::Int4(v[i] as u32 as i32),
                _ if is_oid(oid) => Datum::Oid(v[i] as u32),
                _ => Datum::Int8(v[i]),
            },
            Values::F32(v) => Datum::Float4(v[i]),
            Values::F64(v) => Datum::Float8(v[i]),
            Values::Decimal(scale, v) => Datum::Numeric(Numeric::Small { unscaled: v[i], scale: *scale }),
            Values::Str(s) if oid == oid::BYTEA => Datum::Bytea(Arc::from(s.get(i))),
            Values::Str(s) => Datum::Text(text(s.get(i))),
            Values::Datum(v) => v[i].clone(),
        }
    }

    /// Returns the rows `rows` as a vector of their own; `u32::MAX` gives NULL.
    pub fn gather(&self, rows: &[u32]) -> Vector {
        if self.constant && !rows.contains(&u32::MAX) {
            return self.clone();
        }
        if self.constant {
            let rows: Vec<u32> = rows.iter().map(|&r| if r == u32::MAX { r } else { 0 }).collect();
            let flat = Vector { values: self.values.clone(), nulls: self.nulls.clone(), constant: false };
            return flat.gather(&rows);
        }
        macro_rules! pick {
            ($v:expr) => {
                rows.iter().map(|&r| $v.get(r as usize).cloned().unwrap_or_else(Blank::blank)).collect()
            };
        }
        let values = picked!(&self.values, pick, gather, rows);
        let mut nulls = Nulls::default();
        for (to, &from) in rows.iter().enumerate() {
            if from == u32::MAX || self.nulls.is_null(from as usize) {
                nulls.set(to);
            }
        }
        Vector { values, nulls, constant: false }
    }

    /// Returns the rows `rows` as a vector of their own.
    pub fn select(&self, rows: &[u16]) -> Vector {
        if self.constant {
            return self.clone();
        }
        macro_rules! pick {
            ($v:expr) => {
                rows.iter().map(|&r| $v[usize::from(r)].clone()).collect()
            };
        }
        let values = picked!(&self.values, pick, select, rows);
        let mut nulls = Nulls::default();
        if self.nulls.any() {
            for (to, &from) in rows.iter().enumerate() {
                if self.nulls.is_null(usize::from(from)) {
                    nulls.set(to);
                }
            }
        }
        Vector { values, nulls, constant: false }
    }

    /// Appends rows of a vector of the same type, given by index; strings are copied, so that nothing of `from` is kept alive.
    pub fn append(&mut self, from: &Vector, rows: impl Iterator<Item = usize> + Clone) {
        let start = self.len();
        if from.nulls.any() {
            for (k, row) in rows.clone().enumerate() {
                if from.is_null(row) {
                    self.nulls.set(start + k);
                }
            }
        }
        if let (Values::Decimal(mine, _), Values::Decimal(theirs, _)) = (&mut self.values, &from.values) {
            if *mine == UNSET {
                *mine = *theirs;
            } else if mine != theirs && *theirs != UNSET {
                self.widen();
            }
        } else if let (Values::Decimal(..), Values::Datum(_)) = (&self.values, &from.values) {
            self.widen();
        }
        macro_rules! copy {
            ($to:expr, $from:expr) => {{
                if from.constant {
                    $to.extend(rows.map(|_| $from[0].clone()))
                } else {
                    $to.extend(rows.map(|r| $from[r].clone()))
                }
            }};
        }
        match (&mut self.values, &from.values) {
            (Values::Bool(to), Values::Bool(v)) => copy!(to, v),
            (Values::I16(to), Values::I16(v)) => copy!(to, v),
            (Values::I32(to), Values::I32(v)) => copy!(to, v),
            (Values::I64(to), Values::I64(v)) => copy!(to, v),
            (Values::F32(to), Values::F32(v)) => copy!(to, v),
            (Values::F64(to), Values::F64(v)) => copy!(to, v),
            (Values::Decimal(_, to), Values::Decimal(_, v)) => copy!(to, v),
            (Values::Str(to), Values::Str(s)) => rows.for_each(|r| to.push(s.get(from.at(r)))),
            (Values::Datum(to), Values::Datum(v)) => copy!(to, v),
            (Values::Datum(to), Values::Decimal(..)) => to.extend(rows.map(|r| from.datum(r, oid::NUMERIC))),
            (to, v) => {
                // NULLs of an unknown type fit any.
                debug_assert!(rows.clone().all(|r| from.is_null(r)), "{v:?} appended to {to:?}");
                let count = rows.count();
                self.resize(start + count);
                self.nulls.set_range(start, start + count);
            }
        }
    }

    /// Writes the constant out as `len` equal rows.
    pub fn flatten(&self, len: usize) -> Vector {
        let mut flat = Vector {
            values: Values::new(representation(&self.values)),
            nulls: Nulls::default(),
            constant: false,
        };
        flat.append(self, 0..if self.constant { len } else { self.len() });
        flat
    }

    /// Heap bytes held, roughly.
    pub fn bytes(&self) -> usize {
        let values = match &self.values {
            Values::Bool(v) => v.capacity(),
            Values::I16(v) => v.capacity() * 2,
            Values::I32(v) => v.capacity() * 4,
            Values::I64(v) | Values::Decimal(_, v) => v.capacity() * 8,
            Values::F32(v) => v.capacity() * 4,
            Values::F64(v) => v.capacity() * 8,
            Values::Str(s) => s.bytes(),
            Values::Datum(v) => {
                let spare = v.capacity() * size_of::<Datum>();
                spare + v.iter().map(Datum::heap_bytes).sum::<usize>()
            }
        };
        values + self.nulls.words.capacity() * 8
    }
}

impl Vector {
    /// The kind of its representation; decimals that were widened are of kind `Datum`.
    pub fn kind(&self) -> Kind {
        representation(&self.values)
    }
}

fn representation(values: &Values) -> Kind {
    match values {
        Values::Bool(_) => Kind::Bool,
        Values::I16(_) => Kind::I16,
        Values::I32(_) => Kind::I32,
        Values::I64(_) => Kind::I64,
        Values::F32(_) => Kind::F32,
        Values::F64(_) => Kind::F64,
        Values::Decimal(..) => Kind::Decimal,
        Values::Str(_) => Kind::Str,
        Values::Datum(_) => Kind::Datum,
    }
}

/// Text from stored bytes; what is not UTF-8 can only be damage and shows as replacement characters.
pub fn text(bytes: &[u8]) -> Arc<str> {
    match std::str::from_utf8(bytes) {
        Ok(s) => Arc::from(s),
        Err(_) => Arc::from(String::from_utf8_lossy(bytes)),
    }
}

/// The value that stands under a NULL.
trait Blank {
    fn blank() -> Self;
}

macro_rules! blank {
    ($($ty:ty => $value:expr),*) => { $(impl Blank for $ty { fn blank() -> Self { $value } })* };
}

blank!(bool => false, i16 => 0, i32 => 0, i64 => 0, f32 => 0.0, f64 => 0.0, Datum => Datum::Null);

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(unscaled: i64, scale: u8) -> Datum {
        Datum::Numeric(Numeric::Small { unscaled, scale })
    }

    #[test]
    fn decimals_keep_their_display_scale() {
        let mut v = Vector::new(Kind::Decimal);
        v.push_null();
        v.push_datum(&numeric(150, 2));
        assert!(matches!(v.values, Values::Decimal(2, _)));
        v.push_datum(&numeric(15, 1));
        assert!(matches!(v.values, Values::Datum(_)));
        assert!(v.datum(0, oid::NUMERIC).is_null());
        assert!(matches!(&v.values, Values::Datum(values) if values[0].is_null()));
        for (row, expected) in [(1, (150, 2)), (2, (15, 1))] {
            let Datum::Numeric(Numeric::Small { unscaled, scale }) = v.datum(row, oid::NUMERIC) else {
                panic!()
            };
            assert_eq!((unscaled, scale), expected);
        }
    }

    #[test]
    fn appending_and_gathering_carry_nulls() {
        let mut a = Vector::new(Kind::Str);
        for s in [Some("short"), None, Some("a string longer than twelve")] {
            a.push_datum(&s.map_or(Datum::Null, Datum::text));
        }
        let mut b = Vector::new(Kind::Str);
        b.append(&a, [2usize, 1, 0, 0].into_iter());
        let g = b.gather(&[3, u32::MAX, 1, 0]);
        let shown: Vec<Option<String>> = (0..4)
            .map(|i| match g.datum(i, oid::TEXT) {
                Datum::Text(t) => Some(t.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(shown, [Some("short".into()), None, None, Some("a string longer than twelve".into())]);
        let c = Vector::constant(&Datum::Int4(7), oid::INT4);
        let mut d = Vector::new(Kind::I32);
        d.append(&c, 0..3);
        assert!(matches!(&d.values, Values::I32(v) if v == &[7, 7, 7]));
    }
}

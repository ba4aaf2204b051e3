//! `numeric`: exact decimals with PostgreSQL's scales, NaN and infinities.
//!
//! A finite value is an integer and a display scale: `unscaled * 10^-scale`. Three forms of growing cost hold it, and a value
//! always takes the first that fits (Rule 1), so a form never has to be compared with another of the same value and scale:
//!
//! ```text
//! Small    i64, scale <= 255      inline, no allocation
//! Medium   i128                   one allocation
//! Big      limbs in base 10^9     any size up to PostgreSQL's limits
//! ```
//!
//! Limits (Rule 2): 131072 digits before the point, 16383 after it; beyond them 22003 `value overflows numeric format`.
//! There is no negative zero (Rule 3).
//!
//! Result scales of division, roots, logarithms and powers follow PostgreSQL's rules, which count in groups of four
//! digits (its storage base 10^4); [`Numeric::group_weight`] gives the place of the first group.
//!
//! Source: PostgreSQL manual 8.1.2 "Arbitrary Precision Numbers", behaviour checked against PostgreSQL 18.

mod arith;
mod convert;
mod elementary;
mod integer;
mod key;
mod mag;
mod round;
mod sum;
mod text;
mod wire;

use crate::error::Result;
use crate::sql_err;
use mag::Mag;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

pub use round::{precision_and_scale, typmod_of};
pub use sum::{NumericSum, NumericVariance};

/// Most digits before the decimal point.
pub const INTEGER_DIGITS_MAX: usize = 131_072;
/// Most digits after the decimal point.
pub const SCALE_MAX: u32 = 16_383;
/// Significant digits that a quotient, root or logarithm has at least.
const SIG_DIGITS_MIN: i32 = 16;
/// Largest scale that a function chooses by itself.
const DISPLAY_SCALE_MAX: i32 = 1000;
/// Decimal digits in one of PostgreSQL's digit groups.
const GROUP_DIGITS: i32 = 4;

/// Powers of ten up to 10^38.
const POW10: [i128; 39] = {
    let mut table = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// Ten to the power `n`, when it fits an `i128`.
#[inline]
fn pow10(n: u32) -> Option<i128> {
    POW10.get(n as usize).copied()
}

/// An exact decimal number with a display scale.
///
/// Values whose unscaled integer fits an `i64` and whose scale is at most 255 take the `Small` form and never allocate;
/// everything else is `Wide`. Both forms of one value compare, hash and print alike.
#[derive(Clone, Debug)]
pub enum Numeric {
    /// `unscaled * 10^-scale`, displayed with `scale` fractional digits.
    Small {
        /// The number without its decimal point.
        unscaled: i64,
        /// Digits after the decimal point.
        scale: u8,
    },
    /// Anything else: many digits, large scales, NaN, infinities.
    Wide(Arc<Wide>),
}

/// The general form of a [`Numeric`].
#[derive(Debug)]
pub struct Wide(WideForm);

impl Wide {
    /// Heap bytes, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        match &self.0 {
            WideForm::Big(big) => 64 + big.magnitude.heap_bytes(),
            WideForm::Medium { .. } | WideForm::Nan | WideForm::Infinity { .. } => 64,
        }
    }
}

#[derive(Debug)]
enum WideForm {
    Medium { unscaled: i128, scale: u32 },
    Big(Big),
    Nan,
    Infinity { negative: bool },
}

/// A finite number in limbs. `magnitude` zero is never negative.
#[derive(Clone, Debug)]
struct Big {
    negative: bool,
    magnitude: Mag,
    scale: u32,
}

/// What a number is, for the rules of special values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Finite,
    Infinite { negative: bool },
    Nan,
}

#[cold]
fn overflow() -> crate::SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

#[cold]
fn division_by_zero() -> crate::SqlError {
    sql_err!(DIVISION_BY_ZERO, "division by zero")
}

impl Big {
    /// Changes the scale to `scale`, rounding half away from zero when digits are lost.
    fn rescale(&self, scale: u32) -> Big {
        let magnitude = match scale.cmp(&self.scale) {
            Ordering::Equal => self.magnitude.clone(),
            Ordering::Greater => self.magnitude.mul_pow10((scale - self.scale) as usize),
            Ordering::Less => self.magnitude.div_pow10_round((self.scale - scale) as usize),
        };
        Big { negative: self.negative && !magnitude.is_zero(), magnitude, scale }
    }
}

impl Numeric {
    /// Zero of scale 0.
    pub const ZERO: Numeric = Numeric::Small { unscaled: 0, scale: 0 };
    /// One of scale 0.
    pub const ONE: Numeric = Numeric::Small { unscaled: 1, scale: 0 };

    /// The integer `v`.
    #[inline]
    pub const fn from_i64(v: i64) -> Numeric {
        Numeric::Small { unscaled: v, scale: 0 }
    }

    /// The integer `v`.
    pub fn from_i128(v: i128) -> Numeric {
        Numeric::from_parts(v, 0)
    }

    /// `unscaled * 10^-scale`; `scale` is at most [`SCALE_MAX`].
    #[inline]
    pub fn from_parts(unscaled: i128, scale: u32) -> Numeric {
        debug_assert!(scale <= SCALE_MAX);
        match (i64::try_from(unscaled), u8::try_from(scale)) {
            (Ok(unscaled), Ok(scale)) => Numeric::Small { unscaled, scale },
            _ => Numeric::Wide(Arc::new(Wide(WideForm::Medium { unscaled, scale }))),
        }
    }

    /// Not a number.
    pub fn nan() -> Numeric {
        static NAN: LazyLock<Arc<Wide>> = LazyLock::new(|| Arc::new(Wide(WideForm::Nan)));
        Numeric::Wide(NAN.clone())
    }

    /// Infinity, or -infinity.
    pub fn infinity(negative: bool) -> Numeric {
        static BOTH: LazyLock<[Arc<Wide>; 2]> =
            LazyLock::new(|| [false, true].map(|negative| Arc::new(Wide(WideForm::Infinity { negative }))));
        Numeric::Wide(BOTH[usize::from(negative)].clone())
    }

    /// Brings a number in limbs to its smallest form (Rule 1) and checks the limits (Rule 2).
    fn from_big(big: Big) -> Result<Numeric> {
        if big.scale > SCALE_MAX || big.magnitude.digit_count() > INTEGER_DIGITS_MAX + big.scale as usize {
            return Err(overflow());
        }
        if let Some(v) = big.magnitude.to_u128().and_then(|v| i128::try_from(v).ok()) {
            return Ok(Numeric::from_parts(if big.negative { -v } else { v }, big.scale));
        }
        Ok(Numeric::Wide(Arc::new(Wide(WideForm::Big(big)))))
    }

    /// The number in limbs; only for finite numbers.
    fn big(&self) -> Cow<'_, Big> {
        let (unscaled, scale) = match self {
            Numeric::Small { unscaled, scale } => (i128::from(*unscaled), u32::from(*scale)),
            Numeric::Wide(wide) => match &wide.0 {
                WideForm::Medium { unscaled, scale } => (*unscaled, *scale),
                WideForm::Big(big) => return Cow::Borrowed(big),
                WideForm::Nan | WideForm::Infinity { .. } => (0, 0),
            },
        };
        Cow::Owned(Big { negative: unscaled < 0, magnitude: Mag::from_u128(unscaled.unsigned_abs()), scale })
    }

    /// The unscaled integer and scale when they fit an `i128`.
    #[inline]
    fn parts(&self) -> Option<(i128, u32)> {
        match self {
            Numeric::Small { unscaled, scale } => Some((i128::from(*unscaled), u32::from(*scale))),
            Numeric::Wide(wide) => match wide.0 {
                WideForm::Medium { unscaled, scale } => Some((unscaled, scale)),
                _ => None,
            },
        }
    }

    fn class(&self) -> Class {
        match self {
            Numeric::Small { .. } => Class::Finite,
            Numeric::Wide(wide) => match wide.0 {
                WideForm::Nan => Class::Nan,
                WideForm::Infinity { negative } => Class::Infinite { negative },
                _ => Class::Finite,
            },
        }
    }

    /// Whether this is NaN.
    pub fn is_nan(&self) -> bool {
        self.class() == Class::Nan
    }

    /// Whether this is neither NaN nor an infinity.
    pub fn is_finite(&self) -> bool {
        self.class() == Class::Finite
    }

    /// -1, 0 or 1; NaN counts as positive, as it sorts.
    pub fn signum(&self) -> i32 {
        match self {
            Numeric::Small { unscaled, .. } => unscaled.signum() as i32,
            Numeric::Wide(wide) => match &wide.0 {
                WideForm::Medium { unscaled, .. } => unscaled.signum() as i32,
                WideForm::Big(Big { negative, .. }) | WideForm::Infinity { negative } => {
                    1 - 2 * i32::from(*negative)
                }
                WideForm::Nan => 1,
            },
        }
    }

    /// Whether this is zero.
    pub fn is_zero(&self) -> bool {
        self.signum() == 0
    }

    /// `scale()`: the display scale; `None` for NaN and infinities.
    pub fn scale(&self) -> Option<i32> {
        match self {
            Numeric::Small { scale, .. } => Some(i32::from(*scale)),
            Numeric::Wide(wide) => match &wide.0 {
                WideForm::Medium { scale, .. } | WideForm::Big(Big { scale, .. }) => Some(*scale as i32),
                _ => None,
            },
        }
    }

    /// The display scale of a finite number; 0 for the others.
    fn display_scale(&self) -> i32 {
        self.scale().unwrap_or(0)
    }

    /// Place of the first significant digit: 0 for 1..9, -1 for 0.1..0.9; `None` for zero and non-finite numbers.
    fn exponent(&self) -> Option<i32> {
        match self.parts() {
            Some((0, _)) => None,
            Some((v, scale)) => Some(v.unsigned_abs().ilog10() as i32 - scale as i32),
            None if self.is_finite() => {
                let big = self.big();
                Some(big.magnitude.digit_count() as i32 - 1 - big.scale as i32)
            }
            None => None,
        }
    }

    /// The first up to 18 significant digits and the power of ten of the last of them.
    fn head(&self, count: usize) -> (u64, i32) {
        let big = self.big();
        let digits = big.magnitude.digit_count();
        (big.magnitude.leading(count), digits.saturating_sub(count) as i32 - big.scale as i32)
    }

    /// PostgreSQL's weight of the first group of four digits, and that group; `(0, 0)` for zero.
    fn group_weight(&self) -> (i32, u64) {
        let Some(exponent) = self.exponent() else { return (0, 0) };
        let weight = exponent.div_euclid(GROUP_DIGITS);
        let wanted = exponent.rem_euclid(GROUP_DIGITS) + 1;
        let (head, last) = self.head(wanted as usize);
        // A number shorter than its first group is padded: 0.5 has the group 5000.
        (weight, head * 10u64.pow((last - weight * GROUP_DIGITS).max(0) as u32))
    }

    /// Whether the fraction is zero; infinities count as integers.
    fn is_integral(&self) -> bool {
        match self.class() {
            Class::Finite => self.min_scale() == Some(0),
            Class::Infinite { .. } => true,
            Class::Nan => false,
        }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Numeric) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Numeric) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Numeric order; NaN equals itself and is above infinity.
impl Ord for Numeric {
    #[inline]
    fn cmp(&self, other: &Numeric) -> Ordering {
        if let (Numeric::Small { unscaled: a, scale: s }, Numeric::Small { unscaled: b, scale: t }) =
            (self, other)
        {
            if s == t {
                return a.cmp(b);
            }
            // An i64 times 10^19 fits an i128.
            let wider = s.abs_diff(*t);
            if wider <= 19 {
                let factor = POW10[usize::from(wider)];
                return match s < t {
                    true => (i128::from(*a) * factor).cmp(&i128::from(*b)),
                    false => i128::from(*a).cmp(&(i128::from(*b) * factor)),
                };
            }
        }
        cmp_general(self, other)
    }
}

fn cmp_general(a: &Numeric, b: &Numeric) -> Ordering {
    let rank = |n: &Numeric| match n.class() {
        Class::Infinite { negative: true } => 0,
        Class::Finite => 1,
        Class::Infinite { negative: false } => 2,
        Class::Nan => 3,
    };
    let (ranks, signs) = ((rank(a), rank(b)), (a.signum(), b.signum()));
    if ranks != (1, 1) {
        return ranks.0.cmp(&ranks.1);
    }
    if signs.0 != signs.1 || signs.0 == 0 {
        return signs.0.cmp(&signs.1);
    }
    let by_size = a.exponent().cmp(&b.exponent()).then_with(|| {
        let (x, y) = (a.big(), b.big());
        let scale = x.scale.max(y.scale);
        x.rescale(scale).magnitude.cmp(&y.rescale(scale).magnitude)
    });
    if signs.0 < 0 { by_size.reverse() } else { by_size }
}

/// Hashes the value without its trailing zeros: `1.0` and `1.00` agree.
impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.class() {
            Class::Nan => state.write_u8(1),
            Class::Infinite { negative } => state.write_u8(2 + u8::from(negative)),
            Class::Finite => hash_finite(self, state),
        }
    }
}

fn hash_finite<H: Hasher>(n: &Numeric, state: &mut H) {
    if let Numeric::Small { unscaled, scale } = n {
        let (mut v, mut exponent) = (*unscaled, -i32::from(*scale));
        if v == 0 {
            exponent = 0;
        }
        while v != 0 && v % 10 == 0 {
            v /= 10;
            exponent += 1;
        }
        state.write_i64(v);
        state.write_i32(exponent);
        return;
    }
    let big = n.big();
    let zeros = big.magnitude.trailing_zeros();
    let digits = big.magnitude.div_pow10(zeros);
    let exponent = if digits.is_zero() { 0 } else { zeros as i32 - big.scale as i32 };
    let signed =
        digits.to_u128().and_then(|v| i128::try_from(v).ok()).map(|v| if big.negative { -v } else { v });
    match signed.and_then(|v| i64::try_from(v).ok()) {
        Some(v) => {
            state.write_i64(v);
            state.write_i32(exponent);
        }
        None => {
            big.negative.hash(state);
            digits.hash(state);
            state.write_i32(exponent);
        }
    }
}

#[cfg(test)]
mod tests {
    //! Every line of `testdata/numeric.txt` is an operation with what PostgreSQL 18 answered to it.

    use super::*;

    fn show(result: Result<Option<Numeric>>) -> String {
        show_with(result, |n| n.map_or("NULL".to_owned(), |n| n.to_string()))
    }

    fn show_with<T>(result: Result<T>, f: impl FnOnce(T) -> String) -> String {
        match result {
            Ok(v) => f(v),
            Err(e) => {
                let detail = e.0.detail.as_ref().map(|d| format!(" DETAIL {d}")).unwrap_or_default();
                format!("!{} {}{detail}", e.code().as_str(), e.message())
            }
        }
    }

    fn float(v: f64) -> String {
        if v.is_infinite() {
            if v > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        } else {
            format!("{v:?}")
        }
    }

    fn totals(text: &str) -> (NumericSum, NumericVariance) {
        let (mut sum, mut variance) = (NumericSum::default(), NumericVariance::default());
        for v in text.split(' ') {
            let v = Numeric::parse(v).unwrap();
            sum.add(&v);
            variance.add(&v).unwrap();
        }
        (sum, variance)
    }

    fn answer(op: &str, a: &str, b: &str) -> String {
        let num = |text: &str| Numeric::parse(text).unwrap();
        let one = |r: Result<Numeric>| show(r.map(Some));
        match op {
            "sum" => return show(totals(a).0.sum()),
            "avg" => return show(totals(a).0.avg()),
            "var_samp" => return show(totals(a).1.variance(true)),
            "var_pop" => return show(totals(a).1.variance(false)),
            "stddev_samp" => return show(totals(a).1.stddev(true)),
            "stddev_pop" => return show(totals(a).1.stddev(false)),
            "from64" => return Numeric::from_f64(a.parse().unwrap()).to_string(),
            "from32" => return Numeric::from_f32(a.parse().unwrap()).to_string(),
            "fact" => return one(Numeric::factorial(a.parse().unwrap())),
            _ => {}
        }
        let x = num(a);
        match op {
            "add" => one(x.add(&num(b))),
            "sub" => one(x.sub(&num(b))),
            "mul" => one(x.mul(&num(b))),
            "div" => one(x.div(&num(b))),
            "rem" => one(x.rem(&num(b))),
            "divt" => one(x.div_trunc(&num(b))),
            "gcd" => one(x.gcd(&num(b))),
            "lcm" => one(x.lcm(&num(b))),
            "sqrt" => one(x.sqrt()),
            "exp" => one(x.exp()),
            "ln" => one(x.ln()),
            "log" => one(num(b).log(&x)),
            "power" => one(x.power(&num(b))),
            "round" => one(x.round(b.parse().unwrap())),
            "trunc" => one(x.trunc(b.parse().unwrap())),
            "ceil" => x.ceil().to_string(),
            "floor" => x.floor().to_string(),
            "abs" => x.abs().to_string(),
            "sign" => x.sign().to_string(),
            "trim_scale" => x.trim_scale().to_string(),
            "scale" => x.scale().map_or("NULL".to_owned(), |v| v.to_string()),
            "min_scale" => x.min_scale().map_or("NULL".to_owned(), |v| v.to_string()),
            "i16" => show_with(x.to_i16(), |v| v.to_string()),
            "i32" => show_with(x.to_i32(), |v| v.to_string()),
            "i64" => show_with(x.to_i64(), |v| v.to_string()),
            "f64" => show_with(x.to_f64(), float),
            "f32" => show_with(x.to_f32(), |v| float(f64::from(v))),
            "cmp" => (x.cmp(&num(b)) as i8).to_string(),
            "typmod" => {
                let (p, s) = b.split_once(',').unwrap();
                one(x.apply_typmod(typmod_of(p.parse().unwrap(), s.parse().unwrap())))
            }
            "bucket" => {
                let mut parts = b.split(' ');
                let (low, high) = (num(parts.next().unwrap()), num(parts.next().unwrap()));
                show_with(x.width_bucket(&low, &high, parts.next().unwrap().parse().unwrap()), |v| {
                    v.to_string()
                })
            }
            _ => panic!("unknown operation {op}"),
        }
    }

    #[test]
    fn answers_agree_with_postgresql() {
        let mut wrong = Vec::new();
        for line in include_str!("../testdata/numeric.txt").lines().skip(1) {
            let mut fields = line.splitn(4, '|');
            let mut next = || fields.next().unwrap();
            let (op, a, b, want) = (next(), next(), next(), next());
            let got = answer(op, a, b);
            // Float text differs in form only: compare the numbers.
            let same_float = op == "f64" && got.parse::<f64>().is_ok_and(|v| want.parse() == Ok(v))
                || op == "f32" && got.parse::<f32>().is_ok_and(|v| want.parse() == Ok(v));
            if got != want && !same_float {
                wrong.push(format!("{op}({a}, {b}) = {got}, not {want}"));
            }
        }
        assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn equal_values_hash_equal() {
        use std::hash::BuildHasher;
        let hasher = foldhash::fast::FixedState::default();
        for (a, b) in [
            ("1.0", "1.000"),
            ("0", "0.00"),
            ("100", "100.0"),
            ("5e300", "5.00e300"),
            ("12345678901234567890", "12345678901234567890.000"),
            ("0.0000000000000000000000000000000", "0"),
        ] {
            let (a, b) = (Numeric::parse(a).unwrap(), Numeric::parse(b).unwrap());
            assert_eq!(a, b);
            assert_eq!(hasher.hash_one(&a), hasher.hash_one(&b));
        }
    }
}

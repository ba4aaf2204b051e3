//! `numeric`: exact decimals with PostgreSQL's scales, NaN and infinities.

use std::sync::Arc;

/// An exact decimal number with a display scale.
///
/// Values whose unscaled integer fits an `i64` take the `Small` form and never allocate; everything else is `Wide`.
/// Both forms of one value compare, hash and print alike.
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
pub struct Wide {}

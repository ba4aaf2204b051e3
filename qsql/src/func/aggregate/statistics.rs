//! Variance, standard deviation, covariance, correlation, linear regression.
//!
//! Floats by the incremental formulas of Youngs and Cramer 1971 ("Some results relevant to choice of sum and sum-of-product
//! algorithms"), as PostgreSQL; integers and numeric exactly.

use super::{State, first_type};
use crate::error::Result;
use crate::func::args::arg;
use crate::func::float::overflow;
use crate::func::{Aggregate, EvalCx};
use crate::types::numeric::NumericVariance;
use crate::types::oid::{FLOAT4, FLOAT8};
use crate::types::{DataType, Datum, Numeric};

/// Which spread: of the sample or of the population, and whether its square root.
#[derive(Clone, Copy)]
struct Spread {
    sample: bool,
    root: bool,
}

/// Exact totals of integers and numeric.
struct Exact {
    totals: NumericVariance,
    spread: Spread,
}

impl State for Exact {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        match args {
            [Datum::Int2(v)] => self.totals.add(&Numeric::from_i64((*v).into())),
            [Datum::Int4(v)] => self.totals.add(&Numeric::from_i64((*v).into())),
            [Datum::Int8(v)] => self.totals.add(&Numeric::from_i64(*v)),
            args => self.totals.add(arg(args, 0)?),
        }
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.totals.merge(&other.totals);
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        let Spread { sample, root } = self.spread;
        let value = if root { self.totals.stddev(sample)? } else { self.totals.variance(sample)? };
        Ok(value.map_or(Datum::Null, Datum::Numeric))
    }
}

/// `n`, sum and sum of squared differences of floats.
struct Floats {
    n: f64,
    sx: f64,
    sxx: f64,
    spread: Spread,
}

impl State for Floats {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let v = match args {
            [Datum::Float4(v)] => f64::from(*v),
            args => arg(args, 0)?,
        };
        let before = self.sx;
        self.n += 1.0;
        self.sx += v;
        if self.n > 1.0 {
            let difference = v * self.n - self.sx;
            self.sxx += difference * difference / (self.n * (self.n - 1.0));
            if self.sx.is_infinite() || self.sxx.is_infinite() {
                if before.is_finite() && v.is_finite() {
                    return Err(overflow());
                }
                self.sxx = f64::NAN;
            }
        } else if !v.is_finite() {
            self.sxx = f64::NAN;
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if self.n == 0.0 {
            (self.n, self.sx, self.sxx) = (other.n, other.sx, other.sxx);
        } else if other.n != 0.0 {
            let difference = self.sx / self.n - other.sx / other.n;
            let n = self.n + other.n;
            let sxx = self.sxx + other.sxx + self.n * other.n * difference * difference / n;
            if sxx.is_infinite() && self.sxx.is_finite() && other.sxx.is_finite() {
                return Err(overflow());
            }
            (self.n, self.sx, self.sxx) = (n, self.sx + other.sx, sxx);
        }
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        let degrees = if self.spread.sample { self.n - 1.0 } else { self.n };
        if degrees <= 0.0 {
            return Ok(Datum::Null);
        }
        let variance = self.sxx / degrees;
        Ok(Datum::Float8(if self.spread.root { variance.sqrt() } else { variance }))
    }
}

/// What is asked of pairs (Y, X).
#[derive(Clone, Copy)]
enum Question {
    Count,
    Sxx,
    Syy,
    Sxy,
    AverageX,
    AverageY,
    CovarPop,
    CovarSamp,
    Corr,
    R2,
    Slope,
    Intercept,
}

/// Sums over pairs.
struct Pairs {
    n: f64,
    sx: f64,
    sxx: f64,
    sy: f64,
    syy: f64,
    sxy: f64,
    question: Question,
}

impl State for Pairs {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let (y, x): (f64, f64) = (arg(args, 0)?, arg(args, 1)?);
        let (before_x, before_y) = (self.sx, self.sy);
        self.n += 1.0;
        self.sx += x;
        self.sy += y;
        if self.n > 1.0 {
            let dx = x * self.n - self.sx;
            let dy = y * self.n - self.sy;
            let scale = 1.0 / (self.n * (self.n - 1.0));
            self.sxx += dx * dx * scale;
            self.syy += dy * dy * scale;
            self.sxy += dx * dy * scale;
            let finite_x = before_x.is_finite() && x.is_finite();
            let finite_y = before_y.is_finite() && y.is_finite();
            let over = |v: f64| v.is_infinite();
            if over(self.sx) || over(self.sxx) || over(self.sy) || over(self.syy) || over(self.sxy) {
                if (over(self.sx) || over(self.sxx)) && finite_x
                    || (over(self.sy) || over(self.syy)) && finite_y
                    || over(self.sxy) && finite_x && finite_y
                {
                    return Err(overflow());
                }
                for sum in [&mut self.sxx, &mut self.syy, &mut self.sxy] {
                    if sum.is_infinite() {
                        *sum = f64::NAN;
                    }
                }
            }
        } else {
            if !x.is_finite() {
                (self.sxx, self.sxy) = (f64::NAN, f64::NAN);
            }
            if !y.is_finite() {
                (self.syy, self.sxy) = (f64::NAN, f64::NAN);
            }
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        if other.n == 0.0 {
            return Ok(());
        }
        if self.n == 0.0 {
            let question = self.question;
            *self = Pairs { question, ..*other };
            return Ok(());
        }
        let n = self.n + other.n;
        let dx = self.sx / self.n - other.sx / other.n;
        let dy = self.sy / self.n - other.sy / other.n;
        let weight = self.n * other.n / n;
        self.sxx += other.sxx + weight * dx * dx;
        self.syy += other.syy + weight * dy * dy;
        self.sxy += other.sxy + weight * dx * dy;
        self.sx += other.sx;
        self.sy += other.sy;
        self.n = n;
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        let Pairs { n, sx, sxx, sy, syy, sxy, question } = *self;
        let value = match question {
            Question::Count => return Ok(Datum::Int8(n as i64)),
            _ if n < 1.0 => None,
            Question::Sxx => Some(sxx),
            Question::Syy => Some(syy),
            Question::Sxy => Some(sxy),
            Question::AverageX => Some(sx / n),
            Question::AverageY => Some(sy / n),
            Question::CovarPop => Some(sxy / n),
            Question::CovarSamp => (n > 1.0).then(|| sxy / (n - 1.0)),
            Question::Corr => (sxx != 0.0 && syy != 0.0).then(|| sxy / (sxx * syy).sqrt()),
            Question::R2 if sxx == 0.0 => None,
            Question::R2 => Some(if syy == 0.0 { 1.0 } else { (sxy * sxy) / (sxx * syy) }),
            Question::Slope => (sxx != 0.0).then(|| sxy / sxx),
            Question::Intercept => (sxx != 0.0).then(|| (sy - sx * sxy / sxx) / n),
        };
        Ok(value.map_or(Datum::Null, Datum::Float8))
    }
}

fn spread(types: &[DataType], sample: bool, root: bool) -> Box<dyn Aggregate> {
    let spread = Spread { sample, root };
    match first_type(types) {
        FLOAT4 | FLOAT8 => Box::new(Floats { n: 0.0, sx: 0.0, sxx: 0.0, spread }),
        _ => Box::new(Exact { totals: NumericVariance::default(), spread }),
    }
}

fn pairs(question: Question) -> Box<dyn Aggregate> {
    Box::new(Pairs { n: 0.0, sx: 0.0, sxx: 0.0, sy: 0.0, syy: 0.0, sxy: 0.0, question })
}

macro_rules! constructors {
    ($($name:ident = |$types:ident| $make:expr;)*) => {
        $(
            pub(in crate::func) fn $name($types: &[DataType]) -> Box<dyn Aggregate> {
                $make
            }
        )*
    };
}

constructors! {
    agg_variance = |types| spread(types, true, false);
    agg_var_samp = |types| spread(types, true, false);
    agg_var_pop = |types| spread(types, false, false);
    agg_stddev = |types| spread(types, true, true);
    agg_stddev_samp = |types| spread(types, true, true);
    agg_stddev_pop = |types| spread(types, false, true);
    agg_regr_count = |_types| pairs(Question::Count);
    agg_regr_sxx = |_types| pairs(Question::Sxx);
    agg_regr_syy = |_types| pairs(Question::Syy);
    agg_regr_sxy = |_types| pairs(Question::Sxy);
    agg_regr_avgx = |_types| pairs(Question::AverageX);
    agg_regr_avgy = |_types| pairs(Question::AverageY);
    agg_regr_r2 = |_types| pairs(Question::R2);
    agg_regr_slope = |_types| pairs(Question::Slope);
    agg_regr_intercept = |_types| pairs(Question::Intercept);
    agg_covar_pop = |_types| pairs(Question::CovarPop);
    agg_covar_samp = |_types| pairs(Question::CovarSamp);
    agg_corr = |_types| pairs(Question::Corr);
}

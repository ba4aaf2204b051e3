//! Natural numbers of any size: little-endian limbs in base 10^9.
//!
//! A decimal base makes the operations that `numeric` needs most (moving the point, printing, rounding at a decimal place)
//! linear. Invariant: the highest limb is not zero; zero has no limbs.
//! Division is Knuth's algorithm D (TAOCP 4.3.1), the square root Newton's iteration from above.

use std::cmp::Ordering;

/// Decimal digits in a limb.
pub const LIMB_DIGITS: usize = 9;
const BASE: u64 = 1_000_000_000;

/// Powers of ten that fit a limb.
const POW10: [u32; 10] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// A natural number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mag(Vec<u32>);

impl Mag {
    /// Heap bytes.
    pub fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<u32>()
    }

    /// Zero.
    pub const fn zero() -> Mag {
        Mag(Vec::new())
    }

    /// Ten to the power `n`.
    pub fn pow10(n: usize) -> Mag {
        let mut limbs = vec![0; n / LIMB_DIGITS + 1];
        limbs[n / LIMB_DIGITS] = POW10[n % LIMB_DIGITS];
        Mag(limbs)
    }

    /// The number `v`.
    pub fn from_u128(mut v: u128) -> Mag {
        let mut limbs = Vec::with_capacity(5);
        while v > u128::from(u64::MAX) {
            limbs.push((v % u128::from(BASE)) as u32);
            v /= u128::from(BASE);
        }
        let mut v = v as u64;
        while v != 0 {
            limbs.push((v % BASE) as u32);
            v /= BASE;
        }
        Mag(limbs)
    }

    /// The number as `u128`, when it fits.
    pub fn to_u128(&self) -> Option<u128> {
        if self.0.len() > 5 {
            return None;
        }
        self.0
            .iter()
            .rev()
            .try_fold(0u128, |v, &limb| v.checked_mul(u128::from(BASE))?.checked_add(u128::from(limb)))
    }

    /// Reads ASCII digits, which the caller has checked.
    pub fn from_digits(digits: &[u8]) -> Mag {
        let mut limbs: Vec<u32> = digits
            .rchunks(LIMB_DIGITS)
            .map(|chunk| chunk.iter().fold(0u32, |v, &d| v * 10 + u32::from(d - b'0')))
            .collect();
        trim(&mut limbs);
        Mag(limbs)
    }

    /// Appends the decimal digits; nothing for zero.
    pub fn write_digits(&self, out: &mut Vec<u8>) {
        let Some((&top, rest)) = self.0.split_last() else { return };
        super::super::int::write_u64(u64::from(top), out);
        for &limb in rest.iter().rev() {
            super::super::int::write_padded(u64::from(limb), LIMB_DIGITS, out);
        }
    }

    /// Whether this is zero.
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the number is odd.
    pub fn is_odd(&self) -> bool {
        self.0.first().is_some_and(|limb| limb % 2 == 1)
    }

    /// Number of decimal digits; 0 for zero.
    pub fn digit_count(&self) -> usize {
        match self.0.last() {
            None => 0,
            Some(&top) => (self.0.len() - 1) * LIMB_DIGITS + top.ilog10() as usize + 1,
        }
    }

    /// Number of zeros at the decimal end; 0 for zero.
    pub fn trailing_zeros(&self) -> usize {
        let Some(skip) = self.0.iter().position(|&limb| limb != 0) else { return 0 };
        let mut limb = self.0[skip];
        let mut zeros = skip * LIMB_DIGITS;
        while limb.is_multiple_of(10) {
            limb /= 10;
            zeros += 1;
        }
        zeros
    }

    /// The first `count` (at most 18) digits as a number; fewer when the number is shorter.
    pub fn leading(&self, count: usize) -> u64 {
        let drop = self.digit_count().saturating_sub(count);
        self.div_pow10(drop).to_u128().unwrap_or(0) as u64
    }

    /// Sum.
    pub fn add(&self, other: &Mag) -> Mag {
        let (long, short) = if self.0.len() >= other.0.len() { (self, other) } else { (other, self) };
        let mut limbs = long.0.clone();
        add_into(&mut limbs, &short.0);
        Mag(limbs)
    }

    /// Adds `other` in place.
    pub fn add_assign(&mut self, other: &Mag) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        add_into(&mut self.0, &other.0);
    }

    /// Difference; `other` must not be greater.
    pub fn sub(&self, other: &Mag) -> Mag {
        debug_assert!(self.cmp(other) != Ordering::Less);
        let mut limbs = self.0.clone();
        let mut borrow = 0;
        for (i, limb) in limbs.iter_mut().enumerate() {
            let take = other.0.get(i).copied().unwrap_or(0) + borrow;
            if take == 0 && i >= other.0.len() {
                break;
            }
            borrow = u32::from(*limb < take);
            *limb = (*limb + borrow * BASE as u32) - take;
        }
        trim(&mut limbs);
        Mag(limbs)
    }

    /// Product.
    pub fn mul(&self, other: &Mag) -> Mag {
        if self.is_zero() || other.is_zero() {
            return Mag::zero();
        }
        let (long, short) = if self.0.len() >= other.0.len() { (self, other) } else { (other, self) };
        let mut limbs = vec![0u32; long.0.len() + short.0.len()];
        for (i, &a) in short.0.iter().enumerate() {
            let mut carry = 0u64;
            for (slot, &b) in limbs[i..].iter_mut().zip(&long.0) {
                let t = u64::from(a) * u64::from(b) + u64::from(*slot) + carry;
                carry = t / BASE;
                *slot = (t % BASE) as u32;
            }
            limbs[i + long.0.len()] = carry as u32;
        }
        trim(&mut limbs);
        Mag(limbs)
    }

    /// Product without its lowest `limbs` limbs: multiplication in fixed point.
    pub fn mul_fixed(&self, other: &Mag, limbs: usize) -> Mag {
        let mut product = self.mul(other);
        product.0.drain(..limbs.min(product.0.len()));
        product
    }

    /// Product with a number below 10^9.
    pub fn mul_small(&self, factor: u32) -> Mag {
        debug_assert!(u64::from(factor) < BASE);
        let mut carry = 0u64;
        let mut limbs = Vec::with_capacity(self.0.len() + 1);
        for &limb in &self.0 {
            let t = u64::from(limb) * u64::from(factor) + carry;
            carry = t / BASE;
            limbs.push((t % BASE) as u32);
        }
        limbs.push(carry as u32);
        trim(&mut limbs);
        Mag(limbs)
    }

    /// Quotient and remainder by a number from 1 to 2^32 - 1.
    pub fn div_small(&self, divisor: u32) -> (Mag, u32) {
        let mut quotient = self.clone();
        let rest = quotient.div_assign_small(divisor);
        (quotient, rest)
    }

    /// Divides in place by a number from 1 to 2^32 - 1; returns the remainder.
    pub fn div_assign_small(&mut self, divisor: u32) -> u32 {
        let mut rest = 0u64;
        for limb in self.0.iter_mut().rev() {
            let t = rest * BASE + u64::from(*limb);
            *limb = (t / u64::from(divisor)) as u32;
            rest = t % u64::from(divisor);
        }
        trim(&mut self.0);
        rest as u32
    }

    /// Quotient and remainder; `divisor` is not zero.
    pub fn div_rem(&self, divisor: &Mag) -> (Mag, Mag) {
        assert!(!divisor.is_zero(), "the caller reports division by zero");
        if self.cmp(divisor) == Ordering::Less {
            return (Mag::zero(), self.clone());
        }
        if let [small] = divisor.0[..] {
            let (quotient, rest) = self.div_small(small);
            return (quotient, Mag::from_u128(u128::from(rest)));
        }
        // Knuth's D: scale so that the divisor's top limb is at least BASE / 2.
        let scale = (BASE / (u64::from(divisor.0[divisor.0.len() - 1]) + 1)) as u32;
        let v = divisor.mul_small(scale).0;
        let mut u = self.mul_small(scale).0;
        u.resize(self.0.len() + 1, 0);
        let n = v.len();
        let (v1, v2) = (u64::from(v[n - 1]), u64::from(v[n - 2]));
        let mut quotient = vec![0u32; u.len() - n];
        for j in (0..quotient.len()).rev() {
            let top = u64::from(u[j + n]) * BASE + u64::from(u[j + n - 1]);
            let (mut digit, mut rest) = (top / v1, top % v1);
            while digit >= BASE || digit * v2 > rest * BASE + u64::from(u[j + n - 2]) {
                digit -= 1;
                rest += v1;
                if rest >= BASE {
                    break;
                }
            }
            if sub_product(&mut u[j..=j + n], &v, digit) {
                digit -= 1;
                let carry = add_limbs(&mut u[j..j + n], &v);
                u[j + n] = ((u64::from(u[j + n]) + u64::from(carry)) % BASE) as u32;
            }
            quotient[j] = digit as u32;
        }
        u.truncate(n);
        trim(&mut u);
        trim(&mut quotient);
        (Mag(quotient), Mag(u).div_small(scale).0)
    }

    /// Product with 10^n.
    pub fn mul_pow10(&self, n: usize) -> Mag {
        if self.is_zero() || n == 0 {
            return self.clone();
        }
        let factor = u64::from(POW10[n % LIMB_DIGITS]);
        let mut limbs = Vec::with_capacity(self.0.len() + n / LIMB_DIGITS + 1);
        limbs.resize(n / LIMB_DIGITS, 0);
        let mut carry = 0u64;
        for &limb in &self.0 {
            let t = u64::from(limb) * factor + carry;
            carry = t / BASE;
            limbs.push((t % BASE) as u32);
        }
        limbs.push(carry as u32);
        trim(&mut limbs);
        Mag(limbs)
    }

    /// Quotient by 10^n, truncated.
    pub fn div_pow10(&self, n: usize) -> Mag {
        let skip = n / LIMB_DIGITS;
        if skip >= self.0.len() {
            return Mag::zero();
        }
        let kept = Mag(self.0[skip..].to_vec());
        match n % LIMB_DIGITS {
            0 => kept,
            digits => kept.div_small(POW10[digits]).0,
        }
    }

    /// Quotient by 10^n, rounded half up.
    pub fn div_pow10_round(&self, n: usize) -> Mag {
        if n == 0 {
            return self.clone();
        }
        // One digit more than wanted decides: 5 or above rounds up, whatever follows it.
        let (mut quotient, last) = self.div_pow10(n - 1).div_small(10);
        if last >= 5 {
            quotient.add_assign(&Mag(vec![1]));
        }
        quotient
    }

    /// Largest number whose square is not greater.
    pub fn isqrt(&self) -> Mag {
        let digits = self.digit_count();
        if digits <= 15 {
            let v = self.to_u128().unwrap_or(0) as u64;
            return Mag::from_u128(u128::from(v.isqrt()));
        }
        // An even number of digits is dropped, so that the root of the rest scales by a power of ten. The first guess
        // must not be too small: Newton's iteration then falls monotonically to the root.
        let drop = (digits - 15).next_multiple_of(2);
        let head = self.div_pow10(drop).to_u128().unwrap_or(0) as f64;
        let mut root = Mag::from_u128((head.sqrt() * 1e9) as u128 + 1_000_000_000);
        root = if drop / 2 >= 9 { root.mul_pow10(drop / 2 - 9) } else { root.div_pow10(9 - drop / 2) };
        root.add_assign(&Mag(vec![2]));
        loop {
            let next = self.div_rem(&root).0.add(&root).div_small(2).0;
            if next.cmp(&root) != Ordering::Less {
                return root;
            }
            root = next;
        }
    }
}

impl PartialOrd for Mag {
    fn partial_cmp(&self, other: &Mag) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Mag {
    fn cmp(&self, other: &Mag) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

fn trim(limbs: &mut Vec<u32>) {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
}

/// Adds `short` to `limbs`, which is at least as long, and extends it by a final carry.
fn add_into(limbs: &mut Vec<u32>, short: &[u32]) {
    let (low, high) = limbs.split_at_mut(short.len());
    let mut carry = add_limbs(low, short);
    for limb in high {
        if carry == 0 {
            return;
        }
        *limb += 1;
        carry = u32::from(u64::from(*limb) == BASE);
        if carry == 1 {
            *limb = 0;
        }
    }
    if carry == 1 {
        limbs.push(1);
    }
}

/// Adds two limb strings of the same length; returns the carry.
fn add_limbs(limbs: &mut [u32], other: &[u32]) -> u32 {
    let mut carry = 0;
    for (limb, &add) in limbs.iter_mut().zip(other) {
        let t = *limb + add + carry;
        carry = u32::from(u64::from(t) >= BASE);
        *limb = t - carry * BASE as u32;
    }
    carry
}

/// Subtracts `v * digit` from `u` (one limb longer); returns whether the result went below zero (and wrapped).
fn sub_product(u: &mut [u32], v: &[u32], digit: u64) -> bool {
    let mut carry = 0u64;
    let mut borrow = 0i64;
    for (slot, &limb) in u.iter_mut().zip(v.iter().chain(std::iter::once(&0))) {
        let product = u64::from(limb) * digit + carry;
        carry = product / BASE;
        let t = i64::from(*slot) - (product % BASE) as i64 - borrow;
        borrow = i64::from(t < 0);
        *slot = (t + borrow * BASE as i64) as u32;
    }
    borrow != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mag() -> impl Strategy<Value = Mag> {
        // Limbs at the edges of the base are where carries and quotient corrections happen.
        let limb = prop_oneof![0u32..1_000_000_000, Just(0), Just(1), Just(999_999_999), Just(500_000_000)];
        proptest::collection::vec(limb, 0..12).prop_map(|mut limbs| {
            trim(&mut limbs);
            Mag(limbs)
        })
    }

    fn text(m: &Mag) -> String {
        let mut out = Vec::new();
        m.write_digits(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn division_inverts_multiplication(a in mag(), b in mag()) {
            prop_assume!(!b.is_zero());
            let (q, r) = a.div_rem(&b);
            prop_assert!(r < b);
            prop_assert_eq!(q.mul(&b).add(&r), a);
        }

        #[test]
        fn subtraction_inverts_addition(a in mag(), b in mag()) {
            prop_assert_eq!(a.add(&b).sub(&b), a);
        }

        #[test]
        fn root_is_the_floor(a in mag()) {
            let root = a.isqrt();
            prop_assert!(root.mul(&root) <= a);
            let above = root.add(&Mag(vec![1]));
            prop_assert!(above.mul(&above) > a);
        }

        #[test]
        fn powers_of_ten_move_the_point(a in mag(), n in 0usize..40) {
            prop_assert_eq!(a.mul_pow10(n), a.mul(&Mag::pow10(n)));
            prop_assert_eq!(a.div_pow10(n), a.div_rem(&Mag::pow10(n)).0);
            prop_assert_eq!(a.mul_pow10(n).div_pow10_round(n), a);
        }

        #[test]
        fn small_numbers_agree_with_u128(a in any::<u64>(), b in 1..u64::MAX) {
            let (x, y) = (Mag::from_u128(a.into()), Mag::from_u128(b.into()));
            prop_assert_eq!(x.mul(&y).to_u128(), Some(u128::from(a) * u128::from(b)));
            prop_assert_eq!(x.div_rem(&y).0.to_u128(), Some(u128::from(a / b)));
            prop_assert_eq!(Mag::from_digits(a.to_string().as_bytes()), x.clone());
            if a != 0 {
                prop_assert_eq!(text(&x), a.to_string());
                prop_assert_eq!(x.digit_count(), a.to_string().len());
                prop_assert_eq!(x.trailing_zeros(), a.to_string().len() - a.to_string().trim_end_matches('0').len());
            }
        }
    }
}

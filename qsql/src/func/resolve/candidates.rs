//! Choosing among several functions that could take the arguments (manual 10.2 steps 3a-f, 10.3 steps 4a-f).

use super::super::CastContext;
use super::super::category::{category, preferred};
use super::coercion::can_coerce_all;
use crate::types::oid::{TEXT, UNKNOWN};
use crate::types::{Oid, info};

/// The outcome of a choice among candidates, as an index into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// No candidate takes the arguments.
    Nothing,
    /// This one is best.
    Best(usize),
    /// Several are equally good.
    Ambiguous,
}

/// Chooses the best of `candidates` (their parameter types, one per argument) for `args`.
pub(super) fn choose(args: &[Oid], candidates: &[&[Oid]]) -> Choice {
    let mut left: Vec<usize> = (0..candidates.len())
        .filter(|&i| can_coerce_all(args, candidates[i], CastContext::Implicit))
        .collect();
    match left.as_slice() {
        [] => return Choice::Nothing,
        [only] => return Choice::Best(*only),
        _ => {}
    }
    // From here on a domain counts as its base type.
    let bases: Vec<Oid> = args.iter().map(|ty| info::base_type(*ty)).collect();
    let args = &bases[..];
    let known = || args.iter().enumerate().filter(|(_, ty)| **ty != UNKNOWN);

    keep_best(&mut left, |i| known().filter(|&(n, &ty)| candidates[i][n] == ty).count());
    if let [only] = left.as_slice() {
        return Choice::Best(*only);
    }
    keep_best(&mut left, |i| {
        known()
            .filter(|&(n, &ty)| {
                let want = candidates[i][n];
                want == ty || (category(want) == category(ty) && preferred(want))
            })
            .count()
    });
    if let [only] = left.as_slice() {
        return Choice::Best(*only);
    }
    if !args.contains(&UNKNOWN) {
        return Choice::Ambiguous;
    }
    if let Some(narrowed) = by_category(args, candidates, &left) {
        left = narrowed;
        if let [only] = left.as_slice() {
            return Choice::Best(*only);
        }
    }
    // Suppose the unknown arguments have the type that all known ones share.
    let mut types = known().map(|(_, &ty)| ty);
    if let Some(first) = types.next()
        && types.all(|ty| ty == first)
    {
        let supposed = vec![first; args.len()];
        left.retain(|&i| can_coerce_all(&supposed, candidates[i], CastContext::Implicit));
        if let [only] = left.as_slice() {
            return Choice::Best(*only);
        }
    }
    Choice::Ambiguous
}

fn keep_best(left: &mut Vec<usize>, score: impl Fn(usize) -> usize) {
    let scores: Vec<usize> = left.iter().map(|&i| score(i)).collect();
    let best = scores.iter().copied().max().unwrap_or(0);
    let mut scores = scores.into_iter();
    left.retain(|_| scores.next() == Some(best));
}

/// Decides a category for each unknown argument and drops the candidates that take another; `None` when some argument's
/// category stays open or no candidate is left.
fn by_category(args: &[Oid], candidates: &[&[Oid]], left: &[usize]) -> Option<Vec<usize>> {
    let mut wanted: Vec<Option<(u8, bool)>> = vec![None; args.len()];
    for (n, want) in wanted.iter_mut().enumerate().filter(|(n, _)| args[*n] == UNKNOWN) {
        let mut slot: Option<u8> = None;
        let mut has_preferred = false;
        let mut conflict = false;
        for &i in left {
            let ty = candidates[i][n];
            let this = category(ty);
            match slot {
                None => {
                    slot = Some(this);
                    has_preferred = preferred(ty);
                }
                Some(seen) if seen == this => has_preferred |= preferred(ty),
                Some(_) if this == category(TEXT) => {
                    slot = Some(this);
                    has_preferred = preferred(ty);
                    conflict = false;
                }
                Some(seen) => conflict |= seen != category(TEXT),
            }
        }
        if conflict {
            return None;
        }
        *want = slot.map(|category| (category, has_preferred));
    }
    let fits = |i: usize, strict: bool| {
        wanted.iter().enumerate().all(|(n, want)| match want {
            None => true,
            Some((slot, has_preferred)) => {
                let ty = candidates[i][n];
                category(ty) == *slot && (!strict || !has_preferred || preferred(ty))
            }
        })
    };
    let strict: Vec<usize> = left.iter().copied().filter(|&i| fits(i, true)).collect();
    (!strict.is_empty()).then_some(strict)
}

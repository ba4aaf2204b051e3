//! Function calls (manual 10.3, and 4.3 "Calling Functions" for named notation).

use super::super::CastContext;
use super::super::category::{by_name, category, display};
use super::super::{Function, functions, spread_form};
use super::candidates::{Choice, choose};
use super::coercion::{Coercion, array_or_self, find_coercion};
use super::polymorphic::solve;
use crate::error::Result;
use crate::sql_err;
use crate::types::Oid;
use crate::types::oid::{ANY, RECORD, UNKNOWN};

/// How the arguments of a call are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallShape<'a> {
    /// Names of the last arguments in named notation (`name => value`); they come after the positional ones.
    pub names: &'a [&'a str],
    /// Whether the last argument is marked VARIADIC.
    pub variadic: bool,
}

/// What a call means.
#[derive(Debug)]
pub enum FunctionMatch {
    /// A function.
    Function(Resolution),
    /// `typename(value)`: a cast to the type.
    Cast(Oid),
}

/// Where an argument of the resolved call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgSource {
    /// The n-th written argument.
    Given(usize),
    /// The default with this SQL text.
    Default(&'static str),
}

/// An argument of the resolved call.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Where it comes from.
    pub source: ArgSource,
    /// The type it must be coerced to; ANY: as it is, an unknown literal becomes text.
    pub ty: Oid,
}

/// A resolved call.
#[derive(Debug)]
pub struct Resolution {
    /// The function.
    pub func: &'static Function,
    /// Its arguments in the function's order.
    pub args: Vec<Argument>,
    /// The arguments from this index on become one array of this type (element type, array type) as the last argument.
    pub gather: Option<(usize, Oid, Oid)>,
    /// Type of the result (of one row, for a set-returning function).
    pub result: Oid,
}

struct Candidate {
    func: &'static Function,
    types: Vec<Oid>,
    sources: Vec<ArgSource>,
    expanded: bool,
    spread: bool,
}

/// Resolves a call of `name` with arguments of types `args` (UNKNOWN for untyped literals).
///
/// # Errors
/// 42883 `function f(integer) does not exist`, 42725 `function f(unknown) is not unique`.
pub fn resolve_function(name: &str, args: &[Oid], shape: CallShape<'_>) -> Result<FunctionMatch> {
    let mut candidates: Vec<Candidate> =
        functions(name).iter().filter_map(|func| candidate(func, args.len(), shape)).collect();
    dedup(&mut candidates);
    let given = |c: &Candidate| -> Vec<Oid> {
        c.sources
            .iter()
            .zip(&c.types)
            .filter_map(|(s, ty)| match s {
                ArgSource::Given(n) => Some((*n, *ty)),
                ArgSource::Default(_) => None,
            })
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_values()
            .collect()
    };
    let types: Vec<Vec<Oid>> = candidates.iter().map(given).collect();
    if let Some(i) = types.iter().position(|t| t == args) {
        return finish(candidates.swap_remove(i), args).map(FunctionMatch::Function);
    }
    if let ([from], true) = (args, shape.names.is_empty() && !shape.variadic)
        && let Some(target) = by_name(name)
        && is_cast(*from, target)
    {
        return Ok(FunctionMatch::Cast(target));
    }
    match choose(args, &types.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
        Choice::Best(i) => finish(candidates.swap_remove(i), args).map(FunctionMatch::Function),
        Choice::Ambiguous => {
            Err(sql_err!(AMBIGUOUS_FUNCTION, "function {} is not unique", signature(name, args, shape)).hint(
                "Could not choose a best candidate function. You might need to add explicit type casts.",
            ))
        }
        Choice::Nothing => {
            Err(sql_err!(UNDEFINED_FUNCTION, "function {} does not exist", signature(name, args, shape)).hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            ))
        }
    }
}

/// Whether `target(value)` is a cast that needs no function of its own.
fn is_cast(from: Oid, target: Oid) -> bool {
    if from == UNKNOWN {
        return true;
    }
    match find_coercion(from, target, CastContext::Explicit) {
        Some(Coercion::Relabel) => true,
        Some(Coercion::InOut) => !(from == RECORD && category(target) == b'S'),
        _ => false,
    }
}

/// Lays the written arguments out over the function's parameters; `None` when their number or names do not fit.
fn candidate(func: &'static Function, given: usize, shape: CallShape<'_>) -> Option<Candidate> {
    let declared = func.args.len();
    let expand = func.variadic != 0 && !shape.variadic && shape.names.is_empty() && declared <= given;
    if expand {
        let mut types = func.args[..declared - 1].to_vec();
        types.resize(given, func.variadic);
        let sources = (0..given).map(ArgSource::Given).collect();
        return Some(Candidate { func, types, sources, expanded: func.variadic != ANY, spread: false });
    }
    if shape.variadic && (func.variadic == 0 || declared != given) {
        return None;
    }
    if given > declared || declared - given > func.defaults.len() {
        return None;
    }
    let positional = given - shape.names.len();
    let first_default = declared - func.defaults.len();
    let mut sources: Vec<Option<ArgSource>> = (0..declared)
        .map(|i| (i >= first_default).then(|| ArgSource::Default(func.defaults[i - first_default])))
        .collect();
    for (i, source) in sources.iter_mut().enumerate().take(positional) {
        *source = Some(ArgSource::Given(i));
    }
    for (n, name) in shape.names.iter().enumerate() {
        let at = func.arg_names.iter().position(|have| have == name)?;
        if at < positional {
            return None;
        }
        *sources.get_mut(at)? = Some(ArgSource::Given(positional + n));
    }
    let sources = sources.into_iter().collect::<Option<Vec<_>>>()?;
    if sources.iter().filter(|s| matches!(s, ArgSource::Given(_))).count() != given {
        return None;
    }
    Some(Candidate {
        func,
        types: func.args.to_vec(),
        sources,
        expanded: false,
        spread: shape.variadic && func.variadic == ANY,
    })
}

/// Of two candidates that take the same arguments, the one without VARIADIC expansion and with fewer defaults stays.
fn dedup(candidates: &mut Vec<Candidate>) {
    let better = |a: &Candidate, b: &Candidate| {
        let cost = |c: &Candidate| (c.func.variadic != 0, c.sources.len());
        cost(a) < cost(b)
    };
    let mut i = 0;
    while i < candidates.len() {
        let beaten = (0..candidates.len()).any(|j| {
            let n = candidates[i].types.len().min(candidates[j].types.len());
            j != i
                && candidates[i].types[..n] == candidates[j].types[..n]
                && better(&candidates[j], &candidates[i])
        });
        if beaten {
            candidates.remove(i);
        } else {
            i += 1;
        }
    }
}

fn finish(chosen: Candidate, args: &[Oid]) -> Result<Resolution> {
    let Candidate { func, mut types, sources, expanded, spread } = chosen;
    let actual: Vec<Oid> = sources
        .iter()
        .zip(&types)
        .map(|(source, ty)| match source {
            ArgSource::Given(n) => args[*n],
            ArgSource::Default(_) => *ty,
        })
        .collect();
    let result = solve(&actual, &mut types, func.result)?;
    let fixed = func.args.len().saturating_sub(1);
    let gather = expanded.then(|| {
        let element = types.get(fixed).copied().unwrap_or(func.variadic);
        (fixed, element, array_or_self(element))
    });
    let func = if spread { spread_form(func) } else { func };
    let args = sources.into_iter().zip(types).map(|(source, ty)| Argument { source, ty }).collect();
    Ok(Resolution { func, args, gather, result })
}

/// The call as error messages print it: `f(integer, name => text)`.
fn signature(name: &str, args: &[Oid], shape: CallShape<'_>) -> String {
    let positional = args.len() - shape.names.len().min(args.len());
    let mut out = format!("{name}(");
    for (i, ty) in args.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if let Some(label) = i.checked_sub(positional).and_then(|n| shape.names.get(n)) {
            out.push_str(label);
            out.push_str(" => ");
        }
        out.push_str(&display(*ty));
    }
    out.push(')');
    out
}

//! Function calls (manual 10.3, and 4.3 "Calling Functions" for named notation).

use std::sync::Arc;

use super::super::CastContext;
use super::super::category::{by_name, category, display};
use super::super::{Function, functions, spread_form};
use super::candidates::{Choice, choose};
use super::coercion::{Coercion, array_or_self, find_coercion};
use super::polymorphic::{is_polymorphic, solve};
use crate::catalog::Routine;
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

/// What is called.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A row of the registry.
    Builtin(&'static Function),
    /// A function or procedure that a user has made.
    Routine(Arc<Routine>),
}

/// A user's function that a name may mean.
#[derive(Clone, Debug)]
pub struct UserCandidate {
    /// The place of its schema in the search path.
    pub place: usize,
    /// The function.
    pub routine: Arc<Routine>,
    /// Types of the parameters that a call hands in, composite ones as `record`.
    pub types: Vec<Oid>,
    /// Whether it is looked for by CALL.
    pub by_call: bool,
}

/// Where a name is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Among<'a> {
    /// Users' functions of the name.
    pub users: &'a [UserCandidate],
    /// The place of `pg_catalog` in the search path; `None` where it is not searched.
    pub builtins: Option<usize>,
    /// What messages say was looked for: `function` or `procedure`.
    pub word: &'static str,
}

/// Where an argument of the resolved call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgSource {
    /// The n-th written argument.
    Given(usize),
    /// The default of the n-th parameter.
    Default(usize),
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
    /// What is called.
    pub callee: Callee,
    /// Its arguments in the function's order.
    pub args: Vec<Argument>,
    /// The arguments from this index on become one array of this type (element type, array type) as the last argument.
    pub gather: Option<(usize, Oid, Oid)>,
    /// Type of the result (of one row, for a set-returning function).
    pub result: Oid,
    /// The types of the arguments as they were given, and the declared types that they stand for.
    actual: Vec<Oid>,
    declared: Vec<Oid>,
}

impl Resolution {
    /// The type that a declared type stands for in this call.
    pub fn stands_for(&self, ty: Oid) -> Oid {
        match is_polymorphic(ty) {
            true => solve(&self.actual, &mut self.declared.clone(), ty).unwrap_or(ty),
            false => ty,
        }
    }
}

/// What resolution asks of a callee.
struct Signature {
    callee: Callee,
    place: usize,
    types: Vec<Oid>,
    variadic: Oid,
    by_call: bool,
}

impl Signature {
    fn builtin(func: &'static Function, place: usize) -> Self {
        let (types, variadic) = (func.args.to_vec(), func.variadic);
        Signature { callee: Callee::Builtin(func), place, types, variadic, by_call: false }
    }

    fn user(user: &UserCandidate) -> Self {
        Signature {
            callee: Callee::Routine(user.routine.clone()),
            place: user.place,
            types: user.types.clone(),
            variadic: user.routine.variadic(),
            by_call: user.by_call,
        }
    }

    fn has_default(&self, i: usize) -> bool {
        match &self.callee {
            Callee::Builtin(func) => i >= func.args.len() - func.defaults.len(),
            Callee::Routine(routine) => {
                routine.callable(self.by_call).nth(i).is_some_and(|p| p.default.is_some())
            }
        }
    }

    fn parameter_named(&self, name: &str) -> Option<usize> {
        match &self.callee {
            Callee::Builtin(func) => func.arg_names.iter().position(|have| *have == name),
            Callee::Routine(routine) => routine.callable(self.by_call).position(|p| *p.name == *name),
        }
    }

    fn result(&self) -> Oid {
        match &self.callee {
            Callee::Builtin(func) => func.result,
            Callee::Routine(routine) => routine.result,
        }
    }
}

struct Candidate {
    signature: Signature,
    types: Vec<Oid>,
    sources: Vec<ArgSource>,
    expanded: bool,
    spread: bool,
}

/// Resolves a call of the built-in function `name` with arguments of types `args` (UNKNOWN for untyped literals).
///
/// # Errors
/// As [`resolve_among`].
pub fn resolve_function(name: &str, args: &[Oid], shape: CallShape<'_>) -> Result<FunctionMatch> {
    resolve_among(name, args, shape, Among { users: &[], builtins: Some(0), word: "function" })
}

/// Resolves a call of `name` with arguments of types `args` (UNKNOWN for untyped literals).
///
/// # Errors
/// 42883 `function f(integer) does not exist`, 42725 `function f(unknown) is not unique`.
pub fn resolve_among(
    name: &str,
    args: &[Oid],
    shape: CallShape<'_>,
    among: Among<'_>,
) -> Result<FunctionMatch> {
    let builtins = among
        .builtins
        .into_iter()
        .flat_map(|place| functions(name).iter().map(move |func| Signature::builtin(func, place)));
    let signatures = builtins.chain(among.users.iter().map(Signature::user));
    let mut candidates: Vec<Candidate> =
        signatures.filter_map(|signature| candidate(signature, args.len(), shape)).collect();
    dedup(&mut candidates);
    let given = |c: &Candidate| -> Vec<Oid> {
        let mut types = vec![0; args.len()];
        for (source, ty) in c.sources.iter().zip(&c.types) {
            if let ArgSource::Given(n) = source {
                types[*n] = *ty;
            }
        }
        types
    };
    let mut types: Vec<Vec<Oid>> = candidates.iter().map(given).collect();
    if !among.users.is_empty() {
        hide(&mut candidates, &mut types);
    }
    let word = among.word;
    let not_unique = || {
        sql_err!(AMBIGUOUS_FUNCTION, "{word} {} is not unique", signature(name, args, shape)).hint(format!(
            "Could not choose a best candidate {word}. You might need to add explicit type casts."
        ))
    };
    let mut exact = types.iter().enumerate().filter(|(_, t)| *t == args).map(|(i, _)| i);
    if let Some(i) = exact.next() {
        if exact.next().is_some() && !among.users.is_empty() {
            return Err(not_unique());
        }
        return finish(candidates.swap_remove(i), args).map(FunctionMatch::Function);
    }
    if let ([from], true) = (args, shape.names.is_empty() && !shape.variadic && among.builtins.is_some())
        && let Some(target) = by_name(name)
        && is_cast(*from, target)
    {
        return Ok(FunctionMatch::Cast(target));
    }
    match choose(args, &types.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
        Choice::Best(i) => finish(candidates.swap_remove(i), args).map(FunctionMatch::Function),
        Choice::Ambiguous => Err(not_unique()),
        Choice::Nothing => Err(sql_err!(
            UNDEFINED_FUNCTION,
            "{word} {} does not exist",
            signature(name, args, shape)
        )
        .hint(format!(
            "No {word} matches the given name and argument types. You might need to add explicit type casts."
        ))),
    }
}

/// The types that a built-in function takes and returns when it is called with values of these types.
///
/// # Errors
/// What polymorphic types that do not agree raise.
pub fn call_types(func: &Function, actual: &[Oid]) -> Result<(Vec<Oid>, Oid)> {
    let mut declared = func.args.to_vec();
    declared.resize(actual.len(), func.variadic);
    let result = solve(actual, &mut declared, func.result)?;
    Ok((declared, result))
}

/// Of candidates that take the same arguments, the one whose schema is searched first hides the others; in one schema, one without
/// VARIADIC expansion does.
fn hide(candidates: &mut Vec<Candidate>, types: &mut Vec<Vec<Oid>>) {
    let cost = |c: &Candidate| (c.signature.place, c.expanded);
    let mut i = 0;
    while i < candidates.len() {
        let beaten = (0..candidates.len())
            .any(|j| j != i && types[i] == types[j] && cost(&candidates[j]) < cost(&candidates[i]));
        match beaten {
            true => {
                candidates.remove(i);
                types.remove(i);
            }
            false => i += 1,
        }
    }
}

/// Whether `target(value)` is a cast that needs no function of its own.
pub fn is_cast(from: Oid, target: Oid) -> bool {
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
fn candidate(signature: Signature, given: usize, shape: CallShape<'_>) -> Option<Candidate> {
    let declared = signature.types.len();
    let variadic = signature.variadic;
    let expand = variadic != 0 && !shape.variadic && shape.names.is_empty() && declared <= given;
    if expand {
        let mut types = signature.types[..declared - 1].to_vec();
        types.resize(given, variadic);
        let sources = (0..given).map(ArgSource::Given).collect();
        return Some(Candidate { signature, types, sources, expanded: variadic != ANY, spread: false });
    }
    let nameless = variadic != 0 && variadic != ANY && !shape.names.is_empty() && !shape.variadic;
    if nameless || shape.variadic && (variadic == 0 || declared != given) {
        return None;
    }
    if given > declared {
        return None;
    }
    let positional = given - shape.names.len();
    let mut sources: Vec<Option<ArgSource>> =
        (0..declared).map(|i| signature.has_default(i).then_some(ArgSource::Default(i))).collect();
    for (i, source) in sources.iter_mut().enumerate().take(positional) {
        *source = Some(ArgSource::Given(i));
    }
    for (n, name) in shape.names.iter().enumerate() {
        let at = signature.parameter_named(name)?;
        if at < positional {
            return None;
        }
        *sources.get_mut(at)? = Some(ArgSource::Given(positional + n));
    }
    let sources = sources.into_iter().collect::<Option<Vec<_>>>()?;
    if sources.iter().filter(|s| matches!(s, ArgSource::Given(_))).count() != given {
        return None;
    }
    let spread = shape.variadic && variadic == ANY;
    Some(Candidate { types: signature.types.clone(), signature, sources, expanded: false, spread })
}

/// Of two built-in candidates that take the same arguments, the one without VARIADIC expansion and with fewer defaults stays.
fn dedup(candidates: &mut Vec<Candidate>) {
    let builtin = |c: &Candidate| matches!(c.signature.callee, Callee::Builtin(_));
    let better = |a: &Candidate, b: &Candidate| {
        let cost = |c: &Candidate| (c.signature.variadic != 0, c.sources.len());
        builtin(a) && builtin(b) && cost(a) < cost(b)
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
    let Candidate { signature, mut types, sources, expanded, spread } = chosen;
    let declared = types.clone();
    let actual: Vec<Oid> = sources
        .iter()
        .zip(&types)
        .map(|(source, ty)| match source {
            ArgSource::Given(n) => args[*n],
            // What a polymorphic parameter's default is follows from the other arguments.
            ArgSource::Default(_) if is_polymorphic(*ty) => UNKNOWN,
            ArgSource::Default(_) => *ty,
        })
        .collect();
    let result = solve(&actual, &mut types, signature.result())?;
    let fixed = signature.types.len().saturating_sub(1);
    let gather = expanded.then(|| {
        let element = types.get(fixed).copied().unwrap_or(signature.variadic);
        (fixed, element, array_or_self(element))
    });
    let callee = match signature.callee {
        Callee::Builtin(func) if spread => Callee::Builtin(spread_form(func)),
        callee => callee,
    };
    let args = sources.into_iter().zip(types).map(|(source, ty)| Argument { source, ty }).collect();
    Ok(Resolution { callee, args, gather, result, actual, declared })
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

//! What PostgreSQL 18's catalogs say of built-in objects and is the same in every database: two tables of text, read on demand.

use std::sync::LazyLock;

use nq_qsql::catalog::Relation;
use nq_qsql::error::Result;
use nq_qsql::types::{Datum, IoContext, Oid, io_text, oid};

use super::RowList;

static STATIC: &str = include_str!("static.tbl");
static PROCS: &str = include_str!("procs.tbl");

/// The lines of a section of `static.tbl`.
fn section(name: &str) -> impl Iterator<Item = &'static str> + use<> {
    let start = STATIC.lines().position(|l| l.strip_prefix("@ ") == Some(name));
    let lines = STATIC.lines().skip(start.map_or(usize::MAX, |at| at + 1));
    lines.take_while(|l| !l.starts_with('@')).filter(|l| !l.starts_with('#'))
}

/// The rows of a relation whose section has one field for each column.
pub(super) fn static_rows(of: &Relation) -> Result<RowList> {
    let io = IoContext::default();
    let row = |line: &str| {
        let mut values = Vec::with_capacity(of.columns.len());
        for (field, column) in line.split('\t').zip(&of.columns) {
            values.push(match field {
                "\\N" => Datum::Null,
                _ => value(field, column.ty.oid, &io)?,
            });
        }
        Ok(values)
    };
    section(&of.name).map(row).collect()
}

/// `pg_get_catalog_foreign_keys`
pub(crate) fn catalog_foreign_keys() -> Result<RowList> {
    const TYPES: [Oid; 6] = [oid::REGCLASS, TEXTS, oid::REGCLASS, TEXTS, oid::BOOL, oid::BOOL];
    const TEXTS: Oid = 1009;
    let io = IoContext::default();
    let row = |line: &str| line.split('\t').zip(TYPES).map(|(field, ty)| value(field, ty, &io)).collect();
    section("catalog_foreign_keys").map(row).collect()
}

/// A field; procedures are written by OID.
fn value(field: &str, ty: Oid, io: &IoContext<'_>) -> Result<Datum> {
    match field.parse() {
        Ok(oid) if nq_qsql::types::info::is_reg(ty) => Ok(Datum::Oid(oid)),
        _ => io_text::parse_text(ty, -1, field, io),
    }
}

/// Numbers after the OID that a line of a section begins with.
fn numbers(section_name: &str) -> Vec<(Oid, Vec<Oid>, u8)> {
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let oid = fields.next()?.parse().ok()?;
        let rest: Vec<&str> = fields.collect();
        let last = rest.last()?.bytes().next()?;
        Some((oid, rest.iter().map(|f| f.parse().unwrap_or(0)).collect(), last))
    };
    section(section_name).filter_map(line).collect()
}

/// Functions of a type, by role: input, output, receive, send, modifier input and output, analyze, subscript; and its storage.
pub(super) fn type_functions(oid: Oid) -> Option<(&'static [Oid], u8)> {
    static TYPES: LazyLock<Vec<(Oid, Vec<Oid>, u8)>> = LazyLock::new(|| numbers("types"));
    let at = TYPES.binary_search_by_key(&oid, |t| t.0).ok()?;
    let (_, functions, storage) = &TYPES[at];
    Some((functions, *storage))
}

/// Selectivity estimators of an operator: restriction and join.
pub(super) fn operator_estimators(oid: Oid) -> (Oid, Oid) {
    static OPERATORS: LazyLock<Vec<(Oid, Vec<Oid>, u8)>> = LazyLock::new(|| numbers("operators"));
    match OPERATORS.binary_search_by_key(&oid, |o| o.0) {
        Ok(at) => (OPERATORS[at].1[0], OPERATORS[at].1[1]),
        Err(_) => (0, 0),
    }
}

/// The name of a built-in operator class.
pub(crate) fn operator_class_name(oid: Oid) -> Option<&'static str> {
    let line =
        section("pg_opclass").find(|l| l.split('\t').next().and_then(|f| f.parse().ok()) == Some(oid))?;
    line.split('\t').nth(2)
}

/// The default operator class of an access method for a type: its own, or that of the type it is coerced to.
pub(super) fn default_operator_class(method: Oid, ty: Oid) -> Oid {
    static DEFAULTS: LazyLock<Vec<(Oid, Oid, Oid)>> = LazyLock::new(|| {
        let line = |line: &str| {
            let f: Vec<&str> = line.split('\t').collect();
            let number = |at: usize| f.get(at).and_then(|f| f.parse::<Oid>().ok());
            (f.get(7) == Some(&"t")).then_some(())?;
            Some((number(1)?, number(6)?, number(0)?))
        };
        section("pg_opclass").filter_map(line).collect()
    });
    let find = |ty: Oid| DEFAULTS.iter().find(|(m, t, _)| *m == method && *t == ty).map(|d| d.2);
    let wider = nq_qsql::func::opclass::opclass_input(ty);
    find(ty).or_else(|| find(wider)).unwrap_or(0)
}

/// The name of the operator family of a type's default B-tree class.
pub(crate) fn btree_family_name(ty: Oid) -> &'static str {
    let class = default_operator_class(403, ty);
    let line_of = |name: &str, oid: Oid| {
        section(name).find(move |l| l.split('\t').next().and_then(|f| f.parse().ok()) == Some(oid))
    };
    let family = line_of("pg_opclass", class).and_then(|l| l.split('\t').nth(5)).and_then(|f| f.parse().ok());
    family.and_then(|oid| line_of("pg_opfamily", oid)).and_then(|l| l.split('\t').nth(2)).unwrap_or("")
}

/// A built-in function as `pg_proc` has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proc {
    pub(crate) oid: Oid,
    fields: [&'static str; 14],
}

/// Kinds of a function's parameters (`proargmodes`).
pub(crate) const IN: u8 = b'i';

/// A parameter of a function.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) mode: u8,
    pub(crate) ty: Oid,
    pub(crate) default: Option<&'static str>,
}

fn number<T: std::str::FromStr + Default>(field: &str) -> T {
    field.parse().unwrap_or_default()
}

impl Proc {
    fn parse(line: &'static str) -> Option<Proc> {
        let mut fields = line.split('\t');
        let oid = fields.next()?.parse().ok()?;
        let mut all = [""; 14];
        for (to, field) in all.iter_mut().zip(fields) {
            *to = field;
        }
        Some(Proc { oid, fields: all })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.fields[0]
    }

    /// `internal`, `c` or `sql`.
    pub(crate) fn language(&self) -> (Oid, &'static str) {
        match self.fields[1] {
            "c" => (13, "c"),
            "s" => (14, "sql"),
            _ => (12, "internal"),
        }
    }

    pub(crate) fn cost(&self) -> f32 {
        self.fields[2].parse().unwrap_or(1.0)
    }

    pub(crate) fn rows(&self) -> f32 {
        number(self.fields[3])
    }

    pub(crate) fn variadic(&self) -> Oid {
        number(self.fields[4])
    }

    pub(crate) fn support(&self) -> Oid {
        number(self.fields[5])
    }

    fn flag(&self, at: usize, default: u8) -> u8 {
        self.fields[6].as_bytes().get(at).copied().unwrap_or(default)
    }

    pub(crate) fn kind(&self) -> u8 {
        self.flag(0, b'f')
    }

    pub(crate) fn volatility(&self) -> u8 {
        self.flag(1, b'v')
    }

    pub(crate) fn parallel(&self) -> u8 {
        self.flag(2, b'u')
    }

    fn has(&self, flag: char) -> bool {
        self.fields[6].get(3..).is_some_and(|f| f.contains(flag))
    }

    pub(crate) fn leakproof(&self) -> bool {
        nq_qsql::func::leakproof::is_leakproof(self.oid)
    }

    pub(crate) fn strict(&self) -> bool {
        self.has('s')
    }

    pub(crate) fn returns_set(&self) -> bool {
        self.has('r')
    }

    pub(crate) fn result(&self) -> Oid {
        number(self.fields[7])
    }

    /// Types of the input parameters.
    pub(crate) fn args(&self) -> impl Iterator<Item = Oid> + use<> {
        self.fields[8].split_ascii_whitespace().map(number)
    }

    /// Types of all parameters, where there are others than input.
    pub(crate) fn all_args(&self) -> impl Iterator<Item = Oid> + use<> {
        self.fields[9].split_ascii_whitespace().map(number)
    }

    pub(crate) fn modes(&self) -> &'static [u8] {
        self.fields[10].as_bytes()
    }

    /// Names of the parameters; `""` for one without.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let names = self.fields[11];
        (!names.is_empty()).then(|| names.split(' ')).into_iter().flatten()
    }

    /// Texts of the defaults, of the last input parameters.
    pub(crate) fn defaults(&self) -> Vec<&'static str> {
        let text = self.fields[12];
        let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0, false, 0);
        for (i, c) in text.char_indices() {
            match c {
                '\'' => quoted = !quoted,
                '(' | '[' if !quoted => depth += 1,
                ')' | ']' if !quoted => depth -= 1,
                ',' if !quoted && depth == 0 => {
                    parts.push(text[start..i].trim());
                    start = i + 1;
                }
                _ => {}
            }
        }
        if !text.is_empty() {
            parts.push(text[start..].trim());
        }
        parts
    }

    pub(crate) fn source(&self) -> &'static str {
        if self.fields[13] == "=" { self.name() } else { self.fields[13] }
    }

    /// All parameters.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let mut types: Vec<Oid> = self.all_args().collect();
        if types.is_empty() {
            types = self.args().collect();
        }
        let names: Vec<&'static str> = self.names().collect();
        let defaults = self.defaults();
        let inputs = self.args().count();
        let mut input: usize = 0;
        let parameter = |(at, ty): (usize, Oid)| {
            let mode = self.modes().get(at).copied().unwrap_or(IN);
            let mut default = None;
            if matches!(mode, IN | b'b' | b'v') {
                let first = inputs.saturating_sub(defaults.len());
                default = input.checked_sub(first).and_then(|at| defaults.get(at).copied());
                input += 1;
            }
            Parameter { name: names.get(at).copied().unwrap_or(""), mode, ty, default }
        };
        types.into_iter().enumerate().map(parameter).collect()
    }
}

static BY_OID: LazyLock<Vec<(Oid, &'static str)>> = LazyLock::new(|| {
    let line = |line: &'static str| Some((line.split('\t').next()?.parse().ok()?, line));
    PROCS.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
});

/// A built-in function of PostgreSQL by OID, whether it can be called here or not.
pub(crate) fn proc(oid: Oid) -> Option<Proc> {
    let at = BY_OID.binary_search_by_key(&oid, |p| p.0).ok()?;
    Proc::parse(BY_OID[at].1)
}

/// All of them, by OID.
pub(crate) fn procs() -> impl Iterator<Item = Proc> {
    BY_OID.iter().filter_map(|(_, line)| Proc::parse(line))
}

/// Whether a function that cannot be called is still part of what is there: it belongs to a type or an operator class.
pub(crate) fn is_support(oid: Oid) -> bool {
    static SUPPORT: LazyLock<Vec<Oid>> = LazyLock::new(|| {
        let mut all: Vec<Oid> = numbers("types").into_iter().flat_map(|(_, f, _)| f).collect();
        all.extend(numbers("operators").into_iter().flat_map(|(_, f, _)| f));
        all.extend(numbers("pg_amproc").into_iter().filter_map(|(_, f, _)| f.last().copied()));
        all.sort_unstable();
        all.dedup();
        all
    });
    oid != 0 && SUPPORT.binary_search(&oid).is_ok()
}

/// The functions with a name that can be meant by it: those that can be called, and those that belong to types.
pub(crate) fn procs_named(name: &str) -> Vec<Proc> {
    procs()
        .filter(|p| p.name() == name)
        .filter(|p| nq_qsql::func::function_by_oid(p.oid).is_some() || is_support(p.oid))
        .collect()
}

/// Whether PostgreSQL has several functions of a name: then the name alone does not say which.
pub(crate) fn is_overloaded(name: &str) -> bool {
    static OVERLOADED: LazyLock<hashbrown::HashSet<&'static str>> = LazyLock::new(|| {
        let mut seen = hashbrown::HashSet::new();
        let names = BY_OID.iter().filter_map(|(_, line)| line.split('\t').nth(1));
        names.filter(|name| !seen.insert(*name)).collect()
    });
    OVERLOADED.contains(name)
}

/// The rows of `pg_aggregate`.
pub(super) fn aggregate_rows(of: &Relation) -> Result<RowList> {
    let rows = static_rows(of)?;
    let known = |row: &Vec<Datum>| match row.first() {
        Some(Datum::Oid(oid)) => nq_qsql::func::function_by_oid(*oid).is_some(),
        _ => false,
    };
    Ok(rows.into_iter().filter(known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_their_parameters() {
        let proc = proc(1689).unwrap();
        assert_eq!((proc.name(), proc.returns_set(), proc.strict()), ("aclexplode", true, true));
        let modes: Vec<u8> = proc.parameters().iter().map(|p| p.mode).collect();
        assert_eq!(modes, *b"ioooo");
        let terminate = super::proc(2096).unwrap().parameters();
        assert_eq!((terminate[1].name, terminate[1].default), ("timeout", Some("0")));
    }

    #[test]
    fn every_registered_function_is_postgresqls() {
        for f in nq_qsql::func::all_functions().filter(|f| f.oid < 10_000 && f.oid > 0) {
            let proc = proc(f.oid);
            assert_eq!(proc.map(|p| p.name()), Some(f.name), "{f:?}");
        }
    }

    #[test]
    fn operator_classes_have_names_and_defaults() {
        assert_eq!(operator_class_name(default_operator_class(403, 1043)), Some("text_ops"));
        assert_eq!(operator_class_name(default_operator_class(403, 23)), Some("int4_ops"));
        assert_eq!(type_functions(23).map(|t| t.0[0]), Some(42));
        assert!(is_support(42) && !is_support(89));
    }
}

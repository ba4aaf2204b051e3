//! The options of CREATE and ALTER FUNCTION.

use nq_qsql::bail;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::Volatility;
use nq_qsql::parse::ast::{FuncOption, FuncOptionKind, SetAction, SetVariable};
use nq_qsql::sql_err;

use crate::session::{Session, set_text};
use crate::settings::join_arguments;

/// What was said; `None` for what was not.
#[derive(Default)]
pub(super) struct Attributes<'a> {
    pub(super) language: Option<&'a str>,
    pub(super) volatility: Option<Volatility>,
    pub(super) strict: Option<bool>,
    pub(super) security_definer: Option<bool>,
    pub(super) leakproof: Option<bool>,
    pub(super) cost: Option<f32>,
    pub(super) rows: Option<f32>,
    pub(super) parallel: Option<u8>,
    pub(super) set: Vec<&'a SetVariable>,
}

fn once<T>(slot: &mut Option<T>, value: T, option: &FuncOption) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(sql_err!(SYNTAX_ERROR, "conflicting or redundant options").at(option.pos)),
    }
}

impl<'a> Attributes<'a> {
    /// Reads a list of options.
    ///
    /// # Errors
    /// 42601 for one that is said twice, 42P13 for one that procedures do not have.
    pub(super) fn read(options: &'a [FuncOption], procedure: bool) -> Result<Attributes<'a>> {
        let mut a = Attributes::default();
        for option in options {
            use FuncOptionKind as K;
            let common = matches!(option.kind, K::Language(_) | K::SecurityDefiner(_) | K::Set(_));
            if procedure && !common {
                return Err(sql_err!(
                    INVALID_FUNCTION_DEFINITION,
                    "invalid attribute in procedure definition"
                )
                .at(option.pos));
            }
            match &option.kind {
                K::Language(name) => once(&mut a.language, &**name, option)?,
                K::Transform(_) => return Err(SqlError::unsupported("TRANSFORM")),
                K::Window => return Err(SqlError::unsupported("a window function in SQL")),
                K::Immutable => once(&mut a.volatility, Volatility::Immutable, option)?,
                K::Stable => once(&mut a.volatility, Volatility::Stable, option)?,
                K::Volatile => once(&mut a.volatility, Volatility::Volatile, option)?,
                K::Strict => once(&mut a.strict, true, option)?,
                K::CalledOnNullInput => once(&mut a.strict, false, option)?,
                K::SecurityDefiner(definer) => once(&mut a.security_definer, *definer, option)?,
                K::Leakproof(leakproof) => once(&mut a.leakproof, *leakproof, option)?,
                K::Cost(text) => once(&mut a.cost, positive(text, "COST")?, option)?,
                K::Rows(text) => once(&mut a.rows, positive(text, "ROWS")?, option)?,
                K::Support(_) => return Err(SqlError::unsupported("SUPPORT")),
                K::Parallel(word) => {
                    let parallel = match &*word.name {
                        "safe" => b's',
                        "unsafe" => b'u',
                        "restricted" => b'r',
                        _ => {
                            bail!(SYNTAX_ERROR, "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE")
                        }
                    };
                    once(&mut a.parallel, parallel, option)?;
                }
                K::Set(set) => a.set.push(set),
            }
        }
        Ok(a)
    }
}

fn positive(text: &str, what: &str) -> Result<f32> {
    match text.parse::<f32>() {
        Ok(value) if value > 0.0 => Ok(value),
        _ => bail!(INVALID_PARAMETER_VALUE, "{what} must be positive"),
    }
}

impl Session {
    /// `proconfig` after some SET and RESET clauses.
    pub(super) fn routine_config(
        &mut self,
        mut config: Vec<(Box<str>, Box<str>)>,
        set: &[&SetVariable],
    ) -> Result<Vec<(Box<str>, Box<str>)>> {
        for set in set {
            match &set.action {
                SetAction::Value { name, values } => {
                    let arguments = values.iter().map(|v| set_text(name, v)).collect::<Result<Vec<_>>>()?;
                    let text = join_arguments(name, &arguments)?;
                    self.store_setting(&mut config, name, &text)?;
                }
                SetAction::FromCurrent { name } => {
                    let Some(value) = nq_qsql::func::Host::setting(&self.host, name) else {
                        bail!(UNDEFINED_OBJECT, "unrecognized configuration parameter \"{name}\"")
                    };
                    self.store_setting(&mut config, name, &value)?;
                }
                SetAction::Default { name } | SetAction::Reset { name } => {
                    let name = crate::roles::canonical_name(name);
                    config.retain(|(known, _)| **known != *name);
                }
                SetAction::ResetAll => config.clear(),
                SetAction::Transaction(_)
                | SetAction::TransactionSnapshot(_)
                | SetAction::SessionCharacteristics(_) => {
                    return Err(SqlError::unsupported("this form of SET here"));
                }
            }
        }
        Ok(config)
    }
}

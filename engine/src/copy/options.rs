//! The options of COPY, checked against each other as PostgreSQL's `ProcessCopyOptions` does.

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{Def, DefValue};
use nq_qsql::{bail, sql_err};

/// The format of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "named like the formats")]
pub(crate) enum Syntax {
    #[default]
    Text,
    Csv,
    Binary,
}

/// HEADER.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Header {
    /// The first line is data.
    #[default]
    No,
    /// The first line is skipped, or written.
    Yes,
    /// The first line must name the columns.
    Match,
}

/// The columns of a FORCE option.
#[derive(Clone, Debug, Default)]
pub(crate) enum Columns {
    /// None.
    #[default]
    No,
    /// `*`
    All,
    /// These.
    Named(Vec<Box<str>>),
}

/// LOG_VERBOSITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Verbosity {
    /// Nothing is told of skipped rows.
    Silent,
    /// Their number is told.
    #[default]
    Default,
    /// Each one is told.
    Verbose,
}

/// The character set of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// UTF-8, the database's own.
    #[default]
    Utf8,
    /// ISO 8859-1.
    Latin1,
}

/// The options of a COPY.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) syntax: Syntax,
    pub(crate) delimiter: u8,
    pub(crate) null: Vec<u8>,
    pub(crate) default: Option<Vec<u8>>,
    pub(crate) header: Header,
    pub(crate) quote: u8,
    pub(crate) escape: u8,
    pub(crate) force_quote: Columns,
    pub(crate) force_not_null: Columns,
    pub(crate) force_null: Columns,
    pub(crate) encoding: Encoding,
    /// ON_ERROR ignore: rows with values that cannot be read are skipped.
    pub(crate) ignore_errors: bool,
    pub(crate) reject_limit: Option<u64>,
    pub(crate) verbosity: Verbosity,
}

/// Options as written, before they are checked.
#[derive(Default)]
struct Written {
    syntax: Option<Syntax>,
    freeze: bool,
    delimiter: Option<String>,
    null: Option<String>,
    default: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<Columns>,
    force_not_null: Option<Columns>,
    force_null: Option<Columns>,
    encoding: Option<Encoding>,
    on_error: Option<bool>,
    verbosity: Option<Verbosity>,
    reject_limit: Option<u64>,
}

/// Sets an option that may be written once.
fn once<T>(place: &mut Option<T>, value: T, def: &Def) -> Result<()> {
    if place.replace(value).is_some() {
        return Err(sql_err!(SYNTAX_ERROR, "conflicting or redundant options").at(def.name.pos));
    }
    Ok(())
}

fn string(def: &Def) -> Result<String> {
    match &def.value {
        Some(DefValue::Word(text) | DefValue::Str(text) | DefValue::Number(text)) => Ok(text.to_string()),
        Some(DefValue::Star) => Ok("*".to_owned()),
        _ => bail!(SYNTAX_ERROR, "{} requires a parameter", def.name.name),
    }
}

fn boolean(def: &Def) -> Result<bool> {
    let text = match &def.value {
        None => return Ok(true),
        Some(_) => string(def)?,
    };
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => bail!(SYNTAX_ERROR, "{} requires a Boolean value", def.name.name),
    }
}

fn header(def: &Def, from: bool) -> Result<Header> {
    let Some(_) = &def.value else { return Ok(Header::Yes) };
    let text = string(def)?;
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(Header::Yes),
        "false" | "off" | "0" => Ok(Header::No),
        "match" if from => Ok(Header::Match),
        "match" => bail!(FEATURE_NOT_SUPPORTED, "cannot use \"{text}\" with HEADER in COPY TO"),
        _ => bail!(SYNTAX_ERROR, "{} requires a Boolean value or \"match\"", def.name.name),
    }
}

fn columns(def: &Def, star: bool) -> Result<Columns> {
    let no_list = || {
        sql_err!(
            INVALID_PARAMETER_VALUE,
            "argument to option \"{}\" must be a list of column names",
            def.name.name
        )
        .at(def.name.pos)
    };
    match &def.value {
        Some(DefValue::Star) if star => Ok(Columns::All),
        Some(DefValue::List(items)) => {
            let name = |item: &DefValue| match item {
                DefValue::Word(text) | DefValue::Str(text) => Ok(text.clone()),
                _ => Err(no_list()),
            };
            Ok(Columns::Named(items.iter().map(name).collect::<Result<_>>()?))
        }
        _ => Err(no_list()),
    }
}

fn encoding(def: &Def) -> Result<Encoding> {
    let name = string(def)?;
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "utf8" | "unicode" | "sqlascii" => Ok(Encoding::Utf8),
        "latin1" | "iso88591" => Ok(Encoding::Latin1),
        known if is_encoding(known) => Err(SqlError::unsupported(format_args!("COPY with encoding {name}"))),
        _ => Err(sql_err!(
            INVALID_PARAMETER_VALUE,
            "argument to option \"{}\" must be a valid encoding name",
            def.name.name
        )
        .at(def.name.pos)),
    }
}

/// Whether PostgreSQL knows the encoding (lower case, letters and digits only).
fn is_encoding(name: &str) -> bool {
    const KNOWN: [&str; 46] = [
        "alt",
        "big5",
        "euccn",
        "eucjis2004",
        "eucjp",
        "euckr",
        "euctw",
        "gb18030",
        "gbk",
        "iso88595",
        "iso88596",
        "iso88597",
        "iso88598",
        "johab",
        "koi8",
        "koi8r",
        "koi8u",
        "latin2",
        "latin3",
        "latin4",
        "latin5",
        "latin6",
        "latin7",
        "latin8",
        "latin9",
        "latin10",
        "muleinternal",
        "mskanji",
        "shiftjis",
        "shiftjis2004",
        "sjis",
        "tcvn",
        "tcvn5712",
        "uhc",
        "vscii",
        "win",
        "win1250",
        "win1251",
        "win1252",
        "win1253",
        "win1254",
        "win1255",
        "win1256",
        "win1257",
        "win1258",
        "windows949",
    ];
    KNOWN.contains(&name) || matches!(name, "win866" | "win874" | "abc" | "windows1252" | "iso885915")
}

fn read(defs: &[Def], from: bool) -> Result<Written> {
    let mut w = Written::default();
    for def in defs {
        match &*def.name.name {
            "format" => {
                let name = string(def)?;
                let syntax = match name.as_str() {
                    "text" => Syntax::Text,
                    "csv" => Syntax::Csv,
                    "binary" => Syntax::Binary,
                    _ => {
                        return Err(sql_err!(
                            INVALID_PARAMETER_VALUE,
                            "COPY format \"{name}\" not recognized"
                        )
                        .at(def.name.pos));
                    }
                };
                once(&mut w.syntax, syntax, def)?;
            }
            "freeze" => w.freeze = boolean(def)?,
            "delimiter" => once(&mut w.delimiter, string(def)?, def)?,
            "null" => once(&mut w.null, string(def)?, def)?,
            "default" => once(&mut w.default, string(def)?, def)?,
            "header" => once(&mut w.header, header(def, from)?, def)?,
            "quote" => once(&mut w.quote, string(def)?, def)?,
            "escape" => once(&mut w.escape, string(def)?, def)?,
            "force_quote" => once(&mut w.force_quote, columns(def, true)?, def)?,
            "force_not_null" => once(&mut w.force_not_null, columns(def, true)?, def)?,
            "force_null" => once(&mut w.force_null, columns(def, true)?, def)?,
            "encoding" => once(&mut w.encoding, encoding(def)?, def)?,
            "on_error" => once(&mut w.on_error, on_error(def, from)?, def)?,
            "log_verbosity" => once(&mut w.verbosity, verbosity(def)?, def)?,
            "reject_limit" => once(&mut w.reject_limit, reject_limit(def)?, def)?,
            // Binary data of tables of the first kind: never written by a client.
            other => {
                return Err(sql_err!(SYNTAX_ERROR, "option \"{other}\" not recognized").at(def.name.pos));
            }
        }
    }
    Ok(w)
}

fn on_error(def: &Def, from: bool) -> Result<bool> {
    let text = string(def)?;
    if !from {
        return Err(
            sql_err!(INVALID_PARAMETER_VALUE, "COPY ON_ERROR cannot be used with COPY TO").at(def.name.pos)
        );
    }
    match text.to_ascii_lowercase().as_str() {
        "stop" => Ok(false),
        "ignore" => Ok(true),
        _ => {
            Err(sql_err!(INVALID_PARAMETER_VALUE, "COPY ON_ERROR \"{text}\" not recognized").at(def.name.pos))
        }
    }
}

fn verbosity(def: &Def) -> Result<Verbosity> {
    let text = string(def)?;
    Ok(match text.to_ascii_lowercase().as_str() {
        "silent" => Verbosity::Silent,
        "default" => Verbosity::Default,
        "verbose" => Verbosity::Verbose,
        _ => {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "COPY LOG_VERBOSITY \"{text}\" not recognized")
                .at(def.name.pos));
        }
    })
}

fn reject_limit(def: &Def) -> Result<u64> {
    let text = match &def.value {
        Some(DefValue::Number(_) | DefValue::Str(_)) => string(def)?,
        Some(_) => bail!(SYNTAX_ERROR, "{} requires a numeric value", def.name.name),
        None => bail!(SYNTAX_ERROR, "{} requires a numeric value", def.name.name),
    };
    match nq_qsql::types::int::parse_i64(text.as_bytes())? {
        limit if limit > 0 => Ok(limit as u64),
        limit => bail!(INVALID_PARAMETER_VALUE, "REJECT_LIMIT ({limit}) must be greater than zero"),
    }
}

impl Options {
    /// Reads and checks the options of a COPY.
    ///
    /// # Errors
    /// 42601, 22023, 0A000, 42602 with PostgreSQL's texts.
    pub(crate) fn new(defs: &[Def], from: bool) -> Result<Options> {
        let w = read(defs, from)?;
        let syntax = w.syntax.unwrap_or_default();
        let (binary, csv) = (syntax == Syntax::Binary, syntax == Syntax::Csv);
        for (written, name) in [
            (w.delimiter.is_some(), "DELIMITER"),
            (w.null.is_some(), "NULL"),
            (w.default.is_some(), "DEFAULT"),
        ] {
            if binary && written {
                bail!(SYNTAX_ERROR, "cannot specify {name} in BINARY mode");
            }
        }
        let delimiter = w.delimiter.unwrap_or_else(|| if csv { "," } else { "\t" }.to_owned());
        let null = w.null.unwrap_or_else(|| if csv { "" } else { "\\N" }.to_owned());
        let quote = w.quote.clone().unwrap_or_else(|| "\"".to_owned());
        let escape = w.escape.clone().unwrap_or_else(|| quote.clone());
        let single = |text: &str, what: &str| match text.as_bytes() {
            [byte] => Ok(*byte),
            _ => bail!(FEATURE_NOT_SUPPORTED, "COPY {what} must be a single one-byte character"),
        };
        let delimiter = single(&delimiter, "delimiter")?;
        if matches!(delimiter, b'\r' | b'\n') {
            bail!(INVALID_PARAMETER_VALUE, "COPY delimiter cannot be newline or carriage return");
        }
        let one_line = |text: &str, what: &str| match text.contains(['\r', '\n']) {
            true => bail!(
                INVALID_PARAMETER_VALUE,
                "COPY {what} representation cannot use newline or carriage return"
            ),
            false => Ok(()),
        };
        one_line(&null, "null")?;
        if let Some(default) = &w.default {
            one_line(default, "default")?;
        }
        if !csv
            && (matches!(delimiter, b'\\' | b'.')
                || delimiter.is_ascii_lowercase()
                || delimiter.is_ascii_digit())
        {
            bail!(INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"{}\"", char::from(delimiter));
        }
        if binary && w.header.is_some_and(|h| h != Header::No) {
            bail!(FEATURE_NOT_SUPPORTED, "cannot specify HEADER in BINARY mode");
        }
        let needs_csv = |written: bool, what: &str| match written && !csv {
            true => bail!(FEATURE_NOT_SUPPORTED, "COPY {what} requires CSV mode"),
            false => Ok(()),
        };
        needs_csv(w.quote.is_some(), "QUOTE")?;
        let quote = if csv { single(&quote, "quote")? } else { 0 };
        if csv && delimiter == quote {
            bail!(INVALID_PARAMETER_VALUE, "COPY delimiter and quote must be different");
        }
        needs_csv(w.escape.is_some(), "ESCAPE")?;
        let escape = if csv { single(&escape, "escape")? } else { 0 };
        let one_way = |written: bool, allowed: bool, code: SqlState, what: &str| match written && !allowed {
            true => Err(SqlError::new(
                code,
                format!("COPY {what} cannot be used with COPY {}", if from { "FROM" } else { "TO" }),
            )),
            false => Ok(()),
        };
        needs_csv(w.force_quote.is_some(), "FORCE_QUOTE")?;
        one_way(w.force_quote.is_some(), !from, SqlState::FEATURE_NOT_SUPPORTED, "FORCE_QUOTE")?;
        needs_csv(w.force_not_null.is_some(), "FORCE_NOT_NULL")?;
        one_way(w.force_not_null.is_some(), from, SqlState::INVALID_PARAMETER_VALUE, "FORCE_NOT_NULL")?;
        needs_csv(w.force_null.is_some(), "FORCE_NULL")?;
        one_way(w.force_null.is_some(), from, SqlState::INVALID_PARAMETER_VALUE, "FORCE_NULL")?;
        let without = |text: &str, code: SqlState, what: &str| {
            let refused = match text.as_bytes() {
                bytes if bytes.contains(&delimiter) => "COPY delimiter character",
                bytes if csv && bytes.contains(&quote) => "CSV quote character",
                _ => return Ok(()),
            };
            Err(SqlError::new(code, format!("{refused} must not appear in the {what} specification")))
        };
        without(&null, SqlState::INVALID_PARAMETER_VALUE, "NULL")?;
        one_way(w.freeze, from, SqlState::INVALID_PARAMETER_VALUE, "FREEZE")?;
        if let Some(default) = &w.default {
            one_way(true, from, SqlState::FEATURE_NOT_SUPPORTED, "DEFAULT")?;
            without(default, SqlState::FEATURE_NOT_SUPPORTED, "DEFAULT")?;
            if *default == null {
                bail!(
                    FEATURE_NOT_SUPPORTED,
                    "NULL specification and DEFAULT specification cannot be the same"
                );
            }
        }
        let ignore_errors = w.on_error.unwrap_or(false);
        if binary && ignore_errors {
            bail!(SYNTAX_ERROR, "only ON_ERROR STOP is allowed in BINARY mode");
        }
        if w.reject_limit.is_some() && !ignore_errors {
            bail!(INVALID_PARAMETER_VALUE, "COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE");
        }
        Ok(Options {
            syntax,
            delimiter,
            null: null.into_bytes(),
            default: w.default.map(String::into_bytes),
            header: w.header.unwrap_or_default(),
            quote,
            escape,
            force_quote: w.force_quote.unwrap_or_default(),
            force_not_null: w.force_not_null.unwrap_or_default(),
            force_null: w.force_null.unwrap_or_default(),
            encoding: w.encoding.unwrap_or_default(),
            ignore_errors,
            reject_limit: w.reject_limit,
            verbosity: w.verbosity.unwrap_or_default(),
        })
    }
}

impl Columns {
    /// Which of the copied columns are meant; `exists` tells of those that are not copied whether there is such a column.
    ///
    /// # Errors
    /// 42P10 for a column that is not copied; what `exists` raises.
    pub(crate) fn flags(
        &self,
        option: &str,
        copied: &[&str],
        exists: impl Fn(&str) -> Result<()>,
    ) -> Result<Vec<bool>> {
        match self {
            Columns::No => Ok(vec![false; copied.len()]),
            Columns::All => Ok(vec![true; copied.len()]),
            Columns::Named(names) => {
                let mut flags = vec![false; copied.len()];
                for name in names {
                    let Some(at) = copied.iter().position(|c| *c == &**name) else {
                        exists(name)?;
                        bail!(INVALID_COLUMN_REFERENCE, "{option} column \"{name}\" not referenced by COPY");
                    };
                    flags[at] = true;
                }
                Ok(flags)
            }
        }
    }
}

#[cfg(test)]
impl Options {
    /// COPY FROM with `FORMAT csv` or `text`.
    pub(crate) fn of_format(csv: bool) -> Options {
        let word = if csv { "csv" } else { "text" };
        let name = nq_qsql::parse::ast::Ident { name: "format".into(), pos: 0 };
        Options::new(&[Def { namespace: None, name, value: Some(DefValue::Word(word.into())) }], true)
            .expect("well-formed")
    }
}

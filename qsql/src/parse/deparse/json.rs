//! SQL/JSON as text.

use super::{Printer, quote_literal};
use crate::error::Result;
use crate::parse::ast::{
    ExprId, JsonBehavior, JsonBehaviorKind, JsonTable, JsonTableColumn, JsonTablePath, JsonWrapper, SqlJson,
    SqlJsonForm,
};

impl Printer<'_> {
    pub(super) fn sql_json(&mut self, json: &SqlJson) -> Result<()> {
        if matches!(json.form, SqlJsonForm::ObjectAgg | SqlJsonForm::ArrayAgg) {
            // The call of the aggregate that it stands for.
            let Some(returning) = &json.returning else { return self.expr(json.args[0]) };
            self.put("CAST(");
            self.expr(json.args[0])?;
            self.put(" AS ");
            self.type_name(returning)?;
            self.put(")");
            return Ok(());
        }
        self.put(&json.form.name().to_uppercase());
        self.put("(");
        let query = matches!(json.form, SqlJsonForm::Exists | SqlJsonForm::Query | SqlJsonForm::Value);
        let object = json.form == SqlJsonForm::Object;
        for (i, &arg) in json.args.iter().enumerate() {
            match i {
                0 => {}
                2 if query => self.put(" PASSING "),
                _ if object && i % 2 == 1 => self.put(" VALUE "),
                _ => self.put(", "),
            }
            self.json_value(arg, json.formats[i])?;
            if query && i >= 2 {
                self.put(" AS ");
                self.ident(&json.names[i - 2].name);
            }
        }
        self.put(match json.absent_on_null {
            Some(true) => " ABSENT ON NULL",
            Some(false) => " NULL ON NULL",
            None => "",
        });
        self.put(if json.unique { " WITH UNIQUE KEYS" } else { "" });
        if let Some(returning) = &json.returning {
            self.put(" RETURNING ");
            self.type_name(returning)?;
        }
        self.json_clauses(json)?;
        self.put(")");
        Ok(())
    }

    fn json_value(&mut self, value: ExprId, format: bool) -> Result<()> {
        self.expr(value)?;
        self.put(if format { " FORMAT JSON" } else { "" });
        Ok(())
    }

    /// WRAPPER, QUOTES, ON EMPTY, ON ERROR.
    fn json_clauses(&mut self, json: &SqlJson) -> Result<()> {
        self.put(match json.wrapper {
            JsonWrapper::Without => "",
            JsonWrapper::Conditional => " WITH CONDITIONAL WRAPPER",
            JsonWrapper::Unconditional => " WITH WRAPPER",
        });
        self.put(if json.omit_quotes { " OMIT QUOTES" } else { "" });
        self.json_behavior(json.on_empty.as_ref(), "EMPTY")?;
        self.json_behavior(json.on_error.as_ref(), "ERROR")
    }

    fn json_behavior(&mut self, behavior: Option<&JsonBehavior>, on: &str) -> Result<()> {
        let Some(behavior) = behavior else { return Ok(()) };
        let words = match behavior.kind {
            JsonBehaviorKind::Null => " NULL",
            JsonBehaviorKind::Error => " ERROR",
            JsonBehaviorKind::EmptyArray => " EMPTY ARRAY",
            JsonBehaviorKind::EmptyObject => " EMPTY OBJECT",
            JsonBehaviorKind::True => " TRUE",
            JsonBehaviorKind::False => " FALSE",
            JsonBehaviorKind::Unknown => " UNKNOWN",
            JsonBehaviorKind::Default(value) => {
                self.put(" DEFAULT ");
                self.expr(value)?;
                ""
            }
        };
        self.put(words);
        self.put(" ON ");
        self.put(on);
        Ok(())
    }

    pub(super) fn json_table(&mut self, table: &JsonTable) -> Result<()> {
        self.put(if table.lateral { "LATERAL JSON_TABLE(" } else { "JSON_TABLE(" });
        self.json_value(table.context, table.format)?;
        self.put(", ");
        self.json_path(&table.root)?;
        for (i, arg) in table.passing.iter().enumerate() {
            self.put(if i > 0 { ", " } else { " PASSING " });
            self.json_value(arg.value, arg.format)?;
            self.put(" AS ");
            self.ident(&arg.name.name);
        }
        self.json_columns(&table.root.columns)?;
        self.json_behavior(table.on_error.as_ref(), "ERROR")?;
        self.put(")");
        self.alias(table.alias.as_ref())
    }

    fn json_path(&mut self, path: &JsonTablePath) -> Result<()> {
        self.put(&quote_literal(&path.path));
        if let Some(name) = &path.name {
            self.put(" AS ");
            self.ident(&name.name);
        }
        Ok(())
    }

    fn json_columns(&mut self, columns: &[JsonTableColumn]) -> Result<()> {
        self.put(" COLUMNS (");
        self.list(columns, |printer, column| match column {
            JsonTableColumn::Ordinality(name) => {
                printer.ident(&name.name);
                printer.put(" FOR ORDINALITY");
                Ok(())
            }
            JsonTableColumn::Nested(path) => {
                printer.put("NESTED PATH ");
                printer.json_path(path)?;
                printer.json_columns(&path.columns)
            }
            JsonTableColumn::Value { name, path, call } => {
                printer.ident(&name.name);
                printer.put(" ");
                if let Some(ty) = &call.returning {
                    printer.type_name(ty)?;
                }
                printer.put(match call.form {
                    SqlJsonForm::Exists => " EXISTS",
                    SqlJsonForm::Query => " FORMAT JSON",
                    _ => "",
                });
                if let Some((path, _)) = path {
                    printer.put(" PATH ");
                    printer.put(&quote_literal(path));
                }
                printer.json_clauses(call)
            }
        })?;
        self.put(")");
        Ok(())
    }
}

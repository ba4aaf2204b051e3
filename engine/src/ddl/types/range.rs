//! CREATE TYPE ... AS RANGE: a range type, the multirange type over it, and their constructors.
//!
//! The constructors are functions of the catalog whose bodies are built in; they and the multirange type belong to the range type,
//! and go with it.
//!
//! Source: PostgreSQL's `typecmds.c` (`DefineRange`).

use std::sync::Arc;

use nq_qsql::catalog::{ParamMode, Routine, RoutineBody, RoutineParam, UserCast, UserCastMethod};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::opclass::ordering_operators;
use nq_qsql::func::{CastContext, Volatility};
use nq_qsql::parse::ast::{Ast, Def, ObjectName};
use nq_qsql::types::info::TypeKind;
use nq_qsql::types::range::RangeInfo;
use nq_qsql::types::user::{RangeType, UserKind};
use nq_qsql::types::{DataType, Oid, info, oid};
use nq_qsql::{bail, sql_err};

use super::exists;
use crate::catalog::object::{Class, Namespace, Object, ObjectKey, RoutineObject, routine_name};
use crate::ddl::define::{name_of, text_of, type_name_of};
use crate::ddl::names::object_name;
use crate::ddl::routine::duplicate;
use crate::roles::DefaultKind;
use crate::session::Session;

fn invalid(text: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_OBJECT_DEFINITION, text.into())
}

impl Session {
    pub(super) fn create_range(&mut self, ast: &Ast, name: &ObjectName, options: &[Def]) -> Result<()> {
        let namespace = self.type_schema(name)?;
        let object = name.object().name.clone();
        let array = |session: &Session, oid: Oid| {
            session.view().catalog.user_type(oid).is_some_and(|t| matches!(t.kind, UserKind::Array))
        };
        if let Some(taken) = self.view().catalog.type_oid(namespace.oid, &object)
            && !array(self, taken)
        {
            return Err(exists(&object));
        }
        let (mut element, mut opclass, mut collation, mut subdiff, mut multirange) =
            (None, None, None, None, None);
        for def in options {
            let twice = || sql_err!(SYNTAX_ERROR, "conflicting or redundant options");
            match &*def.name.name {
                "subtype" if element.is_none() => {
                    let ty = type_name_of(def)?;
                    element = Some(self.written_type(ast, &ty)?);
                }
                "subtype_opclass" if opclass.is_none() => opclass = Some(name_of(def)?),
                "collation" if collation.is_none() => collation = Some(name_of(def)?),
                "subtype_diff" if subdiff.is_none() => subdiff = Some(name_of(def)?),
                "multirange_type_name" if multirange.is_none() => multirange = Some(name_of(def)?),
                "canonical" => return Err(SqlError::unsupported("CANONICAL of a range type")),
                "subtype" | "subtype_opclass" | "collation" | "subtype_diff" | "multirange_type_name" => {
                    return Err(twice());
                }
                other => {
                    let _ = text_of(def);
                    bail!(SYNTAX_ERROR, "type attribute \"{other}\" not recognized")
                }
            }
        }
        let Some(element) = element else { bail!(SYNTAX_ERROR, "type attribute \"subtype\" is required") };
        let shown = self.view().type_name(element);
        if info::by_oid(element).is_some_and(|t| t.kind == TypeKind::Pseudo) {
            bail!(DATATYPE_MISMATCH, "range subtype cannot be {shown}");
        }
        if ordering_operators(element).is_err() {
            return Err(sql_err!(
                UNDEFINED_OBJECT,
                "data type {shown} has no default operator class for access method \"btree\""
            )
            .hint("You must specify an operator class for the range type or define a default operator class for the subtype."));
        }
        if let Some(written) = opclass
            && crate::ddl::index::opclass(&written, DataType::of(element))? != 0
        {
            return Err(SqlError::unsupported(format_args!("operator class \"{written}\" of a range type")));
        }
        let own = nq_qsql::bind::collation_of(element);
        let collation = match collation {
            None => own,
            Some(_) if own == 0 => {
                bail!(WRONG_OBJECT_TYPE, "range collation specified but subtype does not support collation")
            }
            Some(written) => self.collation(&written, DataType::of(element))?,
        };
        let subdiff = match subdiff {
            None => 0,
            Some(written) => {
                let found = self.lookup_function(&written, &[element, element])?;
                if found.result != oid::FLOAT8 {
                    return Err(invalid(format!(
                        "range subtype diff function {written}({shown}, {shown}) must return type double precision"
                    )));
                }
                found.oid
            }
        };
        let (range_oid, multirange_oid) = (self.db.next_oid()?, self.db.next_oid()?);
        let info = RangeInfo { range: range_oid, multirange: multirange_oid, element, discrete: false };
        let kind = RangeType { info, collation, subdiff };
        let made = self.put_new_type(range_oid, &object, &namespace, UserKind::Range(kind))?;
        let (schema, many) = match &multirange {
            Some(written) => (self.type_schema(written)?, written.object().name.clone()),
            None => (namespace.clone(), multirange_name(&object)),
        };
        if let Some(taken) = self.view().catalog.type_oid(schema.oid, &many)
            && !array(self, taken)
        {
            let error = exists(&many);
            return Err(match multirange {
                Some(_) => error,
                None => error
                    .detail(format!("Failed while creating a multirange type for type \"{object}\"."))
                    .hint("You can manually specify a multirange type name using the \"multirange_type_name\" attribute."),
            });
        }
        self.put_new_type(multirange_oid, &many, &schema, UserKind::Multirange(info))?;
        let range_array = made.ty.info.array_oid;
        let (one, all) = (ParamMode::In, ParamMode::Variadic);
        self.constructor(
            &namespace,
            &object,
            &[(one, element), (one, element)],
            range_oid,
            "range_constructor2",
        )?;
        let three = [(one, element), (one, element), (one, oid::TEXT)];
        self.constructor(&namespace, &object, &three, range_oid, "range_constructor3")?;
        self.constructor(&schema, &many, &[], multirange_oid, "multirange_constructor0")?;
        let cast =
            self.constructor(&schema, &many, &[(one, range_oid)], multirange_oid, "multirange_constructor1")?;
        self.constructor(&schema, &many, &[(all, range_array)], multirange_oid, "multirange_constructor2")?;
        let cast = UserCast {
            oid: self.db.next_oid()?,
            source: range_oid,
            target: multirange_oid,
            context: CastContext::Explicit,
            method: UserCastMethod::Function(cast),
        };
        self.claim_name(Class::Cast, range_oid, &multirange_oid.to_string(), cast.oid)?;
        self.put_object(ObjectKey::new(Class::Cast, cast.oid), Object::Cast(Arc::new(cast)))
    }

    /// Makes a constructor.
    fn constructor(
        &mut self,
        namespace: &Namespace,
        name: &str,
        params: &[(ParamMode, Oid)],
        result: Oid,
        body: &str,
    ) -> Result<Oid> {
        let param =
            |&(mode, ty): &(ParamMode, Oid)| RoutineParam { name: "".into(), mode, ty, default: None };
        let mut routine = Routine {
            oid: 0,
            namespace: namespace.oid,
            schema: (&*namespace.name).into(),
            name: name.into(),
            owner: self.host.current_user.oid,
            procedure: false,
            params: params.iter().map(param).collect(),
            result,
            returns_set: false,
            volatility: Volatility::Immutable,
            strict: body.starts_with("multirange"),
            leakproof: false,
            security_definer: false,
            parallel: b's',
            cost: 1.0,
            rows: 0.0,
            config: Vec::new(),
            body: RoutineBody { text: body.into(), standard: None },
            internal: true,
            aggregate: None,
        };
        routine.oid = self.db.next_oid()?;
        let unique = routine_name(&routine.name, &routine.input_types());
        if !self.claim_name(Class::Routine, routine.namespace, &unique, routine.oid)? {
            return Err(duplicate(&routine));
        }
        let acl = self.default_acl(DefaultKind::Function, routine.owner, routine.namespace);
        let oid = routine.oid;
        self.put_routine(RoutineObject { routine: Arc::new(routine), acl, depends: Vec::new() })?;
        Ok(oid)
    }
}

/// The name of the multirange type over a range type: `multirange` in the place of `range`, or `_multirange` behind.
fn multirange_name(range: &str) -> Box<str> {
    match range.find("range") {
        Some(at) => object_name(&format!("{}multirange{}", &range[..at], &range[at + 5..]), None, "").into(),
        None => object_name(range, None, "multirange").into(),
    }
}

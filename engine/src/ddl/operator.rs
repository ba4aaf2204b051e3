//! CREATE, ALTER and DROP OPERATOR.
//!
//! An operator that another one names as its commutator or negator before it exists is made as a *shell*: it has a name and operands,
//! and no function. CREATE OPERATOR fills it.
//!
//! Source: PostgreSQL's `operatorcmds.c` and `pg_operator.c`.

use std::sync::Arc;

use nq_qsql::catalog::{Catalog, UserOperator};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::functions;
use nq_qsql::parse::ast::{
    Ast, CreateOperator, Drop, Ident, ObjectId, ObjectName, OperatorName, Pos, TypeName,
};
use nq_qsql::types::io::RegResolver;
use nq_qsql::types::{Oid, oid};
use nq_qsql::{bail, sql_err};
use nq_storage::WaitPolicy;
use nq_storage::txn::lock::{LockClass, LockMode};

use super::define::{flag_of, name_of, operator_of, type_name_of};
use super::dependency::Target;
use crate::catalog::object::{Class, Namespace, Object, ObjectKey, operator_name};
use crate::catalog::system::data;
use crate::catalog::{FIRST_NORMAL_OID, PUBLIC_SCHEMA, acl, class};
use crate::error::store_error;
use crate::session::Session;
use crate::session::utility::Done;

/// Which of the two a linked operator is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Commutator,
    Negator,
}

/// What a statement that names an operator has found.
pub(crate) enum FoundOperator {
    User(Arc<UserOperator>),
    Builtin(Oid),
}

fn invalid(text: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::INVALID_FUNCTION_DEFINITION, text.into())
}

impl Session {
    /// CREATE OPERATOR.
    pub(crate) fn create_operator(&mut self, ast: &Ast, create: &CreateOperator) -> Result<Done> {
        let name = &create.name.name;
        let namespace = self.operator_schema(&create.name)?;
        let (mut left, mut right) = (0, 0);
        let (mut function, mut commutator, mut negator) = (None, None, None);
        let (mut restriction, mut join, mut hashes, mut merges) = (None, None, false, false);
        for def in &create.definition {
            match &*def.name.name {
                "leftarg" | "rightarg" => {
                    let ty = type_name_of(def)?;
                    if ty.setof {
                        return Err(invalid("SETOF type not allowed for operator argument"));
                    }
                    let side = if &*def.name.name == "leftarg" { &mut left } else { &mut right };
                    *side = self.written_type(ast, &ty)?;
                }
                "function" | "procedure" => function = Some(name_of(def)?),
                "commutator" => commutator = Some(operator_of(def)?),
                "negator" => negator = Some(operator_of(def)?),
                "restrict" => restriction = Some(name_of(def)?),
                "join" => join = Some(name_of(def)?),
                "hashes" => hashes = flag_of(def)?,
                "merges" => merges = flag_of(def)?,
                "sort1" | "sort2" | "ltcmp" | "gtcmp" => merges = true,
                other => {
                    self.host.warn(sql_err!(SYNTAX_ERROR, "operator attribute \"{other}\" not recognized"))
                }
            }
        }
        let Some(function) = function else {
            return Err(invalid("operator function must be specified"));
        };
        if right == 0 {
            return Err(match left {
                0 => invalid("operator argument types must be specified"),
                _ => invalid("operator right argument type must be specified")
                    .detail("Postfix operators are not supported."),
            });
        }
        for ty in [left, right].into_iter().filter(|ty| *ty != 0) {
            self.check_type_usage(ty)?;
        }
        let (function, result) = self.exact_function(&function, left, right)?;
        check_name(name)?;
        let binary = left != 0;
        let boolean = result == oid::BOOL;
        for (given, text) in [
            (commutator.is_some() && !binary, "only binary operators can have commutators"),
            (join.is_some() && !binary, "only binary operators can have join selectivity"),
            (merges && !binary, "only binary operators can merge join"),
            (hashes && !binary, "only binary operators can hash"),
            (negator.is_some() && !boolean, "only boolean operators can have negators"),
            (restriction.is_some() && !boolean, "only boolean operators can have restriction selectivity"),
            (join.is_some() && !boolean, "only boolean operators can have join selectivity"),
            (merges && !boolean, "only boolean operators can merge join"),
            (hashes && !boolean, "only boolean operators can hash"),
        ] {
            if given {
                return Err(invalid(text));
            }
        }
        let restriction = self.estimator(restriction.as_ref(), false)?;
        let join = self.estimator(join.as_ref(), true)?;
        let old = self.operator_in(namespace.oid, name, left, right);
        if old.as_ref().is_some_and(|o| o.function != 0) {
            return Err(exists(name));
        }
        if old.as_ref().is_some_and(|o| !self.owns(o.owner)) {
            bail!(INSUFFICIENT_PRIVILEGE, "must be owner of operator {name}");
        }
        let mut operator = UserOperator {
            oid: 0,
            namespace: namespace.oid,
            schema: (&*namespace.name).into(),
            name: name.clone(),
            owner: self.host.current_user.oid,
            left,
            right,
            result,
            function,
            commutator: 0,
            negator: 0,
            restriction,
            join,
            hashes,
            merges,
        };
        match &old {
            Some(shell) => operator.oid = shell.oid,
            None => {
                operator.oid = self.db.next_oid()?;
                self.claim_operator(&operator)?;
            }
        }
        if let Some(other) = &commutator {
            operator.commutator = self.linked(&operator, other, Link::Commutator)?;
        }
        if let Some(other) = &negator {
            operator.negator = self.linked(&operator, other, Link::Negator)?;
        }
        self.put_operator(operator.clone())?;
        self.link_back(&operator)?;
        Done::tag("CREATE OPERATOR")
    }

    /// The schema that a new operator goes into.
    fn operator_schema(&mut self, name: &OperatorName) -> Result<Arc<Namespace>> {
        let own = Ident { name: name.name.clone(), pos: u32::MAX };
        let parts = name.schema.iter().cloned().chain([own]).collect();
        self.creation_schema(&ObjectName(parts), false)
    }

    pub(crate) fn put_operator(&mut self, operator: UserOperator) -> Result<()> {
        let key = ObjectKey::new(Class::Operator, operator.oid);
        self.put_object(key, Object::Operator(Arc::new(operator)))
    }

    fn claim_operator(&mut self, o: &UserOperator) -> Result<()> {
        match self.claim_name(
            Class::Operator,
            o.namespace,
            &operator_name(&o.name, o.left, o.right),
            o.oid,
        )? {
            true => Ok(()),
            false => Err(exists(&o.name)),
        }
    }

    fn operator_in(&self, namespace: Oid, name: &str, left: Oid, right: Oid) -> Option<Arc<UserOperator>> {
        let same = |o: &&Arc<UserOperator>| o.namespace == namespace && o.left == left && o.right == right;
        self.view().catalog.operations().operators_named(name).find(same).cloned()
    }

    /// The function with exactly these parameters.
    fn exact_function(&mut self, name: &ObjectName, left: Oid, right: Oid) -> Result<(Oid, Oid)> {
        let types: Vec<Oid> = [left, right].into_iter().filter(|ty| *ty != 0).collect();
        let view = self.view().clone();
        let schema = name.schema().map(|s| &*s.name);
        if let Some(schema) = schema
            && view.namespace(schema).is_none()
        {
            bail!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist");
        }
        let mut users = view.routines(schema, name.object());
        users.retain(|(_, r)| r.input_types() == types && !r.procedure && r.aggregate.is_none());
        users.sort_by_key(|(place, _)| *place);
        let place = view.path.iter().position(|n| *n == crate::catalog::PG_CATALOG).unwrap_or(0);
        let builtin = match schema {
            None | Some("pg_catalog") => functions(name.object()).iter().find(|f| *f.args == *types),
            Some(_) => None,
        };
        let user = users.into_iter().next().filter(|(at, _)| builtin.is_none() || *at < place);
        match (user, builtin) {
            (Some((_, routine)), _) => {
                self.host.check_execute(&routine)?;
                if routine.returns_set {
                    return Err(SqlError::unsupported("an operator that returns a set"));
                }
                Ok((routine.oid, routine.result))
            }
            (None, Some(func)) if matches!(func.body, nq_qsql::func::Body::Scalar(_)) => {
                Ok((func.oid, func.result))
            }
            _ => {
                let types: Vec<String> = types.iter().map(|ty| view.type_name(*ty)).collect();
                bail!(UNDEFINED_FUNCTION, "function {name}({}) does not exist", types.join(", "))
            }
        }
    }

    /// The OID of an estimator, one of PostgreSQL's; they serve no purpose here but to be shown.
    fn estimator(&mut self, name: Option<&ObjectName>, join: bool) -> Result<Oid> {
        let Some(name) = name else { return Ok(0) };
        let (what, types) = match join {
            false => ("restriction", "internal, oid, internal, integer"),
            true => ("join", "internal, oid, internal, smallint, internal"),
        };
        let wanted = if join { 5 } else { 4 };
        let built_in = name.schema().is_none_or(|s| &*s.name == "pg_catalog");
        let all = data::procs_named(name.object());
        let found = all.iter().find(|p| built_in && p.args().count() == wanted);
        match found {
            Some(p) if p.result() == oid::FLOAT8 => Ok(p.oid),
            Some(_) => {
                bail!(
                    INVALID_OBJECT_DEFINITION,
                    "{what} estimator function {name} must return type double precision"
                )
            }
            None => bail!(UNDEFINED_FUNCTION, "function {name}({types}) does not exist"),
        }
    }

    /// The operator that another one names as its commutator or negator; a shell where there is none yet.
    fn linked(&mut self, of: &UserOperator, name: &OperatorName, link: Link) -> Result<Oid> {
        let (left, right) = match link {
            Link::Commutator => (of.right, of.left),
            Link::Negator => (of.left, of.right),
        };
        let schema = name.schema.last().map(|s| &*s.name);
        let itself = *name.name == *of.name
            && (left, right) == (of.left, of.right)
            && schema.is_none_or(|schema| *schema == *of.schema);
        if itself {
            return match link {
                Link::Commutator => Ok(of.oid),
                Link::Negator => Err(invalid("operator cannot be its own negator")),
            };
        }
        if let Some(found) = self.view().find_exact_operator(schema, &name.name, left, right) {
            if let Some(other) = self.view().catalog.operations().operator(found).cloned() {
                if !self.owns(other.owner) {
                    bail!(INSUFFICIENT_PRIVILEGE, "must be owner of operator {}", other.name);
                }
                let (taken, word) = match link {
                    Link::Commutator => (other.commutator, "commutator"),
                    Link::Negator => (other.negator, "negator"),
                };
                if taken != 0 && taken != of.oid {
                    let by = self.view().operator_shown(taken);
                    return Err(invalid(format!(
                        "{word} operator {} is already the {word} of operator {by}",
                        other.name
                    )));
                }
            }
            return Ok(found);
        }
        let namespace = self.operator_schema(name)?;
        let shell = UserOperator {
            oid: self.db.next_oid()?,
            namespace: namespace.oid,
            schema: (&*namespace.name).into(),
            name: name.name.clone(),
            owner: self.host.current_user.oid,
            left,
            right,
            result: 0,
            function: 0,
            commutator: 0,
            negator: 0,
            restriction: 0,
            join: 0,
            hashes: false,
            merges: false,
        };
        check_name(&shell.name)?;
        self.claim_operator(&shell)?;
        let oid = shell.oid;
        self.put_operator(shell)?;
        Ok(oid)
    }

    /// Tells the commutator and the negator of an operator who they belong to.
    fn link_back(&mut self, operator: &UserOperator) -> Result<()> {
        for (other, link) in [(operator.commutator, Link::Commutator), (operator.negator, Link::Negator)] {
            let Some(found) = self.view().catalog.operations().operator(other).cloned() else { continue };
            let mut changed = (*found).clone();
            match link {
                Link::Commutator => changed.commutator = operator.oid,
                Link::Negator => changed.negator = operator.oid,
            }
            if changed != *found {
                self.put_operator(changed)?;
            }
        }
        Ok(())
    }

    /// The operator of a name over operands of exactly these types.
    ///
    /// # Errors
    /// 42883 `operator does not exist: integer < integer`.
    pub(crate) fn need_operator(&mut self, name: &OperatorName, left: Oid, right: Oid) -> Result<Oid> {
        let schema = name.schema.last();
        if let Some(schema) = schema
            && self.view().namespace(schema).is_none()
        {
            bail!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name);
        }
        if let Some(schema) = schema
            && !self.view().may_use_namespace(schema)
        {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", schema.name);
        }
        let found = self.view().find_exact_operator(schema.map(|s| &*s.name), &name.name, left, right);
        found.ok_or_else(|| {
            let symbol = written(name);
            let right = self.view().type_name(right);
            match left {
                0 => sql_err!(UNDEFINED_FUNCTION, "operator does not exist: {symbol} {right}"),
                left => {
                    let left = self.view().type_name(left);
                    sql_err!(UNDEFINED_FUNCTION, "operator does not exist: {left} {symbol} {right}")
                }
            }
        })
    }

    /// The operator that a statement names with its operands.
    pub(crate) fn named_operator(
        &mut self,
        ast: &Ast,
        (name, left, right): (&OperatorName, Option<&TypeName>, Option<&TypeName>),
        pos: Pos,
    ) -> Result<FoundOperator> {
        let Some(right) = right else {
            return Err(sql_err!(SYNTAX_ERROR, "postfix operators are not supported").at(pos));
        };
        let left = left.map_or(Ok(0), |ty| self.written_type(ast, ty))?;
        let right = self.written_type(ast, right)?;
        let oid = self.need_operator(name, left, right)?;
        Ok(match self.view().catalog.operations().operator(oid) {
            Some(operator) => FoundOperator::User(operator.clone()),
            None => FoundOperator::Builtin(oid),
        })
    }

    /// The operator, which the current user owns.
    pub(crate) fn own_operator(&self, found: FoundOperator) -> Result<Arc<UserOperator>> {
        match found {
            FoundOperator::User(operator) if self.owns(operator.owner) => Ok(operator),
            FoundOperator::User(operator) => {
                bail!(INSUFFICIENT_PRIVILEGE, "must be owner of operator {}", operator.name)
            }
            FoundOperator::Builtin(oid) => {
                let name = nq_qsql::func::operator_by_oid(oid).map_or("", |o| o.name);
                self.check_superuser(&format!("must be owner of operator {name}"))?;
                Err(SqlError::unsupported("changing a built-in operator"))
            }
        }
    }

    /// An operator as it is once it is locked.
    fn lock_operator(&mut self, oid: Oid) -> Result<Arc<UserOperator>> {
        self.txn()
            .lock_object(LockClass::Object, u64::from(oid), LockMode::AccessExclusive, WaitPolicy::Wait)
            .map_err(store_error)?;
        self.db.settle();
        self.ready_view();
        match self.view().catalog.operations().operator(oid) {
            Some(operator) => Ok(operator.clone()),
            None => bail!(UNDEFINED_FUNCTION, "operator with OID {oid} does not exist"),
        }
    }

    /// ALTER OPERATOR ... OWNER TO.
    pub(crate) fn alter_operator_owner(&mut self, found: FoundOperator, owner: Oid) -> Result<()> {
        let operator = self.own_operator(found)?;
        let operator = self.lock_operator(operator.oid)?;
        if operator.owner == owner {
            return Ok(());
        }
        self.check_may_become(owner)?;
        if !self.host.is_superuser()
            && let Some(namespace) = self.view().catalog.namespace(operator.namespace)
            && self.schema_privileges(namespace, owner) & acl::CREATE == 0
        {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        self.put_operator(UserOperator { owner, ..(*operator).clone() })
    }

    /// ALTER OPERATOR ... SET SCHEMA.
    pub(crate) fn alter_operator_schema(&mut self, found: FoundOperator, schema: &Ident) -> Result<()> {
        let operator = self.own_operator(found)?;
        let operator = self.lock_operator(operator.oid)?;
        let oid = self.need_namespace(&Ident { pos: u32::MAX, ..schema.clone() })?;
        if oid == operator.namespace {
            return Ok(());
        }
        let Some(namespace) = self.view().catalog.namespace(oid).cloned() else {
            bail!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", schema.name)
        };
        if oid < FIRST_NORMAL_OID && oid != PUBLIC_SCHEMA {
            bail!(INSUFFICIENT_PRIVILEGE, "permission denied for schema {}", namespace.name);
        }
        self.check_schema_privilege(&namespace, acl::CREATE)?;
        let (left, right) = (operator.left, operator.right);
        if self.operator_in(oid, &operator.name, left, right).is_some() {
            let (name, to) = ("pg_operator_oprname_l_r_n_index", namespace.oid);
            return Err(sql_err!(
                UNIQUE_VIOLATION,
                "duplicate key value violates unique constraint \"{name}\""
            )
            .detail(format!(
                "Key (oprname, oprleft, oprright, oprnamespace)=({}, {left}, {right}, {to}) already exists.",
                operator.name
            ))
            .object("pg_catalog", "pg_operator", "", name));
        }
        let moved = UserOperator { namespace: oid, schema: (&*namespace.name).into(), ..(*operator).clone() };
        let held = self.hold_uses(operator.oid)?;
        let name = operator_name(&operator.name, left, right);
        self.release_name(Class::Operator, operator.namespace, &name)?;
        self.claim_operator(&moved)?;
        self.put_operator(moved)?;
        self.restore_uses(held)
    }

    /// The operators of a schema know its name.
    pub(crate) fn rename_schema_of_operators(&mut self, namespace: &Namespace, new: &str) -> Result<()> {
        let all: Vec<Arc<UserOperator>> =
            self.view().catalog.operations().operators().into_iter().cloned().collect();
        for operator in all.into_iter().filter(|o| o.namespace == namespace.oid) {
            let held = self.hold_uses(operator.oid)?;
            self.put_operator(UserOperator { schema: new.into(), ..(*operator).clone() })?;
            self.restore_uses(held)?;
        }
        Ok(())
    }

    /// DROP OPERATOR.
    pub(crate) fn drop_operators(&mut self, ast: &Ast, drop: &Drop) -> Result<Done> {
        let mut roots = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            let ObjectId::Operator { name, left, right } = &object.id else { continue };
            let named = (name, left.as_deref(), right.as_deref());
            let found = match self.named_operator(ast, named, object.pos) {
                Ok(found) => found,
                Err(error)
                    if drop.if_exists
                        && [
                            SqlState::UNDEFINED_FUNCTION,
                            SqlState::INVALID_SCHEMA_NAME,
                            SqlState::UNDEFINED_OBJECT,
                        ]
                        .contains(&error.code()) =>
                {
                    match error.code() {
                        SqlState::UNDEFINED_FUNCTION => {
                            self.host.skipping(format!("operator {} does not exist, skipping", written(name)))
                        }
                        _ => self.host.skipping(format!("{}, skipping", error.message())),
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let FoundOperator::Builtin(oid) = found {
                let name = nq_qsql::func::operator_by_oid(oid).map_or("", |o| o.name);
                self.check_superuser(&format!("must be owner of operator {name}"))?;
                let shown = self.view().reg_name(oid::REGOPERATOR, oid).unwrap_or_default();
                bail!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop operator {shown} because it is required by the database system"
                );
            }
            let FoundOperator::User(operator) = found else { continue };
            let schema = self.view().catalog.namespace(operator.namespace).map(|n| n.owner);
            if !schema.is_some_and(|owner| self.owns(owner)) {
                self.own_operator(FoundOperator::User(operator.clone()))?;
            }
            self.lock_operator(operator.oid)?;
            if !roots.contains(&Target::Operator(operator.oid)) {
                roots.push(Target::Operator(operator.oid));
            }
        }
        let deletion = self.plan_deletion(&roots, None)?;
        self.announce_deletion(&deletion, drop.cascade)?;
        self.carry_out_deletion(&deletion, None)?;
        Done::tag("DROP OPERATOR")
    }

    /// Removes an operator; those that name it as their commutator or negator do so no more.
    pub(crate) fn remove_operator(&mut self, oid: Oid) -> Result<()> {
        let Some(operator) = self.view().catalog.operations().operator(oid).cloned() else { return Ok(()) };
        let all: Vec<Arc<UserOperator>> =
            self.view().catalog.operations().operators().into_iter().cloned().collect();
        for other in all.iter().filter(|o| o.oid != oid && (o.commutator == oid || o.negator == oid)) {
            let keep = |linked: Oid| if linked == oid { 0 } else { linked };
            self.put_operator(UserOperator {
                commutator: keep(other.commutator),
                negator: keep(other.negator),
                ..(**other).clone()
            })?;
        }
        let name = operator_name(&operator.name, operator.left, operator.right);
        self.release_name(Class::Operator, operator.namespace, &name)?;
        self.remove_comments(class::OPERATOR, oid)?;
        self.remove_object(ObjectKey::new(Class::Operator, oid))
    }
}

impl crate::catalog::lookup::CatalogView {
    /// `+++(integer,integer)`
    pub(crate) fn operator_shown(&self, oid: Oid) -> String {
        self.reg_name(oid::REGOPERATOR, oid).unwrap_or_else(|| oid.to_string())
    }
}

/// An operator's name as it was written.
fn written(name: &OperatorName) -> String {
    let mut out = String::new();
    for part in &name.schema {
        out.push_str(&part.name);
        out.push('.');
    }
    out + &name.name
}

/// 42723
fn exists(name: &str) -> SqlError {
    sql_err!(DUPLICATE_FUNCTION, "operator {name} already exists")
}

/// # Errors
/// 42602 for what is no operator's name.
fn check_name(name: &str) -> Result<()> {
    const CHARS: &str = "~!@#^&|`?+-*/%<>=";
    let ends = name.len() > 1
        && name.ends_with(['+', '-'])
        && !name.contains(['~', '!', '@', '#', '^', '&', '|', '`', '?', '%']);
    let bad = name.is_empty()
        || name.len() >= 64
        || !name.chars().all(|c| CHARS.contains(c))
        || name.contains("/*")
        || name.contains("--")
        || ends
        || name == "=>"
        || name == "!=";
    match bad {
        true => bail!(INVALID_NAME, "\"{name}\" is not a valid operator name"),
        false => Ok(()),
    }
}

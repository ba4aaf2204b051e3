//! CREATE, ALTER and DROP of functions and procedures, and CALL.
//!
//! A routine's name is unique in its schema together with the types of its input parameters. Its body is kept as it was written; one
//! of standard form (`RETURN`, `BEGIN ATOMIC`) with the schemas that its names were looked up in, and with what it cannot be without.

mod aggregate;
mod alter;
mod attributes;
mod call;
mod create;
mod find;
mod uses;

use std::sync::Arc;

use nq_qsql::catalog::Routine;
use nq_qsql::error::Result;
use nq_qsql::types::Oid;
use nq_storage::WaitPolicy;
use nq_storage::txn::lock::{LockClass, LockMode};

use crate::catalog::class;
use crate::catalog::object::{Class, Object, ObjectKey, RoutineObject, routine_name};
use crate::error::store_error;
use crate::session::Session;

pub(super) use create::duplicate;
pub(crate) use find::Found;
pub(crate) use uses::called_routines;

impl Session {
    /// Stores a function or procedure.
    pub(crate) fn put_routine(&mut self, object: RoutineObject) -> Result<()> {
        let key = ObjectKey::new(Class::Routine, object.routine.oid);
        self.put_object(key, Object::Routine(Arc::new(object)))
    }

    /// A function or procedure that a statement changes, locked against others who do.
    pub(crate) fn lock_routine(&mut self, oid: Oid) -> Result<Option<Arc<RoutineObject>>> {
        self.txn()
            .lock_object(LockClass::Object, u64::from(oid), LockMode::AccessExclusive, WaitPolicy::Wait)
            .map_err(store_error)?;
        self.db.settle();
        self.ready_view();
        Ok(self.view().catalog.routine(oid).cloned())
    }

    /// Removes a function or procedure: its object, name and comment.
    pub(crate) fn remove_routine(&mut self, oid: Oid) -> Result<()> {
        let Some(object) = self.lock_routine(oid)? else { return Ok(()) };
        let routine = &object.routine;
        let name = routine_name(&routine.name, &routine.input_types());
        self.release_name(Class::Routine, routine.namespace, &name)?;
        self.remove_comments(class::PROC, oid)?;
        self.remove_object(ObjectKey::new(Class::Routine, oid))
    }

    /// A routine as messages call it: `f(integer)`.
    pub(crate) fn routine_signature(&self, routine: &Routine, separator: &str) -> String {
        let view = self.view();
        let types: Vec<String> = routine.input_types().iter().map(|ty| view.type_name(*ty)).collect();
        format!("{}({})", routine.name, types.join(separator))
    }
}

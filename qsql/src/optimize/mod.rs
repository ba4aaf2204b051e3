//! The optimiser: from the logical algebra to a physical plan.
//!
//! ```text
//!   inline CTEs -> simplify -> unnest subqueries -> push predicates -> order joins -> lower
//!                  (fold)      (unnest)             (pushdown)         (join_order)   (lower, access, cost)
//! ```
//! Each rule is a function over the algebra; any of them may be left out and the plan stays right. Subqueries that no rule
//! unnests become SubPlans with exec params in `lower`.

pub(crate) mod fold;

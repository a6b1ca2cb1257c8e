//! Decides: commands, events, state, rules and policy packs. Pure: no I/O, no clock, no randomness.
//!
//! Reading order: [`kernel`] (the three traits), [`case`] and [`points`] (the aggregates: events, state, one file a
//! command), [`policy`] (rule values as dated data), [`finding`] (what an inspection looks for), [`register`]
//! (what a station lists), [`rejection`] (every way to say no, in two languages).

pub mod account;
pub mod calendar;
pub mod case;
pub mod fact;
pub mod finding;
pub mod kernel;
pub mod metadata;
pub mod org_unit;
pub mod person;
pub mod personal;
pub mod points;
pub mod policy;
pub mod policy_book;
pub mod register;
pub mod rejection;
#[cfg(any(test, feature = "spec"))]
pub mod spec;

pub use fact::Fact;
pub use jiff::civil::Date;
pub use kernel::{Aggregate, Claim, Command, Context, DecodeError, Event, Follows, Principal, Role};
pub use metadata::{Channel, Metadata};
pub use personal::{Field, FieldClass, Personal};
pub use policy::{Policy, PolicyChange};
pub use rejection::{Reason, Rejection, RejectionKind};

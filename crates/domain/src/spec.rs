//! given(history).when(command): rules as examples.

use jiff::civil::Date;

use crate::kernel::{Aggregate, Command, Context, Principal, Role};
use crate::policy::{Policy, PolicyChange};
use crate::rejection::{Reason, Rejection};

/// A history to ask a command of.
#[derive(Clone)]
pub struct Given<A: Aggregate> {
    state: A,
    today: Date,
    actor: Principal,
    policy: PolicyChange,
}

/// Starts from a history; the actor is a case worker of the station `station-qinglongshan`.
pub fn given<A: Aggregate>(history: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    for event in history {
        state.evolve(&event);
    }
    let actor = Principal {
        id: "worker-1".into(),
        role: Role::CaseWorker,
        station: "station-qinglongshan".into(),
    };
    Given {
        state,
        today: jiff::civil::date(2026, 3, 2),
        actor,
        policy: PolicyChange {
            valid_from: crate::calendar::FIRST_DAY,
            set: Vec::new(),
        },
    }
}

impl<A: Aggregate> Given<A> {
    /// Sets the day of the decision (else 2026-03-02, a Monday).
    #[must_use]
    pub fn on(self, today: Date) -> Self {
        Self { today, ..self }
    }

    /// Sets who asks.
    #[must_use]
    pub fn by(self, id: &str, role: Role) -> Self {
        Self {
            actor: Principal {
                id: id.into(),
                role,
                ..self.actor
            },
            ..self
        }
    }

    /// Sets who asks, of another station.
    #[must_use]
    pub fn at(self, id: &str, role: Role, station: &str) -> Self {
        let actor = Principal {
            id: id.into(),
            role,
            station: station.into(),
        };
        Self { actor, ..self }
    }

    /// Sets values that the station has set, from the first day on.
    #[must_use]
    pub fn under(mut self, set: &[(&str, &str)]) -> Self {
        let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.policy.set.extend(set);
        self
    }

    /// Decides.
    ///
    /// # Errors
    /// What the command says no with.
    pub fn when<C: Command<Aggregate = A>>(&self, command: &C) -> Result<Vec<A::Event>, Rejection> {
        let policy = Policy::shipped(&self.actor.station).with_change(&self.policy)?;
        command.decide(
            &self.state,
            &Context {
                today: self.today,
                actor: &self.actor,
                policy: &policy,
            },
        )
    }

    /// Decides, and expects a no for this reason.
    ///
    /// # Panics
    /// When the command is accepted.
    pub fn reason<C: Command<Aggregate = A>>(&self, command: &C) -> Reason {
        self.when(command).expect_err("the command is refused").reason
    }

    /// Decides and folds what follows, for histories longer than one command.
    ///
    /// # Panics
    /// When the command is refused.
    #[must_use]
    pub fn then<C: Command<Aggregate = A>>(mut self, command: &C) -> Self {
        let events = self
            .when(command)
            .unwrap_or_else(|rejection| panic!("{}: {rejection}", C::NAME));
        for event in &events {
            self.state.evolve(event);
        }
        self
    }

    /// The folded state.
    pub fn state(&self) -> &A {
        &self.state
    }
}

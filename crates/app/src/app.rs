//! The one door: everything transports, the clock and the command line may ask for.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use waystation_domain::account::Account;
use waystation_domain::case::Case;
use waystation_domain::org_unit::OrgUnit;
use waystation_domain::person::Person;
use waystation_domain::points::PointsAccount;
use waystation_domain::policy_book::PolicyBook;
use waystation_domain::{Command, calendar};
use waystation_storage::{Log, LogName, Store, StoreOptions, ViewStore};
use waystation_trust::Keyring;

use crate::aggregates::Aggregates;
use crate::belief::Beliefs;
use crate::budget::Budgets;
use crate::clock::Clock;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::keyring_source::KeyringSource;
use crate::permission::Permissions;
use crate::projection::{Board, Projections, ViewStatus};
use crate::rules::Policies;
use crate::sessions::Logins;
use crate::system;
use crate::vault::Vault;

/// Persons whose registration is held apart from another of the same.
const REGISTERING_KEPT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("is not zero");

/// How often [`App::catch_up`] tells how far it is.
const CATCH_UP_STEP: Duration = Duration::from_millis(200);

/// How to open the app.
pub struct AppOptions {
    /// Database URL; see [`StoreOptions::url`].
    pub database: String,
    /// Where keys are kept; see [`StoreOptions::keys`].
    pub keys: Option<String>,
    /// Where the keyring is kept.
    pub keyring: KeyringSource,
    /// Create or migrate the database.
    pub migrate: bool,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

/// A running Waystation without transports.
pub struct App {
    store: Store,
    clock: Arc<dyn Clock>,
    policies: Mutex<Policies>,
    cases: Aggregates<Case>,
    accounts: Aggregates<PointsAccount>,
    people: Aggregates<Person>,
    staff: Aggregates<Account>,
    books: Aggregates<PolicyBook>,
    units: Aggregates<OrgUnit>,
    permissions: Permissions,
    vault: Vault,
    emergencies: tokio::sync::Mutex<()>,
    simulations: tokio::sync::Mutex<()>,
    registers: tokio::sync::Mutex<()>,
    scans: tokio::sync::Mutex<()>,
    budgets: Budgets,
    logins: Logins,
    registering: Beliefs<()>,
    projections: Projections,
}

impl App {
    /// Opens the database and starts the projections. The clock actor is separate: see [`App::run_clock`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(options: AppOptions) -> Result<Self, AppError> {
        let time = Arc::clone(&options.clock);
        let store = Store::open(StoreOptions {
            url: options.database,
            keys: options.keys,
            migrate: options.migrate,
            time: Arc::new(move || time.now_us()),
        })
        .await?;
        let vault = Vault::new(store.keys().clone(), options.keyring);
        system::begin(store.log(LogName::Main), &vault).await?;
        vault.expect(system::keyring_of(store.log(LogName::Main)).await?);
        let projections = Projections::start(store.log(LogName::Main).clone(), store.views().clone()).await?;
        Ok(Self {
            store,
            clock: options.clock,
            policies: Mutex::new(Policies::new()),
            cases: Aggregates::new(),
            accounts: Aggregates::new(),
            people: Aggregates::new(),
            staff: Aggregates::new(),
            books: Aggregates::new(),
            units: Aggregates::new(),
            permissions: Permissions::shipped()?,
            vault,
            emergencies: tokio::sync::Mutex::default(),
            simulations: tokio::sync::Mutex::default(),
            registers: tokio::sync::Mutex::default(),
            scans: tokio::sync::Mutex::default(),
            budgets: Budgets::default(),
            logins: Logins::default(),
            registering: Beliefs::new(REGISTERING_KEPT_MAX),
            projections,
        })
    }

    /// Stops the projections and the writers after what waits is committed and answered.
    pub async fn close(self) {
        self.projections.stop().await;
        self.store.close().await;
    }

    /// Whether nothing was recorded yet but the event with which a log begins.
    pub fn is_new(&self) -> bool {
        self.store.log(LogName::Main).head().size <= 1
    }

    /// Asks something of a case.
    ///
    /// # Errors
    /// [`AppError::Rejected`], [`AppError::RevisionMismatch`], [`AppError::RequestReused`], [`AppError::Contention`]:
    /// nothing was written. [`AppError::Storage`]: see [`waystation_storage::StorageError`].
    pub async fn case<C: Command<Aggregate = Case>>(
        &self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        self.run(&self.cases, id, command, envelope).await
    }

    /// Asks something of a points account; its id is the person's.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn points<C: Command<Aggregate = PointsAccount>>(
        &self,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        self.check_person(id, &envelope.principal).await?;
        self.run(&self.accounts, id, command, envelope).await
    }

    /// The store, for chores on the whole log: verification, proofs, subscriptions.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where every view is.
    pub fn projections(&self) -> Vec<ViewStatus> {
        self.projections.board().all()
    }

    /// Begins to rebuild one view, or all, beside the live ones. Says which.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::InProgress`], [`AppError::Storage`].
    pub async fn rebuild(&self, view: Option<&str>) -> Result<Vec<&'static str>, AppError> {
        self.projections.rebuild(view).await
    }

    /// Waits, however long it takes, until every view that has not halted is where the log ended when this was called;
    /// `progress` hears of the slowest.
    pub async fn catch_up(&self, mut progress: impl FnMut(u64, u64) + Send) {
        let head = self.main().head().size;
        for view in self.board().all() {
            loop {
                match self.board().wait(view.view, head, CATCH_UP_STEP).await {
                    Ok(_) => break,
                    Err(AppError::ProjectionBehind { position, .. }) => progress(position, head),
                    // It stays where it is; whoever asks it is told.
                    Err(_) => break,
                }
            }
        }
    }

    /// The time, microseconds since 1970 UTC.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// Where the time comes from.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The person a case is about; empty when there is no such case.
    ///
    /// # Errors
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn person_of(&self, case: &str) -> Result<String, AppError> {
        let slot = self.cases.lock(case, self.main()).await?;
        Ok(slot.state.person.clone())
    }

    /// The keyring, for keyed digests of what must not be guessed from them.
    ///
    /// # Errors
    /// When it cannot be read, or is another log's.
    pub async fn keyring(&self) -> Result<Arc<Keyring>, AppError> {
        self.vault.ring().await
    }

    pub(crate) fn main(&self) -> &Log {
        self.store.log(LogName::Main)
    }

    pub(crate) fn cases(&self) -> &Aggregates<Case> {
        &self.cases
    }

    pub(crate) fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }

    /// Whoever holds it tries a policy: each reads the whole log.
    pub(crate) fn simulations(&self) -> &tokio::sync::Mutex<()> {
        &self.simulations
    }

    /// Whoever holds it folds the cases of a station for a register.
    pub(crate) fn registers(&self) -> &tokio::sync::Mutex<()> {
        &self.registers
    }

    /// Whoever holds it reads the log for what few events say; apart from those who try policies and inspect.
    pub(crate) fn scans(&self) -> &tokio::sync::Mutex<()> {
        &self.scans
    }

    /// The day it is in China.
    pub fn today(&self) -> Date {
        calendar::day_of(self.now_us())
    }

    pub(crate) fn emergencies(&self) -> &tokio::sync::Mutex<()> {
        &self.emergencies
    }

    pub(crate) fn registering(&self) -> &Beliefs<()> {
        &self.registering
    }

    pub(crate) fn people(&self) -> &Aggregates<Person> {
        &self.people
    }

    pub(crate) fn accounts_of_staff(&self) -> &Aggregates<Account> {
        &self.staff
    }

    /// Who may do what.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) fn views(&self) -> &ViewStore {
        self.store.views()
    }

    pub(crate) fn board(&self) -> &Board {
        self.projections.board()
    }

    pub(crate) fn policies(&self) -> &Mutex<Policies> {
        &self.policies
    }

    pub(crate) fn units(&self) -> &Aggregates<OrgUnit> {
        &self.units
    }

    pub(crate) fn books(&self) -> &Aggregates<PolicyBook> {
        &self.books
    }
}

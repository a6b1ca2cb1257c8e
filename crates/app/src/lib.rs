//! Runs: executes commands, projects views, answers queries, runs the clock. The one door for transports.

mod clock;

pub use clock::{Clock, ManualClock, SystemClock};
pub use waystation_storage::{Finding, LogName, StorageError, Store, StoreOptions, TreeHead, VerifyReport};

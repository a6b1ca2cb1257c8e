//! The clock of a made-up year: stands where it is put, until it is released to the real time.

use std::sync::atomic::{AtomicI64, Ordering};

use waystation_app::{Clock, SystemClock};
use waystation_domain::{Date, calendar};

const NINE_HOURS_US: i64 = 9 * 3_600 * 1_000_000;

/// 0: the machine's time.
#[derive(Default)]
pub(super) struct DemoClock {
    set_us: AtomicI64,
}

impl DemoClock {
    /// Nine o'clock on a day in China.
    pub(super) fn set_morning(&self, day: Date) {
        self.set_us
            .store(calendar::start_of(day) + NINE_HOURS_US, Ordering::SeqCst);
    }

    pub(super) fn release(&self) {
        self.set_us.store(0, Ordering::SeqCst);
    }
}

impl Clock for DemoClock {
    fn now_us(&self) -> i64 {
        match self.set_us.load(Ordering::SeqCst) {
            0 => SystemClock.now_us(),
            set => set,
        }
    }
}

//! From which sequence on rows have to be read again, because a transaction that was open at an earlier
//! reading may have been committed since.
//!
//! Transactions are numbered when they first write, and a row takes the next value of its sequence
//! after that. So what a transaction that a reading did not see has written is larger than anything
//! that was there before the transaction had a number. What takes its value earlier (`now()` of a
//! transaction that waits before it writes) is found by the comparison of all rows.

use std::collections::VecDeque;

/// Readings that are kept. More are only needed where a transaction stays open for that many: then the
/// oldest one counts, and more is read than has to be.
const READINGS_MAX: usize = 1_000;

/// Earlier readings, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Horizon {
    readings: VecDeque<Reading>,
    /// Whether all transactions open at the last reading began after the oldest one.
    is_settled: bool,
}

#[derive(Debug)]
struct Reading {
    /// Every transaction with this number or a larger one began after it.
    xmax: u64,
    /// The largest sequence it saw, as text.
    last: String,
}

impl Horizon {
    /// A reading has seen everything up to `last` that is committed in its snapshot, in which
    /// transactions before `xmin` are over and those from `xmax` on have not begun.
    pub(super) fn saw(&mut self, xmin: u64, xmax: u64, last: String) {
        self.readings.push_back(Reading { xmax, last });
        // The newest of those that all transactions open now began after.
        let over = self
            .readings
            .iter()
            .rposition(|reading| reading.xmax <= xmin);
        self.readings.drain(..over.unwrap_or(0));
        if self.readings.len() > READINGS_MAX {
            // The oldest stays: nothing after it may take its place.
            self.readings.remove(1);
        }
        self.is_settled |= over.is_some();
    }

    /// From where on to read; `None` where all rows have to be.
    pub(super) fn since(&self) -> Option<&str> {
        self.readings
            .front()
            .filter(|_| self.is_settled)
            .map(|reading| reading.last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_open_at_a_reading_is_read_again_until_it_is_over() {
        let mut horizon = Horizon::default();
        assert_eq!(horizon.since(), None);
        // Nothing is open.
        horizon.saw(10, 10, "100".to_owned());
        assert_eq!(horizon.since(), Some("100"));
        // 10 is open, 11 is committed: what 10 writes is larger than what was there before it.
        horizon.saw(10, 12, "105".to_owned());
        assert_eq!(horizon.since(), Some("100"));
        horizon.saw(10, 15, "110".to_owned());
        assert_eq!(horizon.since(), Some("100"));
        // It is over; 14 is not.
        horizon.saw(14, 16, "112".to_owned());
        assert_eq!(horizon.since(), Some("105"));
        horizon.saw(16, 16, "112".to_owned());
        assert_eq!(horizon.since(), Some("112"));
    }

    #[test]
    fn what_was_open_at_the_first_reading_may_have_written_anything() {
        let mut horizon = Horizon::default();
        horizon.saw(5, 8, "20".to_owned());
        assert_eq!(horizon.since(), None);
        horizon.saw(5, 9, "21".to_owned());
        assert_eq!(horizon.since(), None);
        horizon.saw(8, 9, "22".to_owned());
        assert_eq!(horizon.since(), Some("20"));
    }

    #[test]
    fn readings_are_bounded_and_the_oldest_counts() {
        let mut horizon = Horizon::default();
        horizon.saw(1, 1, "0".to_owned());
        for number in 0..5_000 {
            horizon.saw(1, 2 + number, number.to_string());
        }
        assert!(horizon.readings.len() <= READINGS_MAX);
        assert_eq!(horizon.since(), Some("0"));
    }
}

//! Measured times.
use std::time::Duration;

/// Times that were measured, ascending; at least one.
#[derive(Clone, Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The least time that so many percent don't exceed, in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0[place].as_secs_f64() * 1_000.0
    }

    /// The median, in milliseconds.
    pub fn p50(&self) -> f64 {
        self.percentile(50)
    }

    /// What one in twenty exceeds, in milliseconds.
    pub fn p95(&self) -> f64 {
        self.percentile(95)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times = Times::of((1..=20).rev().map(Duration::from_millis).collect());
        assert_eq!((times.p50(), times.p95(), times.percentile(100)), (10.0, 19.0, 20.0));
        let one = Times::of(vec![Duration::from_millis(7)]);
        assert_eq!((one.percentile(0), one.p50(), one.p95()), (7.0, 7.0, 7.0));
    }
}

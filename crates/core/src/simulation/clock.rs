//! Virtual time: it jumps from one end to the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// How long the deployment has run, and what ends when.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Duration,
    /// The running steps, by their ends, then by their places.
    ends: BinaryHeap<Reverse<(Duration, usize)>>,
}

impl Clock {
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// A step has begun.
    pub(super) fn begin(&mut self, step: usize, takes: Duration) {
        self.ends.push(Reverse((self.now + takes, step)));
    }

    /// Goes on to the next moment at which a step ends, and tells all that end then, by their places; none: nothing runs.
    pub(super) fn advance(&mut self) -> Vec<usize> {
        let mut ended = Vec::new();
        if let Some(Reverse((next, _))) = self.ends.peek() {
            self.now = *next;
        }
        while let Some(Reverse((end, step))) = self.ends.peek().copied()
            && end == self.now
        {
            self.ends.pop();
            ended.push(step);
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_jumps_to_the_next_end_and_tells_all_of_one_moment() {
        let seconds = Duration::from_secs;
        let mut clock = Clock::default();
        clock.begin(4, seconds(3));
        clock.begin(2, seconds(5));
        clock.begin(1, seconds(3));
        clock.begin(0, Duration::ZERO);
        assert_eq!((clock.advance(), clock.now()), (vec![0], seconds(0)));
        assert_eq!((clock.advance(), clock.now()), (vec![1, 4], seconds(3)));
        clock.begin(7, seconds(2));
        assert_eq!((clock.advance(), clock.now()), (vec![2, 7], seconds(5)));
        assert_eq!((clock.advance(), clock.now()), (vec![], seconds(5)));
    }
}

//! A stretch: a closed loop from one instant to another, the whole lane at full speed; a slice if it counts.

use super::clock::{now_ns, thread_cpu_ns};
use super::lane::Lane;
use super::moves::Moves;
use super::recorder::Counting;

/// How long replies are awaited after the end.
const AWAIT_NS: u64 = 1_000_000_000;

/// What a stretch took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stretch {
    /// Replies that count.
    pub counted: u64,
    /// All replies, awaited ones included.
    pub replies: u64,
    /// CPU time of this thread.
    pub cpu_ns: u64,
    /// From the start to the last reply.
    pub loaded_ns: u64,
    /// How often this thread was moved from one CPU to another; `None` where the kernel does not tell.
    pub migrations: Option<u64>,
}

/// Loads a lane from `start_ns` (now, or a moment ago) for `length_ns`. Replies count from a tenth of it to
/// its end, if `counts`: at the start every connection sends at once, which is no steady state.
pub fn stretch(
    lane: &mut Lane,
    (start_ns, length_ns): (u64, u64),
    counts: bool,
    buffer: &mut [u8],
) -> Stretch {
    let moves = Moves::begin();
    let cpu_before = thread_cpu_ns();
    let (replies_before, counted_before) = (lane.tally.requests.ok, lane.recorder.replies);
    lane.closes_ns = start_ns + length_ns;
    lane.recorder.counting = if counts {
        Counting::Replies(start_ns + length_ns / 10, lane.closes_ns)
    } else {
        Counting::Nothing
    };
    lane.budget = u64::MAX;
    lane.begin_all(start_ns, buffer);
    while lane.busy > 0 {
        let left = (lane.closes_ns + AWAIT_NS).saturating_sub(now_ns());
        if left == 0 {
            lane.time_out(u64::MAX);
        } else {
            lane.turn(left, buffer);
        }
    }
    lane.recorder.counting = Counting::Nothing;
    Stretch {
        counted: lane.recorder.replies - counted_before,
        replies: lane.tally.requests.ok - replies_before,
        cpu_ns: thread_cpu_ns() - cpu_before,
        loaded_ns: now_ns() - start_ns,
        migrations: moves.end(),
    }
}

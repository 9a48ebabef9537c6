//! How often the kernel moved this thread from one CPU to another, as /proc tells (`se.nr_migrations`): each
//! move leaves the caches behind. It pays two reads of some 13 µs, outside what is timed, and ends where the
//! kernel was built without that file: then nothing is known, which is not 0.

/// Moves of the calling thread since an instant.
#[derive(Clone, Copy, Debug)]
pub struct Moves(Option<u64>);

impl Moves {
    /// From now on.
    pub fn begin() -> Self {
        Moves(so_far())
    }

    /// Until now, on the same thread.
    pub fn end(self) -> Option<u64> {
        Some(so_far()?.saturating_sub(self.0?))
    }
}

fn so_far() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/thread-self/sched").ok()?)
}

fn parse(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find(|line| line.starts_with("se.nr_migrations"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_unknown() {
        let told =
            "fiveways (7, #threads: 1)\nse.sum_exec_runtime  :  1.5\nse.nr_migrations   :  12\n";
        assert_eq!(parse(told), Some(12));
        assert_eq!(parse("fiveways (7, #threads: 1)\n"), None);
        assert_eq!(Moves(None).end(), None);
    }

    #[test]
    fn a_thread_that_goes_elsewhere_has_moved() {
        let before = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).expect("a set");
        let cpus: Vec<usize> = (0..nix::sched::CpuSet::count())
            .filter(|&cpu| before.is_set(cpu).unwrap_or(false))
            .take(2)
            .collect();
        if cpus.len() < 2 || so_far().is_none() {
            return;
        }
        let moves = Moves::begin();
        for &cpu in [cpus[0], cpus[1], cpus[0]].iter() {
            crate::keeper::pin(&[cpu]).expect("an online CPU");
        }
        assert!(moves.end().is_some_and(|moves| (2..=3).contains(&moves)));
    }
}

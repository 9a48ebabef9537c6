//! What the host as a whole holds, from /proc/meminfo, /proc/net/sockstat, /proc/slabinfo and /proc/zoneinfo: for
//! memory that the kernel books to no process. It pays some 200 µs.
//!
//! It ends at one instant: whose a change between two of them is, the kernel does not say.

use std::collections::BTreeMap;
use std::fs;

use procfs::{Current, Meminfo};
use record::HostMemory;
use serde::{Deserialize, Serialize};

/// The host's memory at one instant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Look {
    /// The figures that could be read.
    pub memory: HostMemory,
    /// Bytes of objects in each slab cache.
    pub caches: BTreeMap<String, u64>,
    /// What could not be read, and why.
    pub unavailable: BTreeMap<String, String>,
}

/// What the host holds now.
pub fn look() -> Look {
    let mut look = Look::default();
    // Each CPU keeps what it counted to itself for a while, up to some hundred KiB; root may have it told. Else
    // the figures are that coarse, which a slope over many rounds bears.
    let _ = fs::read("/proc/sys/vm/stat_refresh");
    match Meminfo::current() {
        Ok(info) => look.memory = whole(&info),
        Err(error) => look.miss(&["available", "slab"], format!("/proc/meminfo: {error}")),
    }
    if look.memory.available_bytes.is_none() {
        look.miss(&["available"], "/proc/meminfo has no MemAvailable");
    }
    match read("/proc/net/sockstat", |text| {
        socket_pages(text).ok_or("TCP has no mem")
    }) {
        Ok(pages) => look.memory.socket_buffer_bytes = Some(pages * procfs::page_size()),
        Err(reason) => look.miss(&["sockets"], reason),
    }
    match read("/proc/slabinfo", caches) {
        Ok(caches) => look.sort(caches),
        Err(reason) => look.miss(&["caches"], reason),
    }
    // Only to explain what is left over: without it nothing is missing.
    let at_hand = read("/proc/zoneinfo", |text| Ok(pages_at_hand(text)));
    look.memory.at_hand_bytes = at_hand.ok().map(|pages| pages * procfs::page_size());
    look
}

impl Look {
    /// The first reason stays: what follows from it is no news.
    fn miss(&mut self, what: &[&str], reason: impl Into<String>) {
        let reason = reason.into();
        for what in what {
            let known = self.unavailable.entry((*what).to_owned());
            known.or_insert_with(|| reason.clone());
        }
    }

    fn sort(&mut self, caches: BTreeMap<String, u64>) {
        let sum = |kind: Kind| -> u64 {
            let of_kind = caches.iter().filter(|(name, _)| kind_of(name) == kind);
            of_kind.map(|(_, bytes)| bytes).sum()
        };
        self.memory.socket_object_bytes = Some(sum(Kind::Socket));
        self.memory.slab_object_bytes = Some(sum(Kind::Other));
        self.caches = caches;
    }
}

/// Below this a cache is not said to have grown or shrunk.
const GROWTH_MIN: i64 = 16 << 10;

/// By how many bytes each cache grew, without those that hardly did.
pub fn growth(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, i64> {
    let bytes = |caches: &BTreeMap<String, u64>, name: &str| {
        let bytes = caches.get(name).copied().unwrap_or(0);
        i64::try_from(bytes).unwrap_or(i64::MAX)
    };
    let grown = after
        .keys()
        .map(|name| (name.clone(), bytes(after, name) - bytes(before, name)));
    grown
        .filter(|(_, bytes)| bytes.abs() >= GROWTH_MIN)
        .collect()
}

fn whole(info: &Meminfo) -> HostMemory {
    let cached = info.cached + info.buffers;
    HostMemory {
        available_bytes: info.mem_available,
        free_bytes: Some(info.mem_free),
        file_bytes: Some(cached.saturating_sub(info.shmem.unwrap_or(0))),
        anonymous_bytes: info.anon_pages,
        page_table_bytes: info.page_tables,
        kernel_stack_bytes: info.kernel_stack,
        slab_bytes: Some(info.slab),
        slab_reclaimable_bytes: info.s_reclaimable,
        per_cpu_bytes: info.per_cpu,
        ..HostMemory::default()
    }
}

fn read<T>(path: &str, parse: impl Fn(&str) -> Result<T, &'static str>) -> Result<T, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    parse(&text).map_err(|what| format!("{path}: {what}"))
}

/// Pages that all TCP sockets hold buffers in.
fn socket_pages(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace().skip_while(|word| *word != "mem");
    words.nth(1)?.parse().ok()
}

/// Free pages on the lists of all CPUs in all zones.
fn pages_at_hand(text: &str) -> u64 {
    let counts = text.lines();
    let counts = counts.filter_map(|line| line.trim_start().strip_prefix("count:"));
    let counts = counts.filter_map(|count| count.trim().parse::<u64>().ok());
    counts.sum()
}

/// Bytes of objects in use in each cache: number × size. Objects, not pages: pages that are half empty take in
/// the next ones, so that their number is a matter of what was there before.
fn caches(text: &str) -> Result<BTreeMap<String, u64>, &'static str> {
    let mut lines = text.lines();
    if !lines.next().is_some_and(|head| head.contains("version: 2")) {
        return Err("another version than 2");
    }
    let cache = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let active: u64 = words.next()?.parse().ok()?;
        let size: u64 = words.nth(1)?.parse().ok()?;
        Some((name.to_owned(), active * size))
    };
    let lines = lines.filter(|line| !line.starts_with('#'));
    let caches = lines.map(|line| cache(line).ok_or("a line that is no cache"));
    caches.collect()
}

/// What a slab cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Sockets that live, and what they send.
    Socket,
    /// What whoever reads and writes files fills, and the ends of connections of a minute ago.
    Noise,
    /// Everything else: tasks, maps, descriptors.
    Other,
}

fn kind_of(cache: &str) -> Kind {
    let starts = |with: &[&str]| with.iter().any(|start| cache.starts_with(start));
    if starts(&[
        "TCP",
        "MPTCP",
        "sock_inode_cache",
        "skbuff_",
        "request_sock_",
    ]) {
        Kind::Socket
    } else if starts(&["tw_sock_", "buffer_head", "radix_tree_node"])
        || cache.ends_with("_inode_cache")
    {
        Kind::Noise
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKSTAT: &str = "sockets: used 80\nTCP: inuse 64 orphan 15 tw 112897 alloc 64 mem 31\n\
                            UDP: inuse 3 mem 7\nFRAG: inuse 0 memory 0\n";
    const SLABINFO: &str = "slabinfo - version: 2.1\n\
        # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables\n\
        tw_sock_TCP       112922 131040    256   16    1 : tunables    0    0    0 : slabdata   8190   8190      0\n\
        TCP                  130    143   2368   13    8 : tunables    0    0    0 : slabdata     11     11      0\n\
        sock_inode_cache     422    494    832   19    4 : tunables    0    0    0 : slabdata     26     26      0\n\
        ext4_inode_cache     100    110   1000   19    4 : tunables    0    0    0 : slabdata     26     26      0\n\
        task_struct          124    145   5888    5    8 : tunables    0    0    0 : slabdata     29     29      0\n";

    #[test]
    fn sockets_hold_the_pages_of_tcp() {
        assert_eq!(socket_pages(SOCKSTAT), Some(31));
        assert_eq!(socket_pages("TCP: inuse 1\n"), None);
        assert_eq!(socket_pages("UDP: inuse 0 mem 3\n"), None);
    }

    #[test]
    fn caches_weigh_the_objects_in_use_and_are_told_apart() {
        let mut look = Look::default();
        look.sort(caches(SLABINFO).expect("version 2.1"));
        assert_eq!(
            look.memory.socket_object_bytes,
            Some(130 * 2368 + 422 * 832)
        );
        assert_eq!(look.memory.slab_object_bytes, Some(124 * 5888));
        assert_eq!(look.caches["tw_sock_TCP"], 112_922 * 256);
        assert!(caches("slabinfo - version: 3.0\n").is_err());
        assert!(caches("slabinfo - version: 2.1\ntask_struct many\n").is_err());
    }

    #[test]
    fn caches_that_hardly_grew_are_left_out() {
        let of = |all: [(&str, u64); 3]| all.map(|(name, bytes)| (name.to_owned(), bytes)).into();
        let before = of([("TCP", 1_000_000), ("filp", 500_000), ("pid", 4_000)]);
        let after = of([("TCP", 900_000), ("filp", 510_000), ("dentry", 70_000)]);
        let grown = growth(&before, &after);
        let expected = [("TCP".to_owned(), -100_000), ("dentry".to_owned(), 70_000)];
        assert_eq!(grown, expected.into());
    }

    #[test]
    fn pages_at_hand_are_of_all_cpus() {
        let text = "  pagesets\n    cpu: 0\n              count:    41\n              high:     52\n    \
                    cpu: 1\n              count:    9\n";
        assert_eq!(pages_at_hand(text), 50);
    }

    #[test]
    fn what_this_host_does_not_tell_has_a_reason() {
        let look = look();
        let told = [
            ("available", look.memory.available_bytes.is_some()),
            ("sockets", look.memory.socket_buffer_bytes.is_some()),
            ("caches", look.memory.slab_object_bytes.is_some()),
        ];
        for (what, is_told) in told {
            assert_eq!(is_told, !look.unavailable.contains_key(what), "{what}");
        }
        let refused = read("/proc/nothing-of-that-name", |_| Ok(()));
        assert!(refused.is_err_and(|reason| reason.contains("No such file")));
    }
}

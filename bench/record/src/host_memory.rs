//! Memory that the kernel books to no process: what the host as a whole holds at one instant, and what the
//! memory controller says of a server's own cgroup.
//!
//! A change of the host's figures is of everybody on it: over loopback of both ends of every connection.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the host holds, at one instant. Bytes; absent where the host does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostMemory {
    /// What could still be had without swapping, as the kernel reckons it (MemAvailable).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_bytes: Option<u64>,
    /// Pages that nobody has (MemFree).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Pages of files (Cached and Buffers, without shared memory).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Anonymous pages of all processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_bytes: Option<u64>,
    /// Page tables of all processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_table_bytes: Option<u64>,
    /// Kernel stacks of all tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_stack_bytes: Option<u64>,
    /// Pages of all slab caches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slab_bytes: Option<u64>,
    /// Of those, what counts as available because it could be given back: of sockets' inodes that is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slab_reclaimable_bytes: Option<u64>,
    /// What the kernel holds once a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_cpu_bytes: Option<u64>,
    /// Free pages that CPUs keep at hand: in no other figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hand_bytes: Option<u64>,
    /// Buffers of all TCP sockets (`mem` of /proc/net/sockstat).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket_buffer_bytes: Option<u64>,
    /// Objects in the slab caches of sockets (`TCP`, `sock_inode_cache`, `skbuff…`), from /proc/slabinfo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket_object_bytes: Option<u64>,
    /// Objects in the other slab caches, but for those of files and of sockets in TIME_WAIT, which others fill
    /// and empty meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slab_object_bytes: Option<u64>,
}

/// The host's memory at the instants of a solo pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostMemoryInstants {
    /// The server is not started yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<HostMemory>,
    /// Listening, nobody connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<HostMemory>,
    /// Everybody connected and answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<HostMemory>,
    /// By how many bytes each slab cache grew from ready to connected; without those that hardly did. A cache
    /// may stand for several of one size, which the kernel merges.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caches: BTreeMap<String, i64>,
    /// What could not be read, and why: `available`, `sockets`, `slab`, `caches`, `cgroup`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unavailable: BTreeMap<String, String>,
}

impl HostMemoryInstants {
    /// Whether nothing was read, nor tried.
    pub fn is_empty(&self) -> bool {
        *self == HostMemoryInstants::default()
    }
}

/// What the memory controller has booked to a server's own cgroup, at one instant. Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CgroupMemory {
    /// Everything: pages of the server, pages of files that it was the first to read, kernel memory.
    pub total_bytes: u64,
    /// The kernel's: page tables, kernel stacks, slab. Of the server's ends of connections alone.
    pub kernel_bytes: u64,
}

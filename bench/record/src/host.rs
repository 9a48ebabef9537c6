//! What machine the figures were measured on: their conditions, without a name that tells whose it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The host of the server (and, so far, of the generator).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// `uname -sr`.
    pub kernel: String,
    /// As /proc/cpuinfo names it.
    pub cpu: String,
    /// Logical CPUs online.
    pub cpus: u32,
    /// Physical cores online.
    pub cores: u32,
    /// The hypervisor's name, `none` on bare metal.
    pub virtualisation: String,
    /// Main memory.
    pub memory_bytes: u64,
    /// Hard limit of descriptors a process.
    pub descriptors: u64,
    /// net.core.somaxconn: the longest accept queue.
    pub somaxconn: Option<u64>,
    /// net.ipv4.ip_local_port_range.
    pub port_range: Option<(u16, u16)>,
    /// Transparent huge pages: always, madvise or never.
    pub huge_pages: Option<String>,
    /// Bytes of one kernel stack, measured over known tasks.
    pub kernel_stack_bytes: u64,
    /// Whether servers get a cgroup v2 of their own (`cpu.stat`, `cgroup.kill`), or why not.
    pub cgroup: String,
    /// Physical core of each logical CPU, by index in the list of online CPUs.
    pub topology: Vec<Cpu>,
    /// Everything else that figures may depend on, by the name that its own tool gives it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
}

impl Host {
    /// What stands under a name; `None` where it is not known, or was not asked for.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fact(name)?.value.as_deref()
    }

    /// The first number of what stands under a name.
    pub fn number(&self, name: &str) -> Option<f64> {
        let value = self.value(name)?;
        value.split_whitespace().next()?.parse().ok()
    }

    /// A fact, known or not; `None` in records that are older than the question.
    pub fn fact(&self, name: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.name == name)
    }
}

/// One thing about the host, as it stood when the agent began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// `net.core.somaxconn` as sysctl(8) calls it, `cpu.governor`, `cgroup.version` …
    pub name: String,
    /// What stands there, in the words of the kernel.
    pub value: Option<String>,
    /// Why nothing is known, where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One logical CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cpu {
    /// Logical number.
    pub cpu: usize,
    /// Physical package.
    pub package: u32,
    /// Core within the package; CPUs of one core are hyper-threads of each other.
    pub core: u32,
}

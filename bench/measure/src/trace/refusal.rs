//! Why ptrace(2) is refused, and what to do: the kernel says EPERM to everybody, and the reason stands elsewhere.

use std::fs;

use nix::errno::Errno;
use nix::unistd::Pid;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was refused, with the error's number.
    pub cause: String,
    /// What to do about it.
    pub hint: String,
}

/// Why this process may not trace its own child.
pub fn refusal(errno: Errno, child: Pid) -> Refusal {
    let said = format!("ptrace: {} ({})", errno.desc(), errno as i32);
    let tracer = field(&format!("/proc/{child}/status"), "TracerPid:").unwrap_or(0);
    let scope = number("/proc/sys/kernel/yama/ptrace_scope").unwrap_or(0);
    let filtered = field("/proc/self/status", "Seccomp:") == Some(2);
    explained(&said, tracer, scope, filtered)
}

fn explained(said: &str, tracer: i64, scope: i64, filtered: bool) -> Refusal {
    let (why, hint) = if tracer != 0 {
        (
            "a task has one tracer at most, and this one is traced already (strace or a debugger around fiveways?)",
            "fiveways trace without the tracer around it",
        )
    } else if scope >= 3 {
        (
            "kernel.yama.ptrace_scope is 3: nobody may trace, until the next boot",
            "a boot without that setting (/etc/sysctl.d)",
        )
    } else if scope == 2 {
        (
            "kernel.yama.ptrace_scope is 2: only an administrator may trace",
            "sudo sysctl kernel.yama.ptrace_scope=1, under which everybody may trace own children",
        )
    } else if filtered {
        (
            "a seccomp filter stands around this program, as containers set it",
            "docker run --cap-add SYS_PTRACE … (podman alike), or --security-opt seccomp=unconfined",
        )
    } else {
        (
            "neither yama nor a seccomp filter says so: another security module may (SELinux: deny_ptrace)",
            "sudo setsebool deny_ptrace 0 where there is SELinux; else what `dmesg` says",
        )
    };
    Refusal {
        cause: format!("{said}; {why}"),
        hint: hint.to_owned(),
    }
}

fn number(path: &str) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field(path: &str, name: &str) -> Option<i64> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_remedy() {
        let hint = |tracer, scope, filtered| explained("", tracer, scope, filtered).hint;
        assert!(hint(7, 3, true).contains("without the tracer"));
        assert!(hint(0, 3, true).contains("boot"));
        assert!(hint(0, 2, true).contains("ptrace_scope=1"));
        assert!(hint(0, 1, true).contains("SYS_PTRACE"));
        assert!(hint(0, 0, false).contains("dmesg"));
    }

    #[test]
    fn the_error_and_its_number_are_told() {
        let refused = refusal(Errno::EPERM, Pid::from_raw(1 << 30));
        assert!(
            refused.cause.contains("Operation not permitted (1)"),
            "{}",
            refused.cause
        );
    }
}

//! Who runs where: the server on whole physical cores, everything of ours on the others.
//!
//! Two hyper-threads of one core never stand on opposite sides: they share its execution units, and one
//! side's load would be the other's noise. The server gets the last cores, because interrupts and the
//! rest of the machine's work prefer the first.

use record::{Cpu, Placing};

/// Logical CPUs of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Of the server's tree.
    pub server: Vec<usize>,
    /// Of harness, agents, keepers and generator.
    pub generator: Vec<usize>,
}

/// Both sides of a scenario: apart, or on the same `server_cpus` physical cores.
///
/// # Errors
/// With what the machine would need.
pub fn place_as(topology: &[Cpu], server_cpus: u32, placing: Placing) -> Result<Placement, String> {
    match placing {
        Placing::Apart => place(topology, server_cpus),
        Placing::Shared => share(topology, server_cpus),
    }
}

fn share(topology: &[Cpu], server_cpus: u32) -> Result<Placement, String> {
    let cores = cores(topology);
    let wanted = server_cpus as usize;
    if wanted > cores.len() {
        return Err(format!(
            "server_cpus = {wanted} needs as many physical cores; this machine has {}",
            cores.len()
        ));
    }
    let both = cpus_of(topology, &cores[cores.len() - wanted..]);
    Ok(Placement {
        server: both.clone(),
        generator: both,
    })
}

/// Physical cores, in order.
fn cores(topology: &[Cpu]) -> Vec<(u32, u32)> {
    let mut cores: Vec<(u32, u32)> = topology.iter().map(|cpu| (cpu.package, cpu.core)).collect();
    cores.sort_unstable();
    cores.dedup();
    cores
}

fn cpus_of(topology: &[Cpu], cores: &[(u32, u32)]) -> Vec<usize> {
    let cpus = topology.iter();
    let theirs = cpus.filter(|cpu| cores.contains(&(cpu.package, cpu.core)));
    theirs.map(|cpu| cpu.cpu).collect()
}

/// Gives the server `server_cpus` physical cores and the generator the rest, at least one. On a machine
/// of one core both sides share it.
///
/// # Errors
/// With what the machine would need.
pub fn place(topology: &[Cpu], server_cpus: u32) -> Result<Placement, String> {
    let cores = cores(topology);
    let wanted = server_cpus as usize;
    if cores.len() == 1 && wanted == 1 {
        let all: Vec<usize> = topology.iter().map(|cpu| cpu.cpu).collect();
        return Ok(Placement {
            server: all.clone(),
            generator: all,
        });
    }
    if wanted >= cores.len() {
        return Err(format!(
            "server_cpus = {wanted} needs {} physical cores, one of them for the generator; this machine has {}",
            wanted + 1,
            cores.len()
        ));
    }
    let (generators, servers) = cores.split_at(cores.len() - wanted);
    Ok(Placement {
        server: cpus_of(topology, servers),
        generator: cpus_of(topology, generators),
    })
}

/// Gives the servers `server_cpus` of the cores that are `allowed` (none: all), the last ones, and what is left to our
/// agent and keepers beside them; on the same cores, where nothing is: while servers are loaded, those sleep.
///
/// # Errors
/// With what the host would need.
pub fn place_alone(
    topology: &[Cpu],
    allowed: &[usize],
    server_cpus: u32,
) -> Result<Placement, String> {
    let usable = |cpu: &&Cpu| allowed.is_empty() || allowed.contains(&cpu.cpu);
    let allowed: Vec<Cpu> = topology.iter().filter(usable).copied().collect();
    let cores = cores(&allowed);
    let wanted = server_cpus as usize;
    if wanted > cores.len() {
        return Err(format!(
            "server_cpus = {wanted} needs as many physical cores of the server's host; it may use {}",
            cores.len()
        ));
    }
    let server = cpus_of(&allowed, &cores[cores.len() - wanted..]);
    let is_left = |cpu: &&Cpu| !server.contains(&cpu.cpu);
    let left: Vec<usize> = topology.iter().filter(is_left).map(|cpu| cpu.cpu).collect();
    Ok(Placement {
        generator: if left.is_empty() {
            server.clone()
        } else {
            left
        },
        server,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(cores: u32, threads: u32) -> Vec<Cpu> {
        (0..cores * threads)
            .map(|n| Cpu {
                cpu: n as usize,
                package: 0,
                core: n % cores,
            })
            .collect()
    }

    #[test]
    fn the_last_core_is_the_servers() {
        let placed = place(&machine(2, 1), 1).unwrap();
        assert_eq!((placed.server, placed.generator), (vec![1], vec![0]));
    }

    #[test]
    fn both_sides_may_share_as_many_cores_as_there_are() {
        let shared = |wanted| place_as(&machine(2, 2), wanted, Placing::Shared);
        let placed = shared(2).unwrap();
        assert_eq!(placed.server, [0, 1, 2, 3]);
        assert_eq!(placed.server, placed.generator);
        assert_eq!(shared(1).unwrap().generator, [1, 3]);
        assert!(shared(3).unwrap_err().contains("this machine has 2"));
        assert_eq!(
            place_as(&machine(2, 1), 1, Placing::Apart),
            place(&machine(2, 1), 1)
        );
    }

    #[test]
    fn hyper_threads_of_a_core_stay_together() {
        let placed = place(&machine(4, 2), 1).unwrap();
        assert_eq!(placed.server, [3, 7]);
        assert_eq!(placed.generator, [0, 1, 2, 4, 5, 6]);
    }

    #[test]
    fn too_few_cores_are_said_so_and_one_is_shared() {
        assert!(
            place(&machine(2, 2), 2)
                .unwrap_err()
                .contains("needs 3 physical cores")
        );
        let placed = place(&machine(1, 2), 1).unwrap();
        assert_eq!(placed.server, placed.generator);
    }

    #[test]
    fn a_host_of_servers_alone_may_give_them_all_its_cores() {
        let all = place_alone(&machine(2, 1), &[], 2).unwrap();
        assert_eq!((all.server, all.generator), (vec![0, 1], vec![0, 1]));
        let one = place_alone(&machine(4, 1), &[1, 2], 1).unwrap();
        assert_eq!((one.server, one.generator), (vec![2], vec![0, 1, 3]));
        let refused = place_alone(&machine(4, 1), &[1, 2], 3).unwrap_err();
        assert!(refused.contains("it may use 2"), "{refused}");
    }
}

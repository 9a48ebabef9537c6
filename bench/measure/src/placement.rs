//! Who runs where: the server on whole physical cores, everything of ours on the others.
//!
//! Two hyper-threads of one core never stand on opposite sides: they share its execution units, and one
//! side's load would be the other's noise. The server gets the last cores, because interrupts and the
//! rest of the machine's work prefer the first.

use record::Cpu;

/// Logical CPUs of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Of the server's tree.
    pub server: Vec<usize>,
    /// Of harness, agents, keepers and generator.
    pub generator: Vec<usize>,
}

/// Gives the server `server_cpus` physical cores and the generator the rest, at least one. On a machine
/// of one core both sides share it.
///
/// # Errors
/// With what the machine would need.
pub fn place(topology: &[Cpu], server_cpus: u32) -> Result<Placement, String> {
    let mut cores: Vec<(u32, u32)> = topology.iter().map(|cpu| (cpu.package, cpu.core)).collect();
    cores.sort_unstable();
    cores.dedup();
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
    let servers = &cores[cores.len() - wanted..];
    let (server, generator) = topology
        .iter()
        .partition::<Vec<Cpu>, _>(|cpu| servers.contains(&(cpu.package, cpu.core)));
    let numbers = |cpus: Vec<Cpu>| cpus.iter().map(|cpu| cpu.cpu).collect();
    Ok(Placement {
        server: numbers(server),
        generator: numbers(generator),
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
}

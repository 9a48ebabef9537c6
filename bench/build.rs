//! Links the program to a fixed address. Everything that is forked from it, agents, keepers and the processes of the
//! labs, is a copy of it, and a program that may be loaded anywhere has its tables of addresses written at each start:
//! half a MiB of private pages here, which each fork copies the page tables of.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-no-pie");
}

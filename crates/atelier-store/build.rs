//! Rebuilds this crate when a migration is added: the compiler only sees those it knew before.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}

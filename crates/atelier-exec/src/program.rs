//! Programs of this machine: where they are and which version they have.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::fs::{Access, access};

use crate::host::{HostLimits, run};

const LIMITS: HostLimits = HostLimits {
    wall: Duration::from_secs(10),
    output_bytes_max: 256 * 1024,
};

/// Finds a program on a search path such as the value of `PATH`. Relative folders on the path are
/// not searched: what they are depends on where one stands.
pub fn find_program(name: &str, path: &str) -> Option<PathBuf> {
    if name.is_empty() || name.contains('/') {
        return None;
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
}

/// Name of the sandbox's helper beside the program that it belongs to.
const HELPER: &str = "atelier-helper";

/// The program that supervises commands: the small one beside this program's file if it belongs to
/// the same user, else this program itself.
pub fn helper_program() -> std::io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let helper = own.with_file_name(HELPER);
    let owner = |path: &Path| std::fs::metadata(path).map(|found| found.uid());
    let fits = access(&helper, Access::EXEC_OK).is_ok() && owner(&helper)? == owner(&own)?;
    Ok(if fits { helper } else { own })
}

/// The first line that a program prints when asked for its version.
pub fn program_version(program: &Path, args: &[&str]) -> Option<String> {
    let output = run(Command::new(program).args(args), &[], LIMITS).ok()?;
    if !output.status.success() {
        return None;
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut lines = stdout.lines().chain(output.stderr.lines()).map(str::trim);
    lines.find(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;

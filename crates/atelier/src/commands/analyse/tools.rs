//! Tools of the ecosystems: where each has something to say, how it is executed and read.

use std::collections::BTreeSet;

use atelier_model::{FileTree, TreePath};

use super::{
    finding::Finding,
    read::{self, Output},
};

/// Files that one tool is handed.
const FILES_MAX: usize = 1000;

/// A tool of others.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// The file of the program.
    pub(super) program: &'static str,
    /// The words behind the program.
    pub(super) args: &'static [&'static str],
    /// Names of files it is for; `*` stands for anything before the rest.
    pub(super) marks: &'static [&'static str],
    /// Whether it is handed these files, instead of being executed beside each.
    pub(super) takes_files: bool,
    /// Whether it asks a registry.
    pub(super) asks: bool,
    /// What it finds.
    pub(super) finds: &'static str,
    /// How to get it.
    pub(super) get: &'static str,
    pub(super) read: fn(&Output<'_>) -> Option<Vec<Finding>>,
}

/// Each tool.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "npm-audit",
        program: "npm",
        args: &["audit", "--json"],
        marks: &["package-lock.json", "npm-shrinkwrap.json"],
        takes_files: false,
        asks: true,
        finds: "known faults in npm packages",
        get: "install Node.js from https://nodejs.org",
        read: read::npm_audit,
    },
    Tool {
        name: "pip-audit",
        program: "pip-audit",
        args: &[
            "--format",
            "json",
            "--progress-spinner",
            "off",
            "-r",
            "requirements.txt",
        ],
        marks: &["requirements.txt"],
        takes_files: false,
        asks: true,
        finds: "known faults in Python packages",
        get: "install it with `pipx install pip-audit`",
        read: read::pip_audit,
    },
    Tool {
        name: "cargo-audit",
        program: "cargo-audit",
        args: &["audit", "--json"],
        marks: &["Cargo.lock"],
        takes_files: false,
        asks: true,
        finds: "known faults in crates",
        get: "install it with `cargo install cargo-audit --locked`",
        read: read::cargo_audit,
    },
    Tool {
        name: "govulncheck",
        program: "govulncheck",
        args: &["-format", "json", "./..."],
        marks: &["go.mod"],
        takes_files: false,
        asks: true,
        finds: "known faults in Go modules that the code reaches",
        get: "install it with `go install golang.org/x/vuln/cmd/govulncheck@latest`",
        read: read::govulncheck,
    },
    Tool {
        name: "ruff",
        program: "ruff",
        args: &["check", "--no-cache", "--output-format", "json"],
        marks: &["*.py"],
        takes_files: true,
        asks: false,
        finds: "doubtful Python",
        get: "install it with `pipx install ruff`",
        read: read::ruff,
    },
    Tool {
        name: "eslint",
        program: "eslint",
        args: &["--format", "json", "."],
        marks: &[
            "eslint.config.js",
            "eslint.config.mjs",
            "eslint.config.cjs",
            "eslint.config.ts",
            ".eslintrc.json",
            ".eslintrc.js",
            ".eslintrc.cjs",
            ".eslintrc.yml",
        ],
        takes_files: false,
        asks: false,
        finds: "doubtful JavaScript and TypeScript",
        get: "install what package.json names, with `npm ci` or what the project uses",
        read: read::eslint,
    },
    Tool {
        name: "clippy",
        program: "cargo-clippy",
        args: &[
            "clippy",
            "--quiet",
            "--message-format=json",
            "--all-targets",
        ],
        marks: &["Cargo.lock"],
        takes_files: false,
        asks: false,
        finds: "doubtful Rust",
        get: "install it with `rustup component add clippy`",
        read: read::clippy,
    },
    Tool {
        name: "hadolint",
        program: "hadolint",
        args: &["--no-fail", "--format", "json"],
        marks: &["Dockerfile", "Containerfile", "*.dockerfile"],
        takes_files: true,
        asks: false,
        finds: "doubtful container files",
        get: "install it from https://github.com/hadolint/hadolint",
        read: read::hadolint,
    },
    Tool {
        name: "shellcheck",
        program: "shellcheck",
        args: &["--format", "json1"],
        marks: &["*.sh", "*.bash"],
        takes_files: true,
        asks: false,
        finds: "doubtful shell scripts",
        get: "install it with your system's packages, such as `apt install shellcheck`",
        read: read::shellcheck,
    },
    Tool {
        name: "zizmor",
        program: "zizmor",
        args: &[
            "--offline",
            "--quiet",
            "--no-exit-codes",
            "--format",
            "json",
        ],
        marks: &[".github/workflows/*.yml", ".github/workflows/*.yaml"],
        takes_files: true,
        asks: false,
        finds: "weak spots of workflows of GitHub Actions",
        get: "install it with `pipx install zizmor`",
        read: read::zizmor,
    },
];

impl Tool {
    /// The folders to execute it in; the root is `None`.
    pub(super) fn folders(&self, tree: &FileTree) -> BTreeSet<Option<TreePath>> {
        let files = tree.paths().filter(|path| self.is_for(path));
        if self.takes_files {
            return files.take(1).map(|_| None).collect();
        }
        files.map(TreePath::parent).collect()
    }

    /// The files it is handed.
    pub(super) fn files(&self, tree: &FileTree) -> Vec<String> {
        if !self.takes_files {
            return Vec::new();
        }
        let files = tree.paths().filter(|path| self.is_for(path));
        // A path that begins with a dash would be an option.
        files
            .take(FILES_MAX)
            .map(|path| format!("./{path}"))
            .collect()
    }

    fn is_for(&self, path: &TreePath) -> bool {
        self.marks.iter().any(|mark| match mark.split_once('*') {
            Some((before, after)) => {
                path.as_str().starts_with(before) && path.as_str().ends_with(after)
            }
            None => path.name() == *mark,
        })
    }
}

//! What the first commit leaves out, and the file that is written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::{
    cli::RunOptions,
    config::{Config, Sources},
};

#[test]
fn secrets_and_what_tools_make_stay_out_of_the_first_commit() {
    for path in [
        ".env",
        ".env.local",
        "config/.env.production",
        "tls/server.pem",
        "id_rsa",
        "web/node_modules/left/index.js",
        "target/debug/app",
        "src/__pycache__/a.pyc",
    ] {
        assert!(stays_out(path), "{path}");
    }
    for path in [
        ".env.example",
        "src/main.rs",
        "docs/target.md",
        "build.rs",
        "keys/README.md",
    ] {
        assert!(!stays_out(path), "{path}");
    }
}

#[test]
fn the_file_that_is_written_can_be_read() {
    for found in [None, Some(("http://127.0.0.1:11434/v1", "qwen \"coder\""))] {
        let text = template(found);
        let project = Some((PROJECT_FILE.into(), text));
        let sources = Sources {
            project,
            ..Sources::default()
        };
        let config = Config::load(&sources, &Global::default(), &RunOptions::default()).unwrap();
        let model = config.get("model").and_then(|entry| entry.value.as_str());
        assert_eq!(model, found.map(|(_, model)| model));
    }
}

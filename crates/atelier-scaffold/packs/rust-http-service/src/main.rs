//! The process: reads HOST and PORT, serves until it is asked to stop.

use std::env::{self, VarError};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use {{module}}::server::Server;
use {{module}}::{NAME, signal};

const HOST_DEFAULT: &str = "127.0.0.1";
const PORT_DEFAULT: &str = "8080";

/// How often the flag of the signals is looked at.
const PATIENCE: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    match start() {
        Ok(server) => {
            serve(server);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{NAME}: {message}");
            ExitCode::from(2)
        }
    }
}

/// Listens where the environment says; the error is a message for people.
fn start() -> Result<Server, String> {
    let host = setting("HOST", HOST_DEFAULT)?;
    let text = setting("PORT", PORT_DEFAULT)?;
    let port = text
        .parse()
        .map_err(|_| format!("PORT must be a number from 0 to 65535, not `{text}`"))?;
    Server::bind(&host, port).map_err(|error| format!("cannot listen on {host}:{port}: {error}"))
}

fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is not valid Unicode")),
    }
}

/// Serves until SIGINT or SIGTERM, then lets requests under way finish.
fn serve(server: Server) {
    signal::listen();
    let stop = server.stop();
    thread::spawn(move || {
        while !signal::asked_to_stop() {
            thread::sleep(PATIENCE);
        }
        stop.stop();
    });
    println!("listening on http://{}", server.address());
    server.serve();
}

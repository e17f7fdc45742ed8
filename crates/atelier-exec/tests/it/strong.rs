//! Commands in a machine of their own.

use std::fs;

use atelier_exec::{Confinement, Exit, Returns, Workspace};

use crate::bench::Bench;

/// A shell script over the working folder, which is taken over as `returns` says.
fn strong(bench: &Bench, script: &str, returns: Returns) -> atelier_exec::Command {
    let mut command = bench.shell(script);
    command.writable.clear();
    command.confinement = Confinement::strong();
    command.confinement.workspace = Some(Workspace {
        folder: bench.work(),
        returns,
    });
    command
}

#[tokio::test]
async fn a_machine_of_its_own_is_another_one() {
    let bench = Bench::new();
    fs::write(bench.work().join("file"), "text").unwrap();
    let script = "cat file; id -u; hostname; echo $$; ls / | tr '\\n' ' '; ls /tmp; pwd; ls /proc | grep -c '^[0-9]'; ls -l /proc/self/fd; cat /proc/mounts; cat /proc/self/status | grep -E 'Cap|NoNew|Secc'; echo hi > new && cat new && rm file";
    let command = strong(&bench, script, Returns::Everything);
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.exit, Exit::Code(0), "{}", report.output);
    println!("{} {:?}", report.output, report);
    assert_eq!(report.usage.returned.written, 1);
}
